"""A task: what is asked about each review, restaurant or query, and the columns of what comes of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.corpus import language
from pipelines.engine.interface import Completion
from pipelines.prompts.template import PromptTemplate

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


@dataclass(frozen=True, slots=True)
class AnsweredRow:
    """A review or a query with the answer to it, as the model gave it."""

    id: str
    unit: str
    text: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What all tasks have: a name, the unit that one job is about, the forms of its prompts, and its results' columns.

    A form is known by its name and a language, `ask.en`; the first language of a name stands in for those it lacks.
    """

    name: str
    about: str
    unit: str
    forms: Mapping[str, PromptTemplate]
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """The columns as Arrow has them."""
        return pa.schema([(column.name, column.type) for column in self.columns])

    def form(self, name: str, lang: str) -> str:
        """Return the key of the form of that name in a language."""
        keys = [key for key in self.forms if key.partition(".")[0] == name]
        return f"{name}.{lang}" if f"{name}.{lang}" in keys else keys[0]

    def parse(self, form: str, completion: Completion) -> Any:
        """Return what an answer to the form says, as JSON has it.

        Raises MalformedError when it is not what was asked for.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: what a task is about, the answer to it as it stands in the prompt, and its language."""

    text: str
    answer: str
    lang: str = language.DEFAULT


def one_line(text: str) -> str:
    """Return a text as it stands in prompts, where a line break ends an example."""
    return " ".join(text.split())


def worked(
    noun: str, answer: str, examples: Sequence[Example], instruction: str = "", **answering: Any
) -> dict[str, PromptTemplate]:
    """Return forms that ask after worked examples, one for every language there are some in.

    What many prompts share comes first in them, so that it is computed once.
    """
    made = {}
    for lang in _languages(examples):
        shown = "".join(
            f"{noun}: {one_line(example.text)}\n{answer}: {example.answer}\n\n"
            for example in examples
            if example.lang == lang
        )
        head = f"{instruction}\n\n{shown}{noun}:" if instruction else f"{shown}{noun}:"
        made[f"ask.{lang}"] = PromptTemplate(head, f"\n{answer}:", **answering)
    return made


def _languages(examples: Iterable[Example]) -> list[str]:
    return list(dict.fromkeys(example.lang for example in examples)) or [language.DEFAULT]
