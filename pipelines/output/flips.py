"""Flips: the rows that two runs have both answered, and answered otherwise."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.corpus.row import LAYOUTS
from pipelines.ledger.answered import answered
from pipelines.ledger.carried import Carried
from pipelines.ledger.rows import Rows
from pipelines.output import tables
from pipelines.output.page import said
from pipelines.output.tables import FORMATS

EXAMPLES, LONG = 5, 100  # of flipped labels, and the characters of a text
CHUNK = 1 << 16  # rows that are in Python's memory at once
LABELLED = {"label", "confidence"}
# What tells of a row, and not of the answer to it: how sure a model is differs wherever the model does.
NO_ANSWER = frozenset({"confidence", *(name for layout in LAYOUTS.values() for name in (layout.id, layout.unit))})


def between(
    a: sqlite3.Connection, b: sqlite3.Connection, task: str, paths: tuple[Path, Path], *, labels: bool
) -> dict[str, Any]:
    """Return how a task's answers in two ledgers differ, whose tables of results are at `paths` and have `labels`.

    Rows are the same by their id, and where they have a text by that, too: one that has changed may well get another
    answer.
    """
    kept = {name for db in (a, b) for name in Carried(db).names}  # which tell of the input
    had = [_answered(db, task) for db in (a, b)]
    both = had[0].join(had[1], on="id")
    same = both.filter(pl.col("text") == pl.col("text_right")).select("id")
    results = _scanned(paths, kept)
    labelled = labels and all(set(result.collect_schema().names()) >= LABELLED for result in results)
    changed = _labels(results, same) if labelled else _others(results, same)
    found = {
        "rows": same.height,
        "only_in_a": had[0].height - both.height,
        "only_in_b": had[1].height - both.height,
        "other_text": both.height - same.height,
        "changed": changed.height,
    }
    return {**found, **_flipped(changed, a)} if labelled else found


def _answered(db: sqlite3.Connection, task: str) -> pl.DataFrame:
    """Return the ids of the rows that are answered, each with a number that is the same for the same text."""
    schema = {"id": pl.String(), "text": pl.Int64()}
    rows = ((id_, hash(text)) for id_, text in answered(db, task))
    chunks = (pl.DataFrame(chunk, schema, orient="row") for chunk in iter(lambda: list(islice(rows, CHUNK)), []))
    return pl.concat([pl.DataFrame(schema=schema), *chunks]).unique("id")


def _scanned(paths: tuple[Path, Path], kept: set[str]) -> Sequence[pl.LazyFrame]:
    """Return both tables without the kept columns: the one whose file tells more types is a help to read the other."""
    first, second = sorted(paths, key=lambda path: FORMATS.index(path.suffix[1:]))
    tells = tables.scan(first, {})
    types = {name: kind for name, kind in tells.collect_schema().items() if kind != pl.Null and name not in kept}
    by_path = {second: tables.scan(second, types if first.suffix != ".csv" else {}), first: tells}
    return [by_path[path].drop(kept, strict=False) for path in paths]


def _labels(results: Sequence[pl.LazyFrame], same: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose label is another, with both labels and their probabilities."""
    said = [
        result.select(
            id=pl.nth(0).cast(pl.String),
            label=pl.col("label").cast(pl.String),
            confidence=pl.col("confidence").cast(float),
        )
        for result in results
    ]
    pairs = same.lazy().join(said[0], on="id").join(said[1], on="id", suffix="_b")
    return pairs.filter(pl.col("label") != pl.col("label_b")).collect(engine="streaming")


def _others(results: Sequence[pl.LazyFrame], same: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose answer is another. One may have several lines in the results, in any order, or none."""
    names = [set(result.collect_schema().names()) for result in results]
    common = sorted(((names[0] & names[1]) or (names[0] | names[1])) - NO_ANSWER)  # an empty file may tell of none
    said = [
        result.select(id=pl.nth(0).cast(pl.String), said=pl.struct(common).struct.json_encode())
        .group_by("id")
        .agg(pl.col("said").sort().str.join("\n"))
        if has
        else pl.LazyFrame(schema={"id": pl.String(), "said": pl.String()})
        for result, has in zip(results, names, strict=True)
    ]
    pairs = same.lazy().join(said[0], on="id", how="left").join(said[1], on="id", how="left", suffix="_b")
    return pairs.filter(pl.col("said").ne_missing(pl.col("said_b"))).select("id").collect(engine="streaming")


def _flipped(changed: pl.DataFrame, db: sqlite3.Connection) -> dict[str, Any]:
    """Return how many labels became which others, and those that both runs were surest of."""
    ways = changed.group_by("label", "label_b").len().sort("len", "label", "label_b", descending=[True, False, False])
    surest = changed.sort(-pl.min_horizontal("confidence", "confidence_b"), "id").head(EXAMPLES)
    texts = Rows(db).texts(surest["id"].to_list())
    return {
        "flips": [{"from": from_, "to": to, "rows": rows} for from_, to, rows in ways.iter_rows()],
        "examples": list(_examples(surest, texts)),
    }


def _examples(rows: pl.DataFrame, texts: dict[str, str]) -> Iterator[dict[str, Any]]:
    for row in rows.iter_rows(named=True):
        yield {
            "id": row["id"],
            "text": said.cut(texts[row["id"]], LONG),
            "a": {"label": row["label"], "confidence": row["confidence"]},
            "b": {"label": row["label_b"], "confidence": row["confidence_b"]},
        }
