import json

import pytest

from pipelines.errors import ConfigError
from pipelines.events import Examining, Progress
from pipelines.examination import examination
from pipelines.examination.paper import INJECTIONS, RESTAURANTS, TURNS
from pipelines.models.outcome import Outcome, Outcomes

LABELS = {"positive", "neutral", "negative"}


@pytest.fixture
def outcome():
    return Outcome(
        model="m",
        chat=True,
        writes=False,
        scores={"labels": 0.5, "supported": None},
        prefill=10.0,
        decode=None,
        cost_s={"points": 3.0},
    )


def test_the_paper_is_whole():
    reviews = [(name, review) for name, restaurant in RESTAURANTS.items() for review in restaurant.reviews]
    assert {review.label for _, review in reviews} == LABELS
    assert len({review.text for _, review in reviews}) == len(reviews)
    aspects = set(examination.TASKS["points"].aspects)
    for _, review in reviews:
        assert set(review.aspects) <= aspects, review
        assert bool(review.points) or review.label == "neutral", review
    assert {restaurant.lang for restaurant in RESTAURANTS.values()} == set(INJECTIONS)
    assert {(lang, label) for lang in INJECTIONS for label in ("positive", "negative")} == set(TURNS)


def test_a_model_of_random_weights_is_examined_and_fails(tiny, lent):
    events = []
    found = examination.examine(tiny, {}, lambda **_: lent(), events.append)
    assert [event.part for event in events if isinstance(event, Examining)] == ["labels", "points"]
    assert any(isinstance(event, Progress) for event in events)
    assert not found.writes
    assert not found.chat  # it has no template
    assert found.scores["supported"] is None
    assert all(mark is None or 0 <= mark <= 1 for mark in found.scores.values()), found.scores
    assert found.scores["points"] < 0.3
    assert found.prefill > 0
    assert found.decode > 0
    assert found.cost_s.keys() == {"sentiment", "points"}


def test_a_model_whose_points_are_good_goes_on_to_write(tiny, lent, monkeypatch):
    """Were a model of random weights good enough, it would be asked for summaries and strengths, and fail at those."""
    monkeypatch.setattr(examination, "WRITES", {"points": 0.0, "grounded": 0.0, "supported": 0.5})
    events = []
    found = examination.examine(tiny, {}, lambda **_: lent(), events.append)
    assert [event.part for event in events if isinstance(event, Examining)][-1] == "summaries and strengths"
    assert found.cost_s.keys() >= {"sentiment", "points"}
    assert found.scores["supported"] is not None
    assert found.writes == (found.scores["supported"] >= 0.5)


def test_an_outcome_is_kept_by_fingerprint(tmp_path, outcome, tiny):
    outcomes = Outcomes(tmp_path / "new" / "folder")
    assert outcomes.of("f") is None
    assert outcomes.all() == []
    outcomes.keep("f", outcome)
    assert outcomes.of("f") == outcome
    assert outcomes.of("g") is None
    assert outcomes.all() == [outcome]
    assert (outcome.of(tiny).chat, outcome.of(tiny).writes) == (True, False)


def test_a_context_too_small_for_the_paper_is_said_and_not_marked(tiny, lent):
    with pytest.raises(ConfigError, match=r"leave no room|too small for the texts"):
        examination.examine(tiny, {"max_model_len": 3840}, lambda **_: lent(), lambda _: None)
    with pytest.raises(ConfigError, match="leave no room"):
        examination.examine(
            tiny, {"max_model_len": 400}, lambda **_: pytest.fail("before the engine starts"), lambda _: None
        )


GOOD = {
    "version": 1,
    "model": "m",
    "chat": False,
    "writes": False,
    "scores": {},
    "prefill": 1.0,
    "decode": None,
    "cost_s": {},
}
BAD = [
    {**GOOD, name: value}
    for name, value in (("scores", None), ("model", None), ("writes", "no"), ("scores", {"labels": "x"}))
]


@pytest.mark.parametrize(
    "stored",
    [
        *map(json.dumps, BAD),
        "[" * 200_000,
        "",
        "[]",
        "{",
        '{"version": 1}',
        '{"version": 0}',
        '{"version": 1, "more": 2}',
    ],
)
def test_what_is_no_outcome_or_of_another_paper_is_none(tmp_path, outcome, stored):
    outcomes = Outcomes(tmp_path)
    outcomes.keep("f", outcome)
    (tmp_path / "f.json").write_text(stored)
    assert outcomes.of("f") is None


def test_an_outcome_of_an_earlier_paper_says_nothing(tmp_path, outcome):
    outcomes = Outcomes(tmp_path)
    outcomes.keep("f", outcome)
    stored = json.loads((tmp_path / "f.json").read_text())
    (tmp_path / "f.json").write_text(json.dumps(stored | {"version": stored["version"] - 1}))
    assert outcomes.of("f") is None
