"""A run on a folder that another run has worked in."""

import json
import math
from dataclasses import replace

import pytest

from pipelines import files
from pipelines.errors import EngineError
from pipelines.events import EngineStarting
from pipelines.output.report import build
from pipelines.tasks import TASKS

SENTIMENT = TASKS["sentiment"]
ANCHORS = sum(map(len, SENTIMENT.anchors["en"]))


@pytest.fixture(autouse=True, params=["kept", "read anew"])
def settled(request, monkeypatch):
    """The same input is kept as it was read, or read anew, which must not make a difference."""
    monkeypatch.setattr(files, "SETTLED", -math.inf if request.param == "kept" else math.inf)


def test_what_is_answered_is_not_asked_again_and_what_is_new_is(go, write_jsonl, reviews, fake_engine, results):
    go(write_jsonl(reviews(20)), fake_engine)
    engine = fake_engine()
    changed = [
        *reviews(20)[:-1],
        {**reviews(20)[-1], "text": "changed"},
        {**reviews(1)[0], "review_id": "new", "text": "new"},
    ]
    report, _ = go(write_jsonl(changed), lambda: engine)
    assert len(engine.submitted) == 2
    assert report["rows"]["answered"] == 21
    assert results()["review_id"].to_list() == [row["review_id"] for row in changed]


def test_with_nothing_to_ask_no_engine_is_started(go, write_jsonl, reviews, fake_engine, results):
    go(write_jsonl(reviews(5)), fake_engine)
    before = results()
    report, events = go(write_jsonl(reviews(5)), lambda: pytest.fail("there is nothing to ask"))
    assert not [event for event in events if isinstance(event, EngineStarting)]
    assert results().equals(before)
    assert report["tasks"]["sentiment"]["requests"] == 0


def test_another_model_or_prompt_asks_again(go, write_jsonl, reviews, fake_engine):
    path = write_jsonl(reviews(5))
    go(path, fake_engine)
    for change in ("model", "dtype", "prompt"):
        engine = fake_engine()
        if change == "prompt":
            forms = {key: replace(form, shared_prefix="Review:") for key, form in SENTIMENT.forms.items()}
            go(path, lambda: engine, tasks=[replace(SENTIMENT, forms=forms)])  # noqa: B023
        else:
            go(path, lambda: engine, arguments={"dtype": change})  # noqa: B023
        assert len(engine.submitted) == 5 + ANCHORS, change


def test_a_run_that_fails_says_so_and_the_next_one_is_whole(go, tmp_path, write_jsonl, reviews, fake_engine):
    go(write_jsonl(reviews(5)), fake_engine)

    def start():
        raise EngineError("no engine today")

    with pytest.raises(EngineError, match="no engine today"):
        go(write_jsonl(reviews(9)), start)
    report = build(tmp_path / "out")
    assert report["run"]["status"] == "stopped"
    assert (report["rows"]["in"], report["rows"]["answered"]) == (9, 6)  # one of the new four asks what was answered
    assert json.loads((tmp_path / "out/report.json").read_text()) == report
    assert 'status="stopped"' in (tmp_path / "out/metrics.prom").read_text()
    assert "stopped" in (tmp_path / "out/report.html").read_text()
    report, _ = go(write_jsonl(reviews(9)), fake_engine)
    assert (report["run"]["status"], report["rows"]["answered"]) == ("done", 9)


def test_a_row_that_is_refused_again_does_not_fail_the_run_that_has_the_others_answered(
    go, write_jsonl, fake_engine, tokenizer, results
):
    (deadly,) = tokenizer.encode("Z")
    path = write_jsonl([{"review_id": t, "restaurant_id": "x", "text": t} for t in ("fine", "Z")])
    for _ in range(2):
        report, _ = go(path, lambda: fake_engine(deadly=deadly), sla={"sentiment": 60.0})
        assert (report["run"]["status"], report["rows"]["rejects_by_reason"]) == ("done", {"poison": 1})
        assert results()["review_id"].to_list() == ["fine"]
    # Its restaurant had something to ask in this run and got no answer.
    assert (report["tasks"]["sentiment"]["jobs"]["promised"], report["tasks"]["sentiment"]["jobs"]["met"]) == (1, 0)
