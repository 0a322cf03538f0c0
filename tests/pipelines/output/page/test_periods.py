"""Labels over time: which column of the input tells it, into what it is cut, and when there is too little to see."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from pipelines.output import results
from pipelines.output.page import answers, periods, pictures
from pipelines.output.tables import FORMATS

FIRST = date(2022, 11, 1)
LABELS = ("good", "so-so", "bad", "none")


def table(days, *, label=lambda n: LABELS[n % 4], **kept):
    rows = range(len(days))
    own = {
        "review_id": [f"2024-05-{n}" for n in rows],
        "label": list(map(label, rows)),
        "suspicious": [False] * len(days),
    }
    return pa.table({**own, "when": days, **kept})


def seen(found):
    frame = pl.DataFrame(found).lazy()
    return periods.of(frame, dict(frame.group_by("label").len().collect().iter_rows()))


def every(days, number=40):
    return [FIRST + timedelta(days * n) for n in range(number)]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("how", ["date", "moment", "text", "seconds"])
def test_results_of_every_format_have_dates_of_every_kind(kind, how, tmp_path):
    days = [None, *every(7)]
    made = {
        "date": lambda day: day,
        "moment": lambda day: datetime(day.year, day.month, day.day, 23, tzinfo=UTC),
        "text": lambda day: f"{day.year}. {day.month}. {day.day}.",
        "seconds": lambda day: int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()),
    }[how]
    rows = table([day and made(day) for day in days]).rename_columns(["review_id", "label", "suspicious", "a date"])
    (tmp_path / "results").mkdir()
    results._publish(rows.schema, rows.to_batches(), tmp_path / "results" / f"task.{kind}")
    found = periods.of(answers.read(tmp_path)["task"], dict.fromkeys(LABELS, 10) | {"good": 11})
    assert (found.column, found.unit, found.undated) == ("a date", "month", 1)
    assert found.starts == [date(2022, 11, 1), date(2022, 12, 1), *(date(2023, month, 1) for month in range(1, 9))]
    assert sum(found.totals) == 40
    assert found.totals[:2] == [5, 4]
    assert {label: sum(rows) for label, rows in found.labels.items()} == dict.fromkeys(LABELS, 10)


@pytest.mark.parametrize(
    ("days", "unit", "names"),
    [
        (0.5, "day", ["1 Nov 2022", "20 Nov 2022"]),
        (2, "week", ["31 Oct 2022", "16 Jan 2023"]),
        (20, "month", ["Nov 2022", "Dec 2024"]),
        (60, "quarter", ["Q4 2022", "Q1 2029"]),
        (300, "year", ["2022", "2054"]),
    ],
)
def test_what_a_period_is_depends_on_the_time_that_is_spanned(days, unit, names):
    found = seen(table(every(days)))
    assert found.unit == unit
    assert [found.names[0], found.names[-1]] == names
    assert len(found.starts) <= 41
    assert sum(found.totals) == 40


def test_a_period_without_an_answer_has_its_place():
    found = seen(table([*every(1, 25), date(2022, 12, 24), date(2023, 2, 24)]))
    assert list(found.rows)[2] == ("Jan 2023", 0, (0, 0, 0, 0))
    assert found.totals == [25, 1, 0, 1]


def test_too_little_is_not_drawn():
    assert seen(table(every(7, 20)))
    assert seen(table(every(7, 19))) is None, "a few answers"
    assert seen(table([FIRST, FIRST + timedelta(1)] * 20)) is None, "two days"
    assert seen(table([*every(7, 20), *[None] * 20]))
    assert seen(table([*every(7, 20), *[None] * 21])) is None, "most have no date"


@pytest.mark.parametrize(
    "values",
    [
        [20] * 40,
        list(range(20240501, 20240541)),
        [1_700_000_000 + 86_400 * n for n in range(40)],
        ["soup"] * 40,
        [None] * 40,
        [["2024-05-03"]] * 40,
    ],
)
def test_other_columns_are_no_dates(values):
    assert seen(table(values).rename_columns(["review_id", "label", "suspicious", "rating"])) is None


def test_the_column_with_most_dates_is_drawn_and_an_id_is_none():
    some = [day if n % 4 else None for n, day in enumerate(every(7))]
    assert seen(table(some, other=every(30))).column == "other"
    assert seen(table(["soup"] * 40).append_column("note", pa.array(["tea"] * 40))) is None


def test_as_many_labels_are_drawn_as_can_be_told_apart():
    labels = {f"label {n} <i>": [n, 2 * n, 1] for n in range(30)}
    picture = pictures.over_time(["May 2024", "Jun 2024", "Jul 2024"], labels, "about <b>")
    assert "others" in picture
    assert picture.count("label ") == len(pictures.SHADES) - 1, "the rarest are drawn as one"
    assert "<i>" not in picture
    assert "label 29 &lt;i&gt;" in picture
    assert "about &lt;b&gt;" in picture
    few = pictures.over_time(["May 2024", "Jun 2024", "Jul 2024"], {"yes": [1, 0, 2], "no": [1, 0, 0]}, "x")
    assert "others" not in few
    assert "var(--mark)" in few
    assert "var(--other)" in few
