"""An aggregation: one answer out of all reviews of a restaurant, a chunk at a time, merged in later stages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.corpus import language
from pipelines.corpus.row import Review
from pipelines.engine.interface import Completion
from pipelines.prompts.template import PromptTemplate, one_line
from pipelines.tasks.answer_schema import AnswerSchema
from pipelines.tasks.quotes import quotable
from pipelines.tasks.restaurant import RestaurantState, Stage
from pipelines.tasks.task import IDS, Answers, Column, Example, Task

# Every prompt over a restaurant's reviews begins with this and the reviews, and only then says what is asked: so the
# second task over the same reviews finds them in the prefix cache.
PREFIX = "Reviews of a restaurant:\n"
ANY = ""  # the field that a review offers quotes for where it offers the same for all


COUNTS = (
    Column("reviews_used", pa.int64(), "reviews that the answer is made from", 41),
    Column("reviews_total", pa.int64(), "reviews of the restaurant", 41),
    Column("chunks", pa.int64(), "prompts that the reviews were split into", 2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation(Task):
    """A task about restaurants that is answered in fields, of those that `schemas` has for each name of a form.

    Chunks are merged by asking for the same of their answers.
    """

    schemas: Mapping[str, AnswerSchema]

    def stage(self, restaurant: RestaurantState) -> Stage | None:
        """See `Task`."""
        if not restaurant.answers:
            return self.about_reviews("chunk", restaurant)
        if len(answers := restaurant.answers[-1]) > 1:
            return Stage(form="merge", lines=[self.line(answer) for answer in answers], quotes=answers)
        return None

    def about_reviews(self, form: str, restaurant: RestaurantState) -> Stage:
        """Return a stage that asks about all reviews of the restaurant."""
        return Stage(
            form=form,
            lines=[f"- {one_line(review.text)}\n" for review in restaurant.reviews],
            after=restaurant.others.text,
            quotes=[self._offered(form, review, restaurant.middle) for review in restaurant.reviews],
            others=[quote for quotes in restaurant.others.quotes.values() for quote in quotes],
        )

    def _offered(self, form: str, review: Review, middle: float | None) -> Mapping[str, Sequence[str]]:
        """Return what a review offers to be quoted: good things if its rating is good, bad things if it is bad."""
        quotes = quotable(review.text)
        if review.rating is None or middle is None:
            return {ANY: quotes}
        fields = (field for field in self.schemas[form].fields if field.quoting)
        return {f.name: quotes for f in fields if not f.tone or f.tone * (review.rating - middle) > 0}

    def held(self, stage: Stage, part: slice, chunks: int) -> str | None:
        """See `Task`."""
        schema, quotes = self.schemas[stage.form], stage.quotes[part]
        if not schema.quotes:
            return None
        by_field = {
            field.name: [quote for line in quotes for quote in line.get(field.name, line.get(ANY, ()))]
            for field in schema.fields
        }
        return schema.held(by_field, stage.others, chunks)

    def line(self, answer: Mapping[str, Any]) -> str:
        """Return a chunk's answer as a line of the prompt that merges it."""
        return f"- {json.dumps(answer, ensure_ascii=False)}\n"

    def parse(self, form: str, completion: Completion) -> dict[str, Any]:
        """Return the fields of the answer."""
        return self.schemas[form.partition(".")[0]].read(completion.text)

    def fields(self, restaurant: RestaurantState) -> dict[str, Any]:
        """Return what the results say of a restaurant all of whose stages are answered."""
        (answer,) = restaurant.answers[-1]
        return dict(answer)

    def later(self, chunks: int) -> str | None:
        """See `Task`."""
        return "merge" if chunks > 1 else None

    def tables(self, answers: Answers) -> Iterator[pa.Table]:
        """See `Task`."""
        return map(self._table, answers.restaurants())

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return how many restaurants have an answer, made from how many of their reviews."""
        del answers
        used, total = pl.col("reviews_used").sum(), pl.col("reviews_total").sum()
        figures = results.select(restaurants=pl.len(), reviews_used=used, reviews_total=total)
        return figures.collect().row(0, named=True)

    def _table(self, restaurants: Sequence[RestaurantState]) -> pa.Table:
        return self.table_of(
            {
                "restaurant_id": restaurant.unit,
                **self.fields(restaurant),
                "reviews_used": restaurant.used,
                "reviews_total": len(restaurant.reviews),
                "chunks": restaurant.chunks,
            }
            for restaurant in restaurants
        )


def asking(
    names: Sequence[str],
    question: str,
    noun: str,
    schema: AnswerSchema,
    *,
    max_tokens: int,
    examples: Sequence[Example],
    penalty: float = 0.0,
) -> dict[str, PromptTemplate]:
    """Return forms that ask the same about the lines before it, one for each name and each language of an example.

    The worked example has other lines, one review each, and their answer. It stands after the reviews, too.
    """
    forms: dict[str, PromptTemplate] = {}
    for example in examples or (None,):
        worked = (
            f"\nReviews of another restaurant:\n{_lines(example.text)}{noun}:\n{example.answer}\n" if example else ""
        )
        lang = example.lang if example else language.DEFAULT
        form = PromptTemplate(
            shared_prefix=PREFIX,
            suffix=f"{worked}\n{question}\n{noun}:\n",
            max_tokens=max_tokens,
            schema=schema.schema,
            penalty=penalty,
        )
        forms.update((f"{name}.{lang}", form) for name in names)
    return forms


def aggregation(
    name: str, about: str, schema: AnswerSchema, question: str, *, max_tokens: int, examples: Sequence[Example]
) -> Aggregation:
    """Make a task that asks for the fields of `schema` about reviews, and again about what their chunks gave."""
    return Aggregation(
        name=name,
        about=about,
        unit="restaurant",
        forms=asking(("chunk", "merge"), question, "Answer", schema, max_tokens=max_tokens, examples=examples),
        columns=(*IDS["restaurant"], *(field.column for field in schema.fields), *COUNTS),
        schemas={"chunk": schema, "merge": schema},
    )


def _lines(text: str) -> str:
    return "".join(f"- {one_line(line)}\n" for line in text.splitlines() if line.strip())
