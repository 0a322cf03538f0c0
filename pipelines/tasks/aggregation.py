"""A digest: one answer out of all reviews of a restaurant, a chunk at a time, merged in later stages."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.corpus import language
from pipelines.engine.interface import Completion
from pipelines.prompts.template import PromptTemplate
from pipelines.tasks.answer_schema import AnswerSchema
from pipelines.tasks.quotes import central, quotable
from pipelines.tasks.task import IDS, Column, Example, Task, one_line

# Every prompt over a restaurant's reviews begins with this and the reviews, and only then says what is asked: so the
# second task over the same reviews finds them in the prefix cache.
HEAD = "Reviews of a restaurant:\n"
ANY = ""  # the field that a review offers quotes for where it offers the same for all
SHOWN = 2  # quotes of another restaurant in a prompt


@dataclass(frozen=True, slots=True)
class Review:
    """A review of the restaurant that a digest is about."""

    seq: int
    id: str
    text: str
    rating: float | None = None

    @property
    def line(self) -> str:
        """The review as it stands in a prompt."""
        return f"- {one_line(self.text)}\n"


@dataclass(frozen=True, slots=True)
class Others:
    """Restaurants to compare with: what their reviews offer to be quoted, by their ids."""

    quotes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What they are like, as it stands in a prompt: a line for each, of what is most central."""
        lines = "".join(f"- {'. '.join(central(quotes, SHOWN))}.\n" for quotes in self.quotes.values())
        return f"\nReviews of other restaurants:\n{lines}" if lines else ""


@dataclass(frozen=True, slots=True)
class RestaurantState:
    """A restaurant, the language most of its reviews are in, and how far a task has come with it.

    Where reviews are rated, `middle` is the rating between good and bad ones.
    `answers` has those of every stage asked so far, in the order of what they are about; requests without one are
    left out. `used` counts the reviews that an answered request was about, `chunks` the requests of the first stage.
    """

    unit: str
    opinions: Sequence[Review]
    lang: str = "en"
    others: Others = field(default_factory=Others)
    middle: float | None = None
    answers: Sequence[Sequence[Any]] = ()
    used: int = 0
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage asks: by which form, about which lines, and what stands after each chunk of them.

    Lines that do not fit one prompt are asked in chunks. `quotes` has what each line offers to be quoted, by the field
    that it is for, and `others` what does not make the restaurant a special one.
    """

    form: str
    lines: Sequence[str]
    after: str = ""
    quotes: Sequence[Mapping[str, Sequence[str]]] = ()
    others: Sequence[str] = ()


COUNTS = (
    Column("reviews_used", pa.int64(), "reviews that the answer is made from", 41),
    Column("reviews_total", pa.int64(), "reviews of the restaurant", 41),
    Column("chunks", pa.int64(), "prompts that the reviews were split into", 2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation(Task):
    """A task about restaurants that is answered in fields, of those that `answers` has for each name of a form.

    Chunks are merged by asking for the same of their answers. A task that `compares` is told of other restaurants.
    """

    answers: Mapping[str, AnswerSchema]
    compares: bool = False

    def stage(self, case: RestaurantState) -> Stage | None:
        """Return what is to be asked next, None when all has been answered."""
        if not case.answers:
            return self.about_reviews("chunk", case)
        if len(answers := case.answers[-1]) > 1:
            return Stage("merge", [self.line(answer) for answer in answers], quotes=answers)
        return None

    def about_reviews(self, form: str, case: RestaurantState) -> Stage:
        """Return a stage that asks about all reviews of the restaurant."""
        quotes = [self._offered(form, opinion, case.middle) for opinion in case.opinions]
        others = [quote for quotes in case.others.quotes.values() for quote in quotes]
        return Stage(form, [opinion.line for opinion in case.opinions], case.others.text, quotes, others)

    def _offered(self, form: str, opinion: Review, middle: float | None) -> Mapping[str, Sequence[str]]:
        """Return what a review offers to be quoted: good things if its rating is good, bad things if it is bad."""
        found = quotable(opinion.text)
        if opinion.rating is None or middle is None:
            return {ANY: found}
        fields = (field for field in self.answers[form].fields if field.quoting)
        return {f.name: found for f in fields if not f.tone or f.tone * (opinion.rating - middle) > 0}

    def held(self, stage: Stage, part: slice, chunks: int) -> str | None:
        """Return the schema of the answer about a part of a stage's lines, None where the form's own says it all.

        It is one of so many `chunks`.
        """
        answer, quotes = self.answers[stage.form], stage.quotes[part]
        if not answer.quotes:
            return None
        by_field = {
            field.name: [quote for of in quotes for quote in of.get(field.name, of.get(ANY, ()))]
            for field in answer.fields
        }
        return answer.held(by_field, stage.others, chunks)

    def line(self, answer: Mapping[str, Any]) -> str:
        """Return a chunk's answer as a line of the prompt that merges it."""
        return f"- {json.dumps(answer, ensure_ascii=False)}\n"

    def parse(self, form: str, completion: Completion) -> dict[str, Any]:
        """Return the fields of the answer."""
        return self.answers[form.partition(".")[0]].read(completion.text)

    def fields(self, case: RestaurantState) -> dict[str, Any]:
        """Return what the results say of a restaurant all of whose stages are answered."""
        (answer,) = case.answers[-1]
        return dict(answer)

    def later(self, chunks: int) -> str | None:
        """Return the name of the form that is asked after a stage of so many chunks, as far as can be foreseen."""
        return "merge" if chunks > 1 else None

    def figures(self, results: pl.LazyFrame) -> dict[str, Any]:
        """Return what the report says of the results."""
        return (
            results.select(
                restaurants=pl.len(),
                reviews_used=pl.col("reviews_used").sum(),
                reviews_total=pl.col("reviews_total").sum(),
            )
            .collect()
            .row(0, named=True)
        )

    def table(self, cases: Sequence[RestaurantState]) -> pa.Table:
        """Return the results of some restaurants."""
        rows = [
            {
                "restaurant_id": case.unit,
                **self.fields(case),
                "reviews_used": case.used,
                "reviews_total": len(case.opinions),
                "chunks": case.chunks,
            }
            for case in cases
        ]
        return pa.table({name: [row[name] for row in rows] for name in self.schema.names}, schema=self.schema)


def asking(
    names: Sequence[str], question: str, noun: str, answer: AnswerSchema, max_tokens: int, examples: Sequence[Example],
    penalty: float = 0.0,
) -> dict[str, PromptTemplate]:  # fmt: skip
    """Return forms that ask the same about the lines before it, one for each name and each language of an example.

    The worked example has other lines, one review each, and their answer. It stands after the reviews, too.
    """
    made: dict[str, PromptTemplate] = {}
    for example in examples or (None,):
        worked = (
            f"\nReviews of another restaurant:\n{_lines(example.text)}{noun}:\n{example.answer}\n" if example else ""
        )
        lang = example.lang if example else language.DEFAULT
        form = PromptTemplate(
            HEAD, f"{worked}\n{question}\n{noun}:\n", max_tokens, schema=answer.schema, penalty=penalty
        )
        made.update((f"{name}.{lang}", form) for name in names)
    return made


def aggregation(
    name: str, about: str, answer: AnswerSchema, question: str, max_tokens: int, examples: Sequence[Example]
) -> Aggregation:
    """Make a task that asks for the fields of `answer` about reviews, and again about what their chunks gave."""
    return Aggregation(
        name=name,
        about=about,
        unit="restaurant",
        forms=asking(("chunk", "merge"), question, "Answer", answer, max_tokens, examples),
        columns=(*IDS["restaurant"], *(field.column for field in answer.fields), *COUNTS),
        answers={"chunk": answer, "merge": answer},
    )


def _lines(text: str) -> str:
    return "".join(f"- {one_line(line)}\n" for line in text.splitlines() if line.strip())
