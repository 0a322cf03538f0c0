from datetime import datetime

import pytest

from cli.moments import duration, moment

NOON = datetime(2026, 3, 1, 12, 0, 30)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h", 7200), ("1.5m", 90), (" 5s ", 5), ("1h1m1s", 3661)]
)  # fmt: skip
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "-5m", "5m1h", "1d", "06:00", "inf"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="a duration such as 90s, 10m or 1h30m expected"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12:01", datetime(2026, 3, 1, 12, 1)),
        ("12:00", datetime(2026, 3, 2, 12, 0)),  # today's has passed
        ("6:00", datetime(2026, 3, 2, 6, 0)),
        ("45m", datetime(2026, 3, 1, 12, 45, 30)),
    ],
)
def test_a_moment_is_the_next_such_time_of_day_or_so_long_from_now(text, expected):
    assert moment(text, NOON) == expected.timestamp()


@pytest.mark.parametrize("text", ["24:00", "6", "06:60", "tomorrow"])
def test_what_is_no_moment(text):
    with pytest.raises(ValueError, match="a time of day such as 06:00, or a duration such as"):
        moment(text, NOON)
