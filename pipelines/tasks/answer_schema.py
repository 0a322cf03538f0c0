"""An answer in JSON: the fields a task asks for, as a schema for the model, as columns, and as read from its text."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema
import pyarrow as pa

from pipelines.prompts.template import one_line
from pipelines.tasks.task import Column, MalformedError

SIMPLE = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
MOST = 2**63  # what an integer column cannot hold


@dataclass(frozen=True)
class Field:
    """A field of an answer, which is a column of the results; `schema` is JSON Schema."""

    name: str
    schema: Mapping[str, Any]
    meaning: str = ""
    example: Any = None

    @property
    def column(self) -> Column:
        """The column it becomes."""
        return Column(self.name, arrow(self.schema), self.meaning, self.example)


@dataclass(frozen=True)
class AnswerSchema:
    """What an answer has to look like: a JSON object with all of the fields and no others."""

    fields: tuple[Field, ...]

    @cached_property
    def schema(self) -> str:
        """The JSON Schema of it, as text."""
        return json.dumps(
            {
                "type": "object",
                "properties": {field.name: _told(field.schema) for field in self.fields},
                "required": [field.name for field in self.fields],
                "additionalProperties": False,
            },
            ensure_ascii=False,
        )

    @cached_property
    def _validator(self) -> Any:
        return jsonschema.Draft202012Validator(json.loads(self.schema))

    def read(self, text: str) -> dict[str, Any]:
        """Return the fields of an answer, its strings on one line. Raises MalformedError when it is no such answer.

        The model is held to the schema while it writes, and what it wrote is not trusted all the same: it may have
        been cut off, and an engine may take a part of a schema for a hint.
        """
        answer = checked(text, self._validator)
        return {field.name: _clean(answer[field.name], field.schema) for field in self.fields}


def checked(text: str, validator: Any) -> Any:
    """Return what an answer says in JSON, as a jsonschema `validator` will have it. Raises MalformedError."""
    try:
        answer = json.loads(text, parse_constant=_no_number, strict=False)
        json.dumps(answer, ensure_ascii=False).encode()  # JSON can spell half a surrogate pair
        wrong = next(validator.iter_errors(answer), None)
    except UnicodeError as error:
        raise MalformedError(f"no Unicode text: {error}") from error
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"no JSON: {error}") from error
    if wrong:
        raise MalformedError(f"{'.'.join(map(str, wrong.absolute_path)) or 'answer'}: {wrong.message[:200]}")
    return answer


def arrow(schema: Mapping[str, Any]) -> pa.DataType:
    """Return the type of column that holds what a JSON Schema describes. Raises ValueError when there is none."""
    match type_of(schema):
        case "array":
            return pa.list_(arrow(schema.get("items", {})))
        case "object":
            return pa.struct([(name, arrow(part)) for name, part in schema.get("properties", {}).items()])
        case str(kind) if kind in SIMPLE:
            return SIMPLE[kind]
    expected = f'one of {", ".join((*SIMPLE, "array", "object"))} expected, or such a one and "null" in a list'
    raise ValueError(f"type is {schema.get('type')!r}: {expected}")


def type_of(schema: Mapping[str, Any]) -> Any:
    """Return the type that a JSON Schema is of, besides null where it is `nullable`; texts if it only has an enum."""
    match schema.get("type", "string" if "enum" in schema else None):
        case ["null", kind] | [kind, "null"]:
            return kind
        case kind:
            return kind


def nullable(schema: Mapping[str, Any]) -> bool:
    """Say whether null is an answer to a JSON Schema that has a column: its type is a list of another one and null."""
    return isinstance(schema.get("type"), list)


def distinct(texts: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Return the texts that say something, each once whatever its case, and none that is `taken`."""
    seen = {text.casefold() for text in taken} | {""}
    return [text for text in texts if text.casefold() not in seen and not seen.add(text.casefold())]  # type: ignore[func-returns-value]


def _told(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema as an engine is held to it: null is a choice of its own there, also beside an enum."""
    told = dict(schema)
    if "items" in told:
        told["items"] = _told(told["items"])
    if "properties" in told:
        told["properties"] = {name: _told(part) for name, part in told["properties"].items()}
    return {"anyOf": [told | {"type": type_of(schema)}, {"type": "null"}]} if nullable(schema) else told


def _clean(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value as its column holds it; it is what the schema describes."""
    if value is None:
        return None
    match type_of(schema):
        case "array":
            return [_clean(part, schema["items"]) for part in value]
        case "object":
            return {name: _clean(value[name], part) for name, part in schema["properties"].items() if name in value}
        case "integer" | "number" as kind:
            return _number(value, kind)
        case "boolean":
            return value
        case _:
            return one_line(value)


def _number(value: float, kind: str) -> float:
    """Return a number as its column holds it; JSON has one kind of number."""
    if not (-MOST <= value < MOST if kind == "integer" else abs(value) <= sys.float_info.max):
        raise MalformedError("a number is larger than a column can hold")
    return int(value) if kind == "integer" else float(value)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")
