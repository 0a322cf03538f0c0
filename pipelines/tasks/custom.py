"""A task of one's own, from a TOML file. `docs/tasks.md` describes every key."""

import json
import math
import re
import tomllib
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import jsonschema
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.corpus import language
from pipelines.errors import ConfigError, complaint, unreadable
from pipelines.tasks import answer_schema
from pipelines.tasks.aggregation import COLUMNS, aggregation
from pipelines.tasks.anchors import ANCHORS
from pipelines.tasks.answer_schema import AnswerSchema, nullable, type_of
from pipelines.tasks.classification import classification
from pipelines.tasks.extraction import extraction
from pipelines.tasks.task import IDS, NOUNS, Example, MalformedError, Task

# What of JSON Schema an engine's structured outputs and a results table both understand.
KEYWORDS = frozenset({
    "type", "enum", "description", "minLength", "maxLength", "minimum", "maximum", "items", "minItems", "maxItems",
    "properties", "required", "additionalProperties",
})  # fmt: skip

LONGEST_NAME = 100  # characters; files have it and more
TAKEN = frozenset(
    {"reviews", "mean_score", *(column.name for columns in (*IDS.values(), COLUMNS) for column in columns)}
)

Text = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]

LONGEST = 1_000_000  # characters of a file


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Example(_Part):
    text: Text
    answer: str | dict[str, Any]
    lang: Text = language.DEFAULT


class _File(_Part):
    name: str
    about: str = ""
    unit: Literal["review", "restaurant", "query"] = "review"
    instruction: Text
    labels: Annotated[list[Text], Field(min_length=2)] | None = None
    output: Annotated[dict[Text, dict[str, Any]], Field(min_length=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] = 128
    examples: list[_Example] = Field(default_factory=list)

    @field_validator("name")
    @classmethod
    def _is_plain(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
            raise ValueError(f"lower-case letters, digits and hyphens expected, found {name!r}")
        if len(name) > LONGEST_NAME:
            raise ValueError(
                f"at most {LONGEST_NAME} characters expected, for files have that name, found {len(name):,}"
            )
        return name

    @field_validator("labels")
    @classmethod
    def _are_different(cls, labels: list[str] | None) -> list[str] | None:
        if labels and len({label.strip() for label in labels}) < len(labels):
            raise ValueError("labels that differ expected")
        if odd := [label for label in labels or () if not label.isprintable() or label != label.strip()]:
            raise ValueError(f"a word or a few expected, without spaces around them, found {odd[0]!r}")
        if taken := [label for label in labels or () if label in TAKEN]:
            raise ValueError(f"{taken[0]}: there is a column of that name already")
        return labels

    @field_validator("output")
    @classmethod
    def _are_schemas(cls, fields: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]] | None:
        for name, schema in (fields or {}).items():
            if name in TAKEN:
                raise ValueError(f"{name}: there is a column of that name already")
            _check(name, schema)
        return fields

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.labels is None) == (self.output is None):
            raise ValueError("either labels or output expected, to say what an answer looks like")
        if self.labels and self.unit == "restaurant":
            raise ValueError('labels are for units "review" and "query": for a restaurant write an output with an enum')
        for n, example in enumerate(self.examples):
            if self.labels and example.answer not in self.labels:
                raise ValueError(
                    f"examples.{n}.answer: one of {', '.join(self.labels)} expected, found {example.answer!r}"
                )
            if self.output:
                example.answer = _with_nulls(example.answer, self.output)
                if not isinstance(example.answer, dict) or example.answer.keys() != self.output.keys():
                    raise ValueError(f"examples.{n}.answer: a table with the keys {', '.join(self.output)} expected")
                try:
                    _answer(self.output).read(json.dumps(example.answer))
                except (MalformedError, TypeError) as error:  # TOML knows dates, JSON does not
                    raise ValueError(f"examples.{n}.answer: {error}") from error
        return self


def load(path: Path) -> Task:
    """Return the task that a file describes. Raises ConfigError that names the file, the key and what was expected."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--task-file {path} cannot be read: {error}") from error
    if len(text) > LONGEST:
        raise ConfigError(f"--task-file {path} has more than {LONGEST:,} characters: no task has")
    return loads(text, path)


def loads(text: str, path: Path) -> Task:
    """Return the task that the text of a file describes: see `load`."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except ValidationError as error:
        where, what = complaint(error, _File.model_fields)
        raise ConfigError(f"{path}: {f'{where}: ' if where else ''}{what}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--task-file {path} cannot be read: {unreadable(error)}") from error
    return _task(file)


def _task(file: _File) -> Task:
    about = file.about or file.instruction
    examples = [Example(e.text, _shown(e.answer), language.code(e.lang)) for e in file.examples]
    if file.labels:
        words = tuple((label,) for label in file.labels)
        return classification(
            file.name, about, file.unit, words,
            examples=examples, noun=NOUNS[file.unit], answer="Answer", instruction=file.instruction,
            # Nobody knows which of the labels these reviews have, and what a model leans to shows all the same.
            anchors={lang: [[*chain(*texts)]] for lang, texts in ANCHORS.items()} if file.unit == "review" else {},
        )  # fmt: skip
    fields = _answer(file.output or {})
    if file.unit == "restaurant":
        return aggregation(file.name, about, fields, file.instruction, max_tokens=file.max_tokens, examples=examples)
    return extraction(
        file.name, about, file.unit, fields,
        examples=examples, instruction=file.instruction, max_tokens=file.max_tokens,
    )  # fmt: skip


def _answer(output: Mapping[str, Mapping[str, Any]]) -> AnswerSchema:
    fields = (answer_schema.Field(name, schema, str(schema.get("description", ""))) for name, schema in output.items())
    return AnswerSchema(tuple(fields))


def _with_nulls(answer: str | dict[str, Any], output: Mapping[str, Mapping[str, Any]]) -> str | dict[str, Any]:
    """Return a worked answer with null for what it leaves out and may: TOML has no null to write."""
    if isinstance(answer, str):
        return answer
    return {name: answer.get(name) for name in output if name in answer or nullable(output[name])} | answer


def _shown(answer: str | dict[str, Any]) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def _check(where: str, schema: Any) -> None:
    """Raise ValueError when a JSON Schema is none that this program can hold a model to."""
    if not isinstance(schema, dict):
        raise ValueError(f'{where}: a JSON Schema expected, like {{ type = "string" }}')  # noqa: TRY004  for pydantic
    if unknown := sorted(schema.keys() - KEYWORDS):
        raise ValueError(f"{where}.{unknown[0]}: not supported; known are {', '.join(sorted(KEYWORDS))}")
    _describe(where, schema)
    _bound(where, schema)
    kind = type_of(schema)
    if kind == "object" and not schema.get("properties"):
        raise ValueError(f"{where}.properties: at least one expected")
    if unknown := [name for name in schema.get("required", ()) if name not in schema.get("properties", {})]:
        raise ValueError(f"{where}.required: {unknown[0]} is none of its properties")
    if kind == "array":
        _check(f"{where}.items", schema.get("items"))
    for name, part in schema.get("properties", {}).items():
        _check(f"{where}.properties.{name}", part)


def _bound(where: str, schema: Mapping[str, Any]) -> None:
    """Raise ValueError when nothing is within a JSON Schema's bounds."""
    for key, value in schema.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{where}.{key}: a finite number expected")
    for what in ("Length", "Items", "imum"):
        if schema.get(f"min{what}", 0) > schema.get(f"max{what}", math.inf):
            raise ValueError(f"{where}.min{what}: not more than max{what} expected")
    texts = schema.get("enum", [""])
    if type_of(schema) != "string" and "enum" in schema:
        raise ValueError(f'{where}.enum: of type "string" only')
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{where}.enum: texts expected")


def _describe(where: str, schema: Mapping[str, Any]) -> None:
    """Raise ValueError when a JSON Schema is none at all, or describes no column."""
    try:
        answer_schema.arrow(schema)
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        place = ".".join([where, *map(str, error.absolute_path)])
        raise ValueError(f"{place}: {error.message}") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from error
