"""The answers: what the results say, as much of it as a page has room for."""

import json
import math
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.ledger.rows import Rows
from pipelines.output import tables
from pipelines.output.page import said
from pipelines.output.tables import BY_RESTAURANT
from pipelines.tasks import TASKS

Z = 1.96  # of a 95 % interval
DOUBTFUL, CARDS, DOTS, NAMED, ASPECTS = 10, 100, 2000, 3, 12  # how many of each are shown
FEW = 5  # reviews, of which no mean is made much of
LENGTH = 280  # of a text on the page, in characters
UNIT = "restaurant_id"
# What restaurants are named for, by which column, and whether the highest is.
KINDS = (("best", "mean_score", True), ("worst", "mean_score", False), ("most divided", "divided", True))
# Columns of our own tasks about how an answer was made, not what it is.
ASIDE = frozenset({UNIT, "sentences", "style", "better", "worse", "compared_with", "why_none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many answers have a label, and between which shares it would be in many more such texts."""

    label: str
    rows: int
    share: float
    low: float
    high: float


def shares(labels: Mapping[str, int]) -> list[Share]:
    """Return the share of each label with its 95 % interval (Wilson)."""
    total = sum(labels.values())
    found = []
    for label, rows in labels.items() if total else ():
        low, high = _wilson(rows, total)
        found.append(Share(label=label, rows=rows, share=rows / total, low=low, high=high))
    return found


def _wilson(part: int, whole: int) -> tuple[float, float]:
    share, spread = part / whole, Z * Z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / whole + spread / whole / 4)
    return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restaurants:
    """Restaurants by how they are spoken of: each as (reviews, mean score), the largest of `total`, and some by name.

    `named` has rows with what is said of a restaurant; those of fewer than `least` reviews are left out of it.
    """

    dots: list[tuple[int, float]]
    total: int
    named: list[dict[str, Any]]
    least: int


def read(folder: Path) -> dict[str, pl.LazyFrame]:
    """Return the results in a folder by their names; those that hold nothing, or cannot be read, are left out."""
    found = {}
    for path in tables.found(folder):
        try:
            table = tables.scan(path, {})
            if table.head(1).collect().height:
                found[path.stem] = table
        except (pl.exceptions.PolarsError, OSError, ValueError):
            continue
    return found


def restaurants(table: pl.LazyFrame, labels: list[str]) -> Restaurants | None:
    """Return how restaurants are spoken of, out of a roll-up with a mean score; None where it has none."""
    names = table.collect_schema().names()
    if not {"mean_score", "reviews", *labels} <= {*names}:
        return None
    sides = labels[0], labels[-1]
    rows = (
        table.select(UNIT, pl.col("mean_score").cast(pl.Float64), pl.col("reviews", *labels).cast(pl.Int64))
        .with_columns(divided=pl.min_horizontal(*sides) / pl.col("reviews"))
        .sort("reviews", descending=True, maintain_order=True)
        .collect()
    )
    least = min(FEW, int(rows["reviews"].max()))  # type: ignore[arg-type]  # of integers
    enough = rows.filter(pl.col("reviews") >= least)
    most = min(NAMED, -(-enough.height // len(KINDS)))  # or all of a few would be the best
    named: list[dict[str, Any]] = []
    for what, column, descending in KINDS:
        taken = [row[UNIT] for row in named]
        some = enough.filter(~pl.col(UNIT).is_in(taken)).sort(column, descending=descending, maintain_order=True)
        named += [{"what": what, **row} for row in some.head(most).rows(named=True) if row[column]]
    dots = rows.head(DOTS).select("reviews", "mean_score").rows()
    return Restaurants(dots=dots, total=rows.height, named=named, least=least)


def aspects(table: pl.LazyFrame) -> list[dict[str, Any]]:
    """Return the aspects that most reviews speak of: how many praise and criticise each, of how many.

    The table is a roll-up with such counts; of another there are none.
    """
    counts = ["praised", "criticised", "not_mentioned", "reviews"]
    if not {UNIT, "aspect", *counts} <= {*table.collect_schema().names()}:
        return []
    of_each = table.group_by("aspect").agg(pl.col(*counts).cast(pl.Int64).sum())
    mentioned = of_each.with_columns(
        mentioned=pl.col("reviews") - pl.col("not_mentioned"),
        reviews=pl.col("reviews").max(),  # the usual aspects are there for every restaurant
    )
    some = mentioned.filter(pl.col("mentioned") > 0).sort(["mentioned", "aspect"], descending=[True, False])
    return some.head(ASPECTS).collect().rows(named=True)


def doubtful(db: sqlite3.Connection, table: pl.LazyFrame) -> list[dict[str, Any]]:
    """Return the answers with the least confidence, each with the beginning of its text."""
    id_ = table.collect_schema().names()[0]
    columns = [name for name in (id_, UNIT, "label", "confidence") if name in table.collect_schema().names()]
    rows = table.select(columns).with_columns(pl.col("confidence").cast(pl.Float64)).bottom_k(DOUBTFUL, by="confidence")
    found = rows.collect().rows(named=True)
    texts = Rows(db).texts([row[id_] for row in found])
    return [
        {**row, "id": row[id_], "text": said.cut(texts.get(row[id_], ""), LENGTH)}
        for row in sorted(found, key=lambda row: row["confidence"])
    ]


def cards(found: Mapping[str, pl.LazyFrame]) -> tuple[list[dict[str, Any]], int]:
    """Return what is said of the largest restaurants, each with what every table about restaurants has of it.

    With them, how many restaurants there are.
    """
    about = {name: table for name, table in found.items() if table.collect_schema().names()[0] == UNIT}
    sizes = [
        table.select(UNIT, pl.col(size).cast(pl.Int64).alias("reviews"))
        for table in about.values()
        for size in ("reviews", "reviews_total")
        if size in table.collect_schema().names()
    ]
    if not sizes:
        return [], 0
    by_size = pl.concat(sizes).group_by(UNIT).agg(pl.col("reviews").max())
    all_ = by_size.sort(["reviews", UNIT], descending=[True, False]).collect()
    largest: dict[str, dict[str, Any]] = {
        name: {"name": name, "reviews": reviews, "said": []} for name, reviews in all_.head(CARDS).iter_rows()
    }
    for name, table in about.items():
        if name.endswith(BY_RESTAURANT):
            continue
        aside = ASIDE if name in TASKS else {UNIT}
        rows = table.filter(pl.col(UNIT).is_in(list(largest))).collect().rows(named=True)
        for row in rows:
            told = ((column.replace("_", " "), _told(value)) for column, value in row.items() if column not in aside)
            largest[row[UNIT]]["said"] += [(column, words) for column, words in told if words]
    return [card for card in largest.values() if card["said"]], all_.height


def _told(value: Any) -> str:
    """Return what a cell of a result says to a person, nothing where it is a number or a mark."""
    if isinstance(value, str) and value.startswith("["):  # CSV has lists in JSON
        with suppress(ValueError):
            return _told(json.loads(value))
    if isinstance(value, list):
        return "; ".join(filter(None, map(_told, value)))
    if isinstance(value, Mapping):
        words = next((words for words in value.values() if isinstance(words, str) and words), "")
        count = value.get("count", value.get("here"))
        return f"{words} ({count:,})" if words and isinstance(count, int) else words
    return value if isinstance(value, str) and not value.isdecimal() else ""
