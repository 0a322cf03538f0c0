"""Dates: the days that people write, and how such a column is told from others."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from polars import selectors

# Reviews are of these years. Beyond are the zeros of clocks, and what stands for never.
FIRST, LAST = date(1990, 1, 1), date(2099, 12, 31)
_MONTH = "[A-Za-z]{3,9}"
_NUMBERS = "[0-9]{1,2}[-/.] ?[0-9]{1,2}[-/.] ?[0-9]{4}"
# How a day is written, by how its parts are read: 2024-05-03, 2024/5/3, "2024. 5. 3.", 2024년 5월 3일; 3.5.2024;
# 5/3/2024; 3 May 2024; May 3, 2024.
FORMS = {
    "%Y %m %d": "[0-9]{4} ?[-/.년] ?[0-9]{1,2} ?[-/.월] ?[0-9]{1,2}",
    "%d %m %Y": _NUMBERS,
    "%m %d %Y": _NUMBERS,
    "%d %B %Y": rf"[0-9]{{1,2}}\.?[- ]{_MONTH}\.?,?[- ][0-9]{{4}}",
    "%B %d %Y": rf"{_MONTH}\.? [0-9]{{1,2}},? [0-9]{{4}}",
}
_DAY = f"^(?:{'|'.join(dict.fromkeys(FORMS.values()))})"
_WHOLE = rf"{_DAY}[.일]?(?:[T ,(].{{0,40}})?$"  # with the time of day, or the day of the week, behind it
# What the names of columns say whose numbers are moments.
_OF_TIME = re.compile(
    r"(date|time|stamp|created|posted|published|(?<![a-z])at)(?![a-z])|날짜|일시|일자|시간|작성일|등록일|방문일"
)


def share(name: str, values: Iterable[Any]) -> float:
    """Return how large a share of some values of a column are dates."""
    plain = (str(value) for value in values if isinstance(value, str | int | float | date))
    # JSON can spell half a surrogate pair.
    name, *known = (text.encode(errors="replace").decode() for text in (name, *plain))
    texts = pl.Series(name, known, pl.String)
    days = texts.to_frame().select(day=written(name, texts.dtype))
    return read(days["day"]).count() / max(len(texts), 1)


def written(name: str, dtype: pl.DataType) -> pl.Expr | None:
    """Return the days that a column may have, without the times of day, to be `read`; None where it can have none."""
    column = selectors.by_name(name)
    if dtype.is_temporal():
        return column.dt.date() if dtype in (pl.Date, pl.Datetime) else None
    if dtype.is_numeric():
        return _moment(column.cast(pl.Float64)) if _is_of_time(name) else None
    if dtype != pl.String:
        return None
    text = column.str.strip_chars()
    day = pl.when(text.str.contains(_WHOLE)).then(text.str.extract(_DAY, 0))
    number = text.cast(pl.Float64, strict=False)
    return pl.coalesce(day, _moment(number).cast(pl.String)) if _is_of_time(name) else day


def read(days: pl.Series) -> pl.Series:
    """Return such days as dates: text in the form that most of it has, for a column has one; none if two may be it."""
    found = days
    if days.dtype == pl.String:
        parts = days.str.replace_all("[^0-9A-Za-z]+", " ")
        *_, second, found = sorted((parts.str.to_date(form, strict=False) for form in FORMS), key=pl.Series.count)
        if second.count() == found.count() and not second.equals(found):
            return second.clear(len(days))
    return found.set(~found.is_between(FIRST, LAST), None)


def _is_of_time(name: str) -> bool:
    return bool(_OF_TIME.search(re.sub("(?<=[a-z])(?=[A-Z])", "_", name).casefold()))


def _moment(number: pl.Expr) -> pl.Expr:
    """Return numbers as dates: seconds or milliseconds since the epoch, or what has the digits of a day: 20240503."""
    first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() for day in (FIRST, LAST))
    whole = number.cast(pl.Int64, strict=False)
    seconds = pl.when(number.is_between(first, last)).then(whole * 1000)
    since = seconds.when(number.is_between(1000 * first, 1000 * last)).then(whole)
    digits = pl.when(number.is_between(19_900_101, 20_991_231)).then(whole).cast(pl.String)
    return pl.coalesce(since.cast(pl.Datetime("ms")).dt.date(), digits.str.to_date("%Y%m%d", strict=False))
