"""A row: what a usable one holds, a review or a query, and what takes its place when it is of no use."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from pipelines.corpus.rating import Scale, rating
from pipelines.corpus.reject import ENCODINGS, Reason, Reject
from pipelines.corpus.text import readable

NOTHING = frozenset({"nan", "none", "null", "n/a", "<na>", "#n/a", "\\n"})  # what tables make of no text


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One usable row; `row` counts from 1 in its `source` file.

    `unit` is what somebody waits for, the restaurant of a review and the id of a query. `deadline` is in seconds since
    the epoch; `lang`, `category`, `city` and `rating` are as the input has them, and so is what is `carried` along.
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
    carried: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A review of a restaurant, as those are read who speak of it: `seq` is its place in the input."""

    seq: int
    id: str
    text: str
    rating: float | None = None


def parse(
    layout: Layout,
    source: str,
    number: int,
    values: Mapping[str, Any],
    *,
    lang: str | None = None,
    scale: Scale | None = None,
    carried: tuple[Any, ...] = (),
) -> Row | Reject:
    """Return what a row holds; its values are by the names of the layout's columns, `number` counts from 1.

    `lang` is the language that is asked for where a text is in two, and `scale` the one that ratings are on, if known.
    """
    id_: str | None = None
    try:
        id_ = _identifier(values.get(layout.id), layout.id)
        own = _note(values.get("lang"))
        return Row(
            id=id_,
            unit=_identifier(values.get(layout.unit), layout.unit),
            text=_text(values.get(layout.text), layout.text, lang or own),
            source=source,
            row=number,
            deadline=_deadline(values.get("deadline")),
            lang=own,
            category=_note(values.get("category")),
            city=_note(values.get("city")),
            rating=_rating(values.get("rating"), scale),
            carried=carried,
        )
    except _UnusableError as unusable:
        return Reject(source=source, row=number, reason=unusable.reason, detail=unusable.detail, id=id_)


def duplicate(row: Row) -> Reject:
    """Return what takes the place of a row whose id was there before."""
    detail = f"the id {row.id} was there before"
    return Reject(source=row.source, row=row.row, reason=Reason.DUPLICATE_ID, detail=detail, id=row.id)


class _UnusableError(Exception):
    """A value that makes its row a reject."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def _identifier(value: Any, name: str) -> str:
    if isinstance(value, str) and value:
        return _unicode(value)
    if isinstance(value, Mapping) and len(value) == 1:  # {"$oid": "..."}, as MongoDB exports its ids
        (value,) = value.values()
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        value = int(value)  # pandas turns whole numbers into floats as soon as one is missing
    if isinstance(value, bool) or not isinstance(value, str | int | bytes | UUID):
        kind = "null" if value is None else type(value).__name__
        raise _UnusableError(Reason.missing(name), f"{name} is {kind}")
    identifier: str = as_text(value) if isinstance(value, bytes) else _unicode(str(value))
    if not identifier:
        raise _UnusableError(Reason.missing(name), f"{name} is empty")
    return identifier


def as_text(value: bytes) -> str:
    """Return bytes as the text that they are, or as digits."""
    with suppress(UnicodeDecodeError):
        if (text := value.decode()).isprintable():
            return text
    return value.hex()


def _text(value: Any, name: str, lang: str | None) -> str:
    if value is None:
        raise _UnusableError(Reason.missing(name), f"{name} is null")
    if not isinstance(value, str | bytes):
        raise _UnusableError(Reason.no_string(name), f"{name} is {type(value).__name__}")
    text = readable(_unicode(value), lang)
    if not text.strip():
        raise _UnusableError(Reason.missing(name), f"{name} is empty")
    if text.strip().casefold() in NOTHING:
        raise _UnusableError(Reason.missing(name), f"{name} is {text.strip()!r}")
    return text


def _note(value: Any) -> str | None:
    """Return what stands in a column that may be there by chance: text that says something, or nothing."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return (_unicode(value).strip() or None) if isinstance(value, str | bytes) else None
    except (_UnusableError, ValueError):  # Python writes no number of thousands of digits
        return None


def _rating(value: Any, scale: Scale | None) -> float | None:
    number = rating(value, scale)
    return None if number is None or (scale and not scale.holds(number)) else number


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
        raise _UnusableError(Reason.BAD_DEADLINE, f"{value!r} is no timestamp or ISO 8601 text: {error}") from error


def _unicode(value: str | bytes) -> str:
    """Return text that can be written as UTF-8: JSON can spell half a surrogate pair, files bare bytes."""
    try:
        if isinstance(value, bytes):
            return value.decode()
        value.encode()
    except UnicodeError as error:
        bytes_of_others = isinstance(value, bytes) or any("\udc80" <= character <= "\udcff" for character in value)
        detail = f"bytes that are no UTF-8: {ENCODINGS}" if bytes_of_others else str(error)
        raise _UnusableError(Reason.INVALID_UTF8, detail) from error
    return value
