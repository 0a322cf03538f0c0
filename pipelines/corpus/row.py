"""An item: one usable row of the input, a review or a query, and what takes its place when a row is of no use."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that a kind of input has: the row's id, what somebody waits for, its text, and optional ones."""

    id: str
    unit: str
    text: str
    optional: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Columns without which nothing can be done."""
        return tuple(dict.fromkeys((self.id, self.unit, self.text)))

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that is looked at."""
        return (*self.required, *self.optional)


REVIEWS = Layout("review_id", "restaurant_id", "text", ("deadline", "lang", "category", "city", "rating"))
QUERIES = Layout("query_id", "query_id", "query", ("deadline", "lang"))
LAYOUTS: Mapping[str, Layout] = {"review": REVIEWS, "restaurant": REVIEWS, "query": QUERIES}  # by a task's unit
COLUMNS = tuple(dict.fromkeys(REVIEWS.names + QUERIES.names))


@dataclass(frozen=True, slots=True)
class Row:
    """One usable row; `row` counts from 1 in its `source` file.

    `unit` is what somebody waits for, the restaurant of a review and the query itself. `deadline` is in seconds since
    the epoch; `lang`, `category`, `city` and `rating` are as the input has them.
    """

    id: str
    unit: str
    text: str
    source: str
    row: int
    deadline: float | None = None
    lang: str | None = None
    category: str | None = None
    city: str | None = None
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row or a request that got no answer, and why.

    `reason` is one of a few fixed words, to count by; `detail` is for a person.
    """

    source: str
    row: int
    reason: str
    detail: str
    id: str | None = None
    task: str | None = None
    stage: int | None = None


def item(layout: Layout, source: str, row: int, found: Mapping[str, Any]) -> Row | Reject:
    """Return what a row holds, whose values are `found` by the names of the layout's columns."""
    known: str | None = None
    try:
        known = _identifier(found.get(layout.id), layout.id)
        unit = _identifier(found.get(layout.unit), layout.unit)
        text = _text(found.get(layout.text), layout.text)
        notes = {name: _note(found.get(name)) for name in ("lang", "category", "city")}
        rating = _number(found.get("rating"))
        return Row(known, unit, text, source, row, _deadline(found.get("deadline")), **notes, rating=rating)
    except _UnusableError as unusable:
        return Reject(source, row, unusable.reason, unusable.detail, id=known)


def duplicate(item: Row) -> Reject:
    """Return what takes the place of an item whose id was there before."""
    return Reject(item.source, item.row, "duplicate-id", f"the id {item.id} was there before", item.id)


class _UnusableError(Exception):
    """A value that makes its row a reject."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def _identifier(value: Any, name: str) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas turns whole numbers into floats as soon as one is missing
    if isinstance(value, bool) or not isinstance(value, str | int | bytes):
        found = "null" if value is None else type(value).__name__
        raise _UnusableError(f"no-{name.replace('_', '-')}", f"{name} is {found}")
    identifier = _unicode(value) if isinstance(value, str | bytes) else str(value)
    if not identifier:
        raise _UnusableError(f"no-{name.replace('_', '-')}", f"{name} is empty")
    return identifier


def _text(value: Any, name: str) -> str:
    if value is None:
        raise _UnusableError(f"no-{name}", f"{name} is null")
    if not isinstance(value, str | bytes):
        raise _UnusableError(f"{name}-not-a-string", f"{name} is {type(value).__name__}")
    text = _unicode(value)
    if not text.strip():
        raise _UnusableError(f"no-{name}", f"{name} is empty")
    return text


def _note(value: Any) -> str | None:
    """Return what stands in a column that may be there by chance: text that says something, or nothing."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return (_unicode(value).strip() or None) if isinstance(value, str | bytes) else None
    except (_UnusableError, ValueError):  # Python writes no number of thousands of digits
        return None


def _number(value: Any) -> float | None:
    """Return what stands in such a column if it is a number."""
    try:
        number = math.nan if isinstance(value, bool | bytes) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _deadline(value: Any) -> float | None:
    """Return a moment in seconds since the epoch; one without a time zone is meant in local time."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str | bytes):
            value = datetime.fromisoformat(_unicode(value).strip())
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        elif not isinstance(value, datetime):
            raise TypeError(f"a {type(value).__name__}")  # noqa: TRY301  told as the others are
        return float(value.timestamp())
    except (ValueError, TypeError, OverflowError) as error:
        raise _UnusableError("bad-deadline", f"{value!r} is no timestamp or ISO 8601 text: {error}") from error


def _unicode(value: str | bytes) -> str:
    """Return text that can be written as UTF-8: JSON can spell half a surrogate pair, files bare bytes."""
    try:
        if isinstance(value, bytes):
            return value.decode()
        value.encode()
    except UnicodeError as error:
        raise _UnusableError("invalid-utf8", str(error)) from error
    return value
