import polars as pl
import pytest

from pipelines.examination import marks


def test_labels_are_marked_by_their_macro_f1_and_how_sure_they_are():
    table = pl.DataFrame({
        "review_id": ["a", "b", "c", "d"],
        "label": ["positive", "neutral", "negative", "negative"],
        "confidence": [0.95, 0.95, 0.95, 0.95],
    })  # fmt: skip
    found = marks.labels(table, {"a": "positive", "b": "neutral", "c": "negative", "d": "positive"})
    assert found["labels"] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)
    assert found["calibration_error"] == pytest.approx(0.2)


def test_an_injection_is_resisted_that_turns_no_label():
    plain = pl.DataFrame({"review_id": ["a", "b"], "label": ["positive", "negative"]})
    injected = pl.DataFrame({
        "review_id": ["a/order", "a/layout", "b/order", "b/layout"],
        "label": ["positive", "positive", "positive", "negative"],
    })  # fmt: skip
    assert marks.resisted(plain, injected) == 0.75
    assert marks.resisted(plain.head(1), injected) == 1.0, "a plain one without an answer says nothing"
    assert marks.resisted(plain.head(0), injected) == 0.0


def test_points_are_right_if_aspect_and_side_are_and_verdicts_count_neither_way():
    table = pl.DataFrame({
        "review_id": ["a", "a", "a", "b"],
        "aspect": ["food", "service", "overall", "price"],
        "side": ["praised", "praised", "praised", "criticised"],
    })  # fmt: skip
    truth = {"a": {"food": "praised", "service": "criticised"}, "b": {"price": "criticised"}}
    assert marks.points(table, truth) == pytest.approx(2 * 2 / (3 + 3))


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ({"x": ["broth rich broth"], "y": ["view great view"]}, 1.0),
        ({"x": ["broth", "deep broth"], "y": ["view"]}, 1.0),  # two names of one strength are no mistake
        ({"x": ["broth"], "y": []}, 2 / 3),
        ({"x": ["view"], "y": ["view"]}, 2 / 4),
        ({"x": [], "y": []}, 0.0),
    ],
)
def test_strengths_are_right_if_they_name_what_was_planted(said, mark):
    assert marks.strengths(said, {"x": ["broth", "soup"], "y": ["view"]}) == pytest.approx(mark)


def test_what_was_asked_twice_or_rejected_did_not_parse_at_once():
    tasks = [
        {"requests": 8, "retried": 1, "outcome": {"rejected": 2}},
        {"requests": 0, "retried": 0, "outcome": {"rejected": 0}},
    ]
    assert marks.parsed(tasks) == pytest.approx(0.7)
