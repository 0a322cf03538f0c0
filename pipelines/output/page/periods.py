"""The periods: the labels by day, week, month, quarter or year, where the answers have dates beside them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import dropwhile
from math import inf

import polars as pl

from pipelines.corpus import dates

LEAST, DATED, MOSTLY = 3, 20, 0.5  # periods, answers with a date, and their share of all: less is not drawn
BEFORE = "suspicious"  # a task's column that those of the input stand behind
# What a period is, how polars writes that, and of how many days all of them are at most.
UNITS = (("day", "1d", 31), ("week", "1w", 92), ("month", "1mo", 1200), ("quarter", "1q", 3600), ("year", "1y", inf))


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How many answers have each label in each of some periods, one behind the other, by the dates in a `column`.

    `unit` is what a period is, `starts` has their first days, and `undated` answers have no date.
    """

    column: str
    unit: str
    starts: list[date]
    labels: dict[str, list[int]]
    undated: int

    @property
    def totals(self) -> list[int]:
        """How many answers each period has."""
        return [sum(some) for some in zip(*self.labels.values(), strict=True)]

    @property
    def names(self) -> list[str]:
        """What people call the periods."""
        return [_name(self.unit, start) for start in self.starts]

    @property
    def span(self) -> str:
        """What the periods are, and from when to when."""
        return f"by {self.unit} from {self.names[0]} to {self.names[-1]}"

    @property
    def rows(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """The periods as rows of a table: the name, how many answers, and how many of each label."""
        return zip(self.names, self.totals, zip(*self.labels.values(), strict=True), strict=True)


def of(table: pl.LazyFrame, labels: Mapping[str, int]) -> Periods | None:
    """Return what the labels were over time, by the column with most dates; None where there is too little to see."""
    columns = dropwhile(lambda column: column[0] != BEFORE, table.collect_schema().items())
    written = {name: days for name, dtype in columns if (days := dates.written(name, dtype)) is not None}
    by_day = {name: _by_day(table, days) for name, days in written.items()}
    dated = {name: sum(rows["rows"]) for name, rows in by_day.items()}
    column, total = max(dated, key=lambda name: dated[name], default=None), sum(labels.values())
    if column is None or dated[column] < max(DATED, MOSTLY * total):
        return None
    unit, starts, counts = _in_periods(by_day[column])
    found = Periods(
        column=column,
        unit=unit,
        starts=starts,
        labels={label: [counts.get((start, label), 0) for start in starts] for label in labels},
        undated=total - dated[column],
    )
    return found if sum(map(bool, found.totals)) >= LEAST else None


def _by_day(table: pl.LazyFrame, written: pl.Expr) -> pl.DataFrame:
    """Return how many answers each label has on each day."""
    rows = table.select(day=written, label="label").group_by("day", "label").len("rows").collect()
    return rows.with_columns(dates.read(rows["day"])).drop_nulls("day")


def _in_periods(by_day: pl.DataFrame) -> tuple[str, list[date], dict[tuple[date, str], int]]:
    """Return what the periods of some days are, when each begins, and how many answers each label has in each."""
    days = by_day["day"]
    unit, every = next((unit, every) for unit, every, most in UNITS if (max(days) - min(days)).days < most)
    rows = by_day.with_columns(days.dt.truncate(every)).group_by("day", "label").agg(pl.col("rows").sum())
    starts = pl.date_range(min(rows["day"]), max(rows["day"]), every, eager=True).to_list()
    return unit, starts, {(start, label): count for start, label, count in rows.iter_rows()}


def _name(unit: str, start: date) -> str:
    if unit in {"day", "week"}:
        return f"{start.day} {start:%b %Y}"
    return {"month": f"{start:%b %Y}", "quarter": f"Q{(start.month + 2) // 3} {start.year}"}.get(unit, str(start.year))
