import math
import time
from decimal import Decimal

import pytest

from pipelines.corpus import rating
from pipelines.corpus.rating import Scale


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (4, 4), (4.5, 4.5), (0, 0), (Decimal("4.5"), 4.5), ("4", 4), ("4.5", 4.5), ("4,5", 4.5), (" 4 ", 4), ("4.", 4), ("4!", 4),
        ("5 stars", 5), ("5 star", 5), ("4-star", 4), ("4.0 star rating", 4), ("5STARS", 5), ("3 points", 3), ("4 Sterne", 4),
        ("5점", 5), ("별점 4점", 4), ("별점: 4.5", 4.5), ("4星", 4), ("rating: 4", 4), ("Score 3", 3), ("Rated 4", 4),
        ("4/5", 4), ("4 / 5", 4), ("4,5/5", 4.5), ("Rated 4.0 out of 5", 4), ("4 of 5 bubbles", 4), ("4 out of 5 stars", 4),
        ("8/10", 4), ("7/10", 3.5), ("80%", 4), ("80 %", 4), ("100%", 5), ("0%", 0), ("0/5", 0), ("80/100", 4), ("4.5 / 5.0", 4.5),
        ("FIVE", 5), ("one", 1), ("Zero", 0), (" three ", 3),
        ("★★★★☆", 4), ("★☆☆☆☆", 1), ("★★★★★", 5), ("⭐⭐⭐", 3), ("⭐️⭐️", 2), ("🌟", 1), ("★★★★½", 4.5), ("★ ★ ★", 3), ("½", 0.5),
        ("4★", 4), ("４", 4), ("rated  4 \n out of\t5", 4),
    ],
)  # fmt: skip
def test_what_is_plainly_a_rating(value, number):
    assert rating.rating(value) == pytest.approx(number)


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, "", " ", "-1", -1, -0.5, math.nan, math.inf, -math.inf, 10**400, Decimal("NaN"), b"4", [4], {"a": 4, "b": 5}, object(),
        "good", "four and a half", "six", "☆☆☆☆☆", "4 5", "4-5", "4.5.6", "4 of", "of 5", "/5", "%", "4 stars, or 5", "2024-01-01", "$4",
        "1e3", "nan", "inf", "9" * 309, "9" * 400 + "/" + "9" * 400, "9" * 5000, "★ but why", "4 cats",
    ],
)  # fmt: skip
def test_everything_else_is_none(value):
    assert rating.rating(value) is None


@pytest.mark.parametrize(
    ("value", "scale", "number"),
    [
        ("8/10", Scale(1, 10), 8), ("4/5", Scale(1, 10), 8), ("80%", Scale(0, 100), 80), ("4/5", Scale(10, 50), 40), ("80%", Scale(0, 1), 0.8),
        ("8", Scale(1, 10), 8), ("8 stars", Scale(1, 5), 8), (8, Scale(1, 5), 8), ("★★★", Scale(1, 10), 3), ("3/0", Scale(1, 10), 3),
    ],
)  # fmt: skip
def test_only_what_names_its_own_top_is_put_on_a_scale(value, scale, number):
    assert rating.rating(value, scale) == pytest.approx(number)


@pytest.mark.parametrize("gap", [" ", "\t \n", "."])
def test_a_long_text_in_the_column_takes_no_time(gap):
    begun = time.process_time()
    for text in (
        "4" + gap * 20_000 + "x",
        "rated" + gap * 20_000 + "x",
        "4" * 20_000 + "x",
        "4/" + gap * 20_000 + "x",
        "★" * 20_000 + "x",
    ):
        assert rating.rating(text) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("counts", "scale"),
    [
        ({}, None),
        ({1: 1, 2: 1, 3: 1, 4: 1, 5: 1}, "1-5"), ({5: 9}, "1-5"), ({3: 1}, "1-5"), ({4.5: 3, 2: 1}, "1-5"),
        # Ones are the worst of most scales, and the best of one that has less.
        ({1: 9}, "1-5"), ({1: 9, 0: 9}, "0-1"), ({1: 9, 0.5: 1}, "0-1"), ({0.25: 1, 0.75: 1}, "0-1"), ({1: 9, 2: 1}, "1-5"),
        ({0: 1, 5: 1}, "0-5"), ({0: 1, 1: 1, 2: 1}, "0-5"),
        ({50: 1, 10: 1}, "10-50"), ({50: 1}, "10-50"), ({20: 1, 35: 1}, "10-50"), ({10: 9}, "1-10"), ({10: 1, 50: 1, 12: 1}, "0-100"),
        ({10: 1, 55: 1}, "0-100"), ({5: 1, 10: 1, 50: 1}, "0-100"),
        ({1: 1, 10: 1}, "1-10"), ({6: 1}, "1-10"), ({0: 1, 10: 1}, "0-10"), ({0: 1, 11: 1}, "0-100"), ({100: 1}, "0-100"), ({101: 1}, None),
        # A few may lie outside: two of a hundred, or one of ten that is on no scale with the others.
        ({5: 98, 6: 2}, "1-5"), ({5: 97, 6: 3}, "1-10"), ({5: 97, 0: 3}, "0-5"), ({5: 98, 0: 2}, "1-5"),
        ({1: 20, 2: 20, 3: 20, 4: 20, 5: 20, 45: 1}, "1-5"), ({5: 9, 45: 1}, "1-5"), ({5: 8, 45: 2}, "0-100"), ({5: 18, 45: 2}, "1-5"),
        ({5: 18, 45: 3}, "0-100"), ({5: 4, 45: 1}, "1-5"), ({5: 3, 45: 1}, "0-100"), ({5: 9, 10: 1}, "1-10"), ({5: 9, 11: 1}, "1-5"),
        ({5: 9, 1e9: 1}, "1-5"), ({1e9: 9}, None), ({101: 9, 5: 1}, None),
    ],
)  # fmt: skip
def test_the_scale_is_the_smallest_usual_one_that_nearly_all_are_on(counts, scale):
    found = rating.judge({float(one): times for one, times in counts.items()})
    assert (found and str(found)) == scale


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(0, 1), Scale(10, 50), Scale(1, 10), Scale(0, 100)])
def test_ratings_all_over_a_scale_are_on_it(scale):
    steps = {scale.low + (scale.high - scale.low) * n / 4: 10 for n in range(5)}
    if scale == Scale(10, 50):
        steps = dict.fromkeys((10.0, 20.0, 30.0, 40.0, 50.0), 10)
    assert rating.judge(steps) == scale
    assert all(map(scale.holds, steps))
    assert not scale.holds(scale.low - 0.1)
    assert not scale.holds(scale.high + 0.1)
    assert scale.middle == sum(steps) / 5


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("1-5", Scale(1, 5)), (" 1 - 5 ", Scale(1, 5)), ("0-10", Scale(0, 10)), ("1 to 7", Scale(1, 7)), ("1..5", Scale(1, 5)),
        ("0.5-5", Scale(0.5, 5)), ("0,5-5", Scale(0.5, 5)), ("10-50", Scale(10, 50)),
    ],
)  # fmt: skip
def test_a_scale_may_be_stated(text, scale):
    assert Scale.read(text) == scale
    assert Scale.read(str(scale)) == scale


@pytest.mark.parametrize("text", ["", "5", "5-1", "1-1", "-1-5", "1-5-9", "a-b", "1-", "-5", "1 5"])
def test_what_is_no_scale_is_an_error_that_shows_it(text):
    with pytest.raises(ValueError, match=r"such as 1-5, found '"):
        Scale.read(text)


@pytest.mark.parametrize("text", ["★ 4.5", "⭐ 4.5", "⭐️4.5"])
def test_a_star_may_stand_before_the_number(text):
    assert rating.rating(text) == 4.5
