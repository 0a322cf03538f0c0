"""An aggregation: one answer out of all reviews of a restaurant, a chunk at a time, merged in later stages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.corpus import language
from pipelines.engine.interface import Completion
from pipelines.prompts.injection import cleaned
from pipelines.prompts.template import PromptTemplate, one_line
from pipelines.tasks.answer_schema import AnswerSchema
from pipelines.tasks.restaurant import RestaurantState, Stage
from pipelines.tasks.task import IDS, Answers, Column, Example, Task

# Every prompt over a restaurant's reviews begins with this and the reviews, and only then says what is asked: so the
# second task over the same reviews finds them in the prefix cache.
PREFIX = "Reviews of a restaurant:\n"
ASK, MERGE = "chunk", "merge"
COLUMNS = (
    Column("reviews_used", pa.int64(), "reviews that the answer is made from", 41),
    Column("reviews_total", pa.int64(), "reviews of the restaurant", 41),
    Column("chunks", pa.int64(), "prompts that the reviews were split into", 2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation(Task):
    """A task about restaurants that is answered in the fields of a `schema`.

    Chunks are merged by asking for the same of their answers.
    """

    answer: AnswerSchema

    def stage(self, restaurant: RestaurantState) -> Stage | None:
        """See `Task`."""
        if not restaurant.answers:
            return Stage(ASK, [f"- {cleaned(review.text).text}\n" for review in restaurant.reviews])
        if len(answers := restaurant.answers[-1]) > 1:
            return Stage(MERGE, [f"- {json.dumps(answer, ensure_ascii=False)}\n" for answer in answers])
        return None

    def parse(self, form: str, completion: Completion) -> dict[str, Any]:
        """Return the fields of the answer."""
        del form
        return self.answer.read(completion.text)

    def later(self, chunks: int) -> str | None:
        """See `Task`."""
        return MERGE if chunks > 1 else None

    def tables(self, answers: Answers) -> Iterator[pa.Table]:
        """See `Task`."""
        return map(self._table, answers.restaurants())

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return how many restaurants have an answer, made from how many of their reviews."""
        del answers
        return used(results)

    def _table(self, restaurants: Sequence[RestaurantState]) -> pa.Table:
        return self.table_of(
            {
                "restaurant_id": restaurant.unit,
                **restaurant.answers[-1][0],
                "reviews_used": restaurant.used,
                "reviews_total": len(restaurant.reviews),
                "chunks": restaurant.chunks,
            }
            for restaurant in restaurants
        )


def used(results: pl.LazyFrame) -> dict[str, Any]:
    """Return how many restaurants have results, made from how many of their reviews."""
    count = {name: pl.col(name).sum() for name in ("reviews_used", "reviews_total")}
    return results.select(restaurants=pl.len(), **count).collect().row(0, named=True)


def aggregation(
    name: str, about: str, schema: AnswerSchema, question: str, *, max_tokens: int, examples: Sequence[Example]
) -> Aggregation:
    """Make a task that asks for the fields of `schema` about reviews, and again about what their chunks gave."""
    return Aggregation(
        name=name,
        about=about,
        unit="restaurant",
        forms=_asking(question, schema, max_tokens, examples),
        columns=(*IDS["restaurant"], *(field.column for field in schema.fields), *COLUMNS),
        answer=schema,
    )


def _asking(
    question: str, schema: AnswerSchema, max_tokens: int, examples: Sequence[Example]
) -> Mapping[str, PromptTemplate]:
    """Return forms that ask about the lines before the question, for each language of an example.

    The worked example has other lines, one review each, and their answer. It stands after the reviews, too.
    """
    forms: dict[str, PromptTemplate] = {}
    for example in examples or (None,):
        worked = (
            f"\nReviews of another restaurant:\n{_lines(example.text)}Answer:\n{example.answer}\n" if example else ""
        )
        lang = example.lang if example else language.DEFAULT
        suffix = f"{worked}\n{question}\nAnswer:\n"
        form = PromptTemplate(PREFIX, suffix, max_tokens=max_tokens, schema=schema.schema)
        for name in (ASK, MERGE):
            forms.setdefault(f"{name}.{lang}", form)  # the first of a language is shown
    return forms


def _lines(text: str) -> str:
    return "".join(f"- {one_line(line)}\n" for line in text.splitlines() if line.strip())
