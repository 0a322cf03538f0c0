"""A task: what is asked about each review, restaurant or query, and the columns of what comes of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl
import pyarrow as pa

from pipelines.corpus import language
from pipelines.engine.interface import Completion
from pipelines.ledger.records import AnsweredRow
from pipelines.prompts.template import Chat, PromptTemplate, one_line
from pipelines.tasks.restaurant import RestaurantState, Stage

OWN = 5  # the rank of tasks of one's own: after those of this program
NOUNS = {"review": "Review", "query": "Query"}  # what a task is about, by its unit


class MalformedError(Exception):
    """An answer that is not what was asked for; asked again with more room it may be."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a results table, with what an example row has in it."""

    name: str
    type: pa.DataType
    meaning: str
    example: Any


IDS: Mapping[str, tuple[Column, ...]] = {
    "review": (
        Column("review_id", pa.string(), "as in the input", "r0042"),
        Column("restaurant_id", pa.string(), "as in the input", "harbour-noodle"),
    ),
    "restaurant": (Column("restaurant_id", pa.string(), "as in the input", "harbour-noodle"),),
    "query": (Column("query_id", pa.string(), "as in the input", "q07"),),
}


class Answers(Protocol):
    """What a run has of a task's answers, for its results."""

    @property
    def calibration(self) -> str:
        """How probabilities are made: `raw`, `anchors` or `corpus`; raw where an anchor has no answer."""

    @property
    def anchors(self) -> Mapping[str, Sequence[Any]]:
        """The answers to the task's anchors in each language that was asked, in their order; none where it is raw."""

    @property
    def classes(self) -> Sequence[int]:
        """The class of each word that is scored."""

    @property
    def base(self) -> "Answers | None":
        """The answers to the task that this one is made of, if it is."""

    def rows(self) -> Iterator[Sequence[AnsweredRow]]:
        """Yield the answered rows a piece at a time, in input order."""

    def restaurants(self) -> Iterator[Sequence[RestaurantState]]:
        """Yield the restaurants whose stages are all answered, some at a time, in input order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What all tasks have: a name, the unit that one job is about, the forms of its prompts, and its results' columns.

    One about restaurants may be `made_of` another's answers about their reviews: with those its jobs begin.

    A form is known by its name and a language, `ask.en`; the first language of a name stands in for those it lacks.
    Under the policy `task` the one of the lowest `rank` goes first. One that `compares` is told of other restaurants.
    One that gives `labels` knows them. `anchors` has texts on which a model's words are measured: for each language a
    sequence for each label, or one where nobody knows which of the labels they have.
    """

    name: str
    about: str
    unit: str
    forms: Mapping[str, PromptTemplate]
    columns: tuple[Column, ...]
    rank: int = OWN
    compares: bool = False
    made_of: "Task | None" = None
    labels: tuple[str, ...] = ()
    anchors: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)

    @property
    def schema(self) -> pa.Schema:
        """The columns as Arrow has them."""
        return pa.schema([(column.name, column.type) for column in self.columns])

    @property
    def whole(self) -> bool:
        """Whether the rows of a job are answered together, in stages; otherwise each is by itself, at stage 0."""
        return self.unit == "restaurant"

    def form(self, name: str, lang: str) -> str:
        """Return the key of the form of that name in a language."""
        keys = [key for key in self.forms if key.partition(".")[0] == name]
        return f"{name}.{lang}" if f"{name}.{lang}" in keys else keys[0]

    def spoken(self, lang: str) -> str:
        """Return the language in which the task asks about a row that is in some language."""
        return self.form("ask", lang).partition(".")[2]

    def parse(self, form: str, completion: Completion) -> Any:
        """Return what an answer to the form says, as JSON has it.

        Raises MalformedError when it is not what was asked for.
        """
        raise NotImplementedError

    def stage(self, restaurant: RestaurantState) -> Stage | None:
        """Return what is to be asked next about a restaurant as a whole, None when all has been answered."""
        raise NotImplementedError

    def held(self, stage: Stage, part: slice) -> str | None:
        """Return the schema of the answer about a part of a stage's lines, None where the form's own says it all."""
        del stage, part
        return None

    def later(self, chunks: int) -> str | None:
        """Return the name of the form that is asked after a first stage of so many chunks, as far as is foreseen."""
        del chunks
        return None

    def tables(self, answers: Answers) -> Iterator[pa.Table]:
        """Yield the results a piece at a time; every piece has the task's schema."""
        raise NotImplementedError

    def by_restaurant(self, results: pl.LazyFrame, answers: Answers) -> pl.LazyFrame | None:
        """Return the results rolled up by restaurant, for a file of their own, None where there is nothing to."""
        del results, answers
        return None

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return what the report says of the results: numbers, texts, and numbers by label that add up, by name."""
        del results, answers
        return {}

    def line(self, row: Mapping[str, Any]) -> str:
        """Return what a row of the results says, in a line for a person to read: all of it but the ids, if any."""
        ids = [column.name for column in IDS[self.unit]]
        told = {name: row[name] for name in self.schema.names if name not in ids and row[name] not in (None, [], "")}
        return "; ".join(f"{name}: {_told(value)}" for name, value in told.items())

    def table_of(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """Return rows of values by column as a piece of the results; what is no column is left out."""
        kept = list(rows)
        return pa.table({name: [row[name] for row in kept] for name in self.schema.names}, schema=self.schema)


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: what a task is about, the answer to it as it stands in the prompt, and its language."""

    text: str
    answer: str
    lang: str = language.DEFAULT


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def worked(
    noun: str, answer: str, examples: Sequence[Example], instruction: str = "", **answering: Any
) -> dict[str, PromptTemplate]:
    """Return forms that ask after worked examples, one for every language there are some in.

    What many prompts share comes first in them, so that it is computed once.
    """
    forms = {}
    for lang in _languages(examples):
        turns = [(f"{noun}: {one_line(ex.text)}", ex.answer) for ex in examples if ex.lang == lang]
        shown = "".join(f"{asked}\n{answer}: {answered}\n\n" for asked, answered in turns)
        prefix = f"{instruction}\n\n{shown}{noun}:" if instruction else f"{shown}{noun}:"
        chat = Chat(instruction, tuple(turns), f"{noun}:")
        forms[f"ask.{lang}"] = PromptTemplate(prefix, f"\n{answer}:", chat=chat, **answering)
    return forms


def _languages(examples: Iterable[Example]) -> list[str]:
    return list(dict.fromkeys(example.lang for example in examples)) or [language.DEFAULT]
