"""Points of reviews: what is read out of an answer, and what becomes of it."""

import json
import math
import unicodedata
from types import SimpleNamespace

import polars as pl
import pytest

from pipelines.engine.interface import Completion, Mark, Timing
from pipelines.ledger.records import AnsweredRow
from pipelines.tasks.points import ASPECTS, LENGTH, OTHER, SURE, points, stated
from pipelines.tasks.points_examples import EXAMPLES
from pipelines.tasks.task import MalformedError

POINTS = points()
TIMING = Timing(0.0, 0.0, 0.0, 0.0, prompt_tokens=9, cached_tokens=0, output_tokens=9, preemptions=0)


def said(*answer, marks=()):
    return POINTS.parse("ask.en", Completion(1, json.dumps(answer), {}, TIMING, marks=marks))


def point(what, aspect="food", side="praised", confidence=None):
    return {"what": what, "aspect": aspect, "side": side, "confidence": confidence}


def row(id_, unit, text, *value):
    return AnsweredRow(id_, unit, text, value)


class Answers(SimpleNamespace):
    def rows(self):
        yield from self.pieces


@pytest.mark.parametrize("lang", EXAMPLES)
def test_the_worked_examples_keep_their_own_rules(lang):
    for text, answer in EXAMPLES[lang].items():
        assert len(stated(text, [point(what) for what, _, _ in answer])) == len(answer), text
        assert {aspect for _, aspect, _ in answer} <= {*ASPECTS, OTHER}
        said(*answer)


def test_an_answer_has_words_aspect_and_side():
    assert said(["kind  staff", "service", "good"], ["cold soup", "food", "bad"]) == [
        point("kind staff", "service"), point("cold soup", "food", "criticised"),
    ]  # fmt: skip
    assert said() == []


@pytest.mark.parametrize(
    "answer", [[["soup", "food"]], [["soup", "weather", "good"]], [["soup", "food", "fine"]], ["soup"], [[1, "food", "good"]]]
)  # fmt: skip
def test_what_is_no_list_of_points_is_malformed(answer):
    with pytest.raises(MalformedError):
        said(*answer)


def test_the_confidence_is_the_sides_share_of_both():
    good, bad = Mark(0, (math.log(0.6), math.log(0.2))), Mark(1, (math.log(0.1), math.log(0.3)))
    sure = said(["kind staff", "service", "good"], ["cold soup", "food", "bad"], marks=[good, bad])
    assert [p["confidence"] for p in sure] == pytest.approx([0.75, 0.75])


def test_words_that_begin_with_a_sides_are_not_taken_for_it():
    begins, side = Mark(0, (-9.0, -0.1)), Mark(0, (math.log(0.6), math.log(0.2)))
    (sure,) = said(["good soup", "food", "good"], marks=[begins, side])
    assert sure["confidence"] == pytest.approx(0.75)
    (unsure,) = said(["feels-good soup", "food", "good"], marks=[begins, side])
    assert unsure["confidence"] is None


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_side_whose_numbers_are_none_has_no_confidence(odd):
    (point,) = said(["kind staff", "service", "good"], marks=[Mark(0, (odd, odd))])
    assert point["confidence"] is None


def test_words_with_half_a_character_are_malformed():
    with pytest.raises(MalformedError, match="no Unicode text"):
        POINTS.parse("ask.en", Completion(1, r'[["\ud800 soup", "food", "good"]]', {}, TIMING))


def test_points_whose_words_stand_nowhere_are_left_out_and_none_comes_twice():
    text = "The soup  was\nGOOD. Staff’s smile!"
    kept = stated(text, [point("soup was good"), point("Soup was good"), point("staff's smile"), point("garlic bread")])
    assert [p.what for p in kept] == ["soup  was\nGOOD", "Staff’s smile"]
    assert all(text[p.start : p.end] == p.what for p in kept)


def test_the_place_is_that_in_the_text_as_it_is():
    text = unicodedata.normalize("NFD", "분위기 좋고 고기도 \u200b맛있어요!")
    (found,) = stated(text, [point("고기도 맛있어요")])
    assert unicodedata.normalize("NFC", text[found.start : found.end]) == "고기도 \u200b맛있어요"


def test_a_part_of_a_letters_normal_form_stands_nowhere_and_letters_may_be_composed_of_two():
    text = "Große Portionen, ß"
    said = [point("s."), point("gros"), point("grosse")]
    assert [found.what for found in stated(text, said)] == ["Große"]
    results = pl.DataFrame(schema={"side": pl.String}).lazy()
    figures = POINTS.figures(results, Answers(pieces=[[row("1", "a", text, *said)]]))
    assert figures["ungrounded"] == len(said) - 1
    (found,) = stated("Cre\u0300me bru\u0302le\u0301e here", [point("crème brûlée", OTHER)])
    assert found.aspect == "crème"


def test_words_that_break_off_end_with_a_whole_one():
    text = "The " + "very " * 20 + "tasty soup"
    (found,) = stated(text, [point(text[: LENGTH + 2])])
    assert found.what.endswith(" very")
    (bent,) = stated(text, [point(text[: LENGTH - 6] + "tasty")])
    assert bent.what.endswith(" very")
    (short,) = stated("직원분들이 친절하고", [point("직원분들이 친절하")])
    assert short.what == "직원분들이 친절하"  # a particle may follow


def test_restaurants_are_counted_by_review_and_aspect():
    answers = Answers(pieces=[
        [row("1", "b", "kind staff, fast, cold soup", point("kind staff", "service"), point("fast", "service"),
             point("cold soup", "food", "criticised"))],
        [row("2", "a", "hm"), row("3", "b", "rude but fast", point("fast", "service"),
             point("rude", "service", "criticised"), point("made up", "food"))],
    ])  # fmt: skip
    results = pl.concat(pl.DataFrame(table) for table in POINTS.tables(answers))
    assert results.columns[:2] == ["review_id", "restaurant_id"]
    table = POINTS.by_restaurant(results.lazy(), answers).collect()
    assert table["restaurant_id"].to_list() == ["b"] * len(ASPECTS) + ["a"] * len(ASPECTS)
    assert table["aspect"].to_list() == [*ASPECTS, *ASPECTS]
    counted = {(r, a): rest for r, a, *rest in table.iter_rows()}
    assert counted["b", "service"] == [2, 1, 0, 2]
    assert counted["b", "food"] == [0, 1, 1, 2]
    assert counted["a", "food"] == [0, 0, 1, 1]
    figures = POINTS.figures(results.lazy(), answers)
    assert figures == {"labels": {"praised": 3, "criticised": 2}, "ungrounded": 1}


def test_aspects_can_be_added():
    more = points(["parking", "food"])
    assert more.aspects == (*ASPECTS[:-1], "parking", "overall")
    text = json.dumps([["no parking", "parking", "bad"]])
    assert more.parse("ask.en", Completion(1, text, {}, TIMING))[0]["aspect"] == "parking"
    assert "delivery, parking; other" in more.forms["ask.en"].shared_prefix


@pytest.mark.parametrize(
    ("what", "aspect"),
    [("there is a little playground", "playground"), ("No wheelchair access", "wheelchair"), ("와이파이가 자꾸 끊겼지만", "와이파이"),
     ("very nice", "overall")],
)  # fmt: skip
def test_where_no_aspect_fits_the_reviews_own_word_stands_for_it(what, aspect):
    (found,) = stated(what, [point(what, OTHER)])
    assert found.aspect == aspect


def test_a_point_whose_side_is_not_sure_stands_in_the_table_and_is_not_counted():
    unsure = [point("soup was warm", confidence=SURE - 0.01), point("tea", confidence=SURE), point("dog", OTHER)]
    answers = Answers(pieces=[[row("1", "a", "The soup was warm, tea, dog.", *unsure)]])
    results = pl.concat(pl.DataFrame(table) for table in POINTS.tables(answers))
    assert results["what"].to_list() == ["soup was warm", "tea", "dog"]
    table = POINTS.by_restaurant(results.lazy(), answers).collect()
    assert table["aspect"].to_list() == [*ASPECTS, "dog"]
    assert dict(table.select("aspect", "praised").filter(pl.col("praised") > 0).iter_rows()) == {"food": 1, "dog": 1}
    assert {*table["reviews"], *table.select(pl.col("praised") + pl.col("not_mentioned")).to_series()} == {1}
