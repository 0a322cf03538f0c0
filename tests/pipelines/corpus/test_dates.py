"""What is a date, in the forms that people and programs write, and what only looks like one."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import polars as pl
import pytest

from pipelines.corpus import dates

DAY = date(2024, 5, 3)
SECONDS = int(datetime(2024, 5, 3, 12, tzinfo=UTC).timestamp())


def read(name: str, *values) -> list[date | None]:
    column = pl.Series(name, values)
    days = column.to_frame().select(day=dates.written(name, column.dtype))
    return dates.read(days["day"]).to_list()


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-03",
        "2024/05/03",
        "2024/5/3 9:30",
        "2024.05.03",
        "2024. 5. 3.",
        "2024. 5. 3. 오후 3:00:00",
        "2024년 5월 3일",
        "2024년 5월 3일 (금)",
        "2024-05-03T12:00:00Z",
        "2024-05-03T23:59:59.123456+09:00",
        "2024-05-03 12:00:00 UTC",
        " 2024-05-03\n",
        "May 3, 2024",
        "may 3 2024, 9:30 PM",
        "3 May 2024",
        "03-May-2024",
    ],
)
def test_a_day_is_read_as_it_is_written(value):
    assert read("x", value) == [DAY]


@pytest.mark.parametrize(
    "value",
    [
        "2024-13-03",
        "2024-02-30",
        "2024-05-03-0001",
        "2024.5.3.1",
        "10.0.2024",
        "12024-05-03",
        "1970-01-01",
        "9999-12-31",
        "Table 3, 2024",
        "2 weeks ago",
        "20240503",
        "1714737600",
        "12:30",
        "",
    ],
)
def test_what_only_looks_like_a_day_is_none(value):
    assert read("x", value) == [None]


def test_of_two_forms_a_column_has_the_one_that_all_of_it_may_have():
    assert read("x", "5/3/2024 9:30", "5/25/2024 9:30") == [DAY, date(2024, 5, 25)]
    assert read("x", "03.05.2024", "25.05.2024") == [DAY, date(2024, 5, 25)]
    assert read("x", "3/5/2024", "4/5/2024") == [None, None], "nobody knows which is the month"
    assert read("x", "5/5/2024") == [date(2024, 5, 5)], "it is the same day either way"


@pytest.mark.parametrize(
    "name", ["date", "Time", "reviewTime", "unix_timestamp", "createdAt", "created_at", "작성일시", "a.date"]
)
@pytest.mark.parametrize(
    "value", [SECONDS, SECONDS * 1000, float(SECONDS), str(SECONDS), f"{SECONDS}.0", 20240503, "20240503"]
)
def test_numbers_are_moments_where_the_name_says_so(name, value):
    assert read(name, value) == [DAY]


@pytest.mark.parametrize("name", ["id", "rating", "sentiment", "times_visited", "candidates", "format", "num"])
def test_numbers_are_none_under_other_names(name):
    assert dates.written(name, pl.Int64()) is None
    assert read(name, str(SECONDS)) == [None]


def test_numbers_that_no_review_is_of_are_none():
    assert read("date", 20, 0, -1, 20241301, 10**15) == [None] * 5
    assert read("date", 1.5, float("nan"), float("inf")) == [None] * 3


def test_moments_are_of_the_day_where_they_were():
    late = datetime(2024, 5, 3, 23, tzinfo=timezone(timedelta(hours=-7)))
    assert read("x", datetime(2024, 5, 3, 23), None) == [DAY, None]
    local = pl.Series("x", [late]).dt.convert_time_zone("America/Los_Angeles")
    assert dates.read(local.to_frame().select(dates.written("x", local.dtype)).to_series()).to_list() == [DAY]
    assert read("x", DAY) == [DAY]
    assert dates.written("x", pl.Time()) is None
    assert dates.written("x", pl.List(pl.Date())) is None


@pytest.mark.parametrize("name", ["*", "^.*$", "^a$", "x y", 'a"b'])
def test_a_column_may_be_called_anything(name):
    assert read(name, "2024-05-03") == [DAY]
    assert dates.share(name, ["2024-05-03"]) == 1.0


def test_a_share_is_of_values_of_any_type():
    assert dates.share("x", [DAY, datetime(2024, 5, 3, tzinfo=UTC), "2024-05-03", "soup"]) == 0.75
    assert dates.share("x", [None, [1], {"a": 1}, b"2024-05-03", time(1), Decimal(1), "\ud800"]) == 0.0
    assert dates.share("x", []) == 0.0
    assert dates.share("date", [10**400, SECONDS]) == 0.5
