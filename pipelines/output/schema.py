"""The schema: a report's fields as JSON Schema has them.

`docs/report.schema.json`, the table of `docs/report.md` and the help in metrics.prom are made of it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from pipelines.output.fields import Distribution, Report

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NAME = "NAME"  # in a path, for the name of a task


@cache
def _made() -> dict[str, Any]:
    return TypeAdapter(Report).json_schema()


def published() -> dict[str, Any]:
    """Return the JSON Schema of reports, with descriptions in plain text."""
    return {"$schema": DRAFT, "title": "reviewbatch report", **_plain(_made())}


def fields() -> dict[str, str]:
    """Return what each field means, by its path in a report: `tasks.NAME.jobs.count`.

    What is made of other fields and says nothing of its own is not among them.
    """
    return dict(_fields(_made(), _made()["$defs"], ()))


def plain(meaning: str) -> str:
    """Return what a field means without links."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning)


def _fields(part: Mapping[str, Any], defs: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if path and "description" in part:
        yield ".".join(path), part["description"]
    of = defs[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    if of.get("title") == Distribution.__name__:
        return
    for name, below in of.get("properties", {}).items():
        yield from _fields(below, defs, (*path, name))
    for below, step in ((of.get("items"), ()), (of.get("additionalProperties"), (NAME,))):
        if isinstance(below, dict) and "$ref" in below:
            yield from _fields(below, defs, (*path, *step))


def _plain(part: Any) -> Any:
    """Return a part of the schema without the links of its descriptions, and without titles that say a name again."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {name: _plain(below) for name, below in part.items() if name != "title" or isinstance(below, dict)}
    if isinstance(said := kept.get("description"), str):
        kept["description"] = plain(said)
    return kept
