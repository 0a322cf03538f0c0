"""A run that is stopped between the stages of its jobs, and the next one."""

import math
from collections import Counter

import pytest

from pipelines import files
from pipelines.events import Progress
from pipelines.output.report import build
from pipelines.questions.stages import Stages


@pytest.fixture(autouse=True, params=["kept", "read anew"])
def settled(request, monkeypatch):
    """The same input is kept as it was read, or read anew, which must not make a difference."""
    monkeypatch.setattr(files, "SETTLED", -math.inf if request.param == "kept" else math.inf)


def test_a_run_stopped_between_two_stages_goes_on_with_the_second(
    go, write_jsonl, reading, results, query, corpus, tokenizer
):
    path = write_jsonl(corpus({"a": 40, "b": 3}))

    class Stops(reading):
        def submit(self, requests):
            super().submit(requests)
            if any("Texts" in tokenizer._backend.decode(request.prompt[-9:]) for request in requests):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(path, Stops, "summary")
    answered = {id_ for (id_,) in query("SELECT id FROM request WHERE state = 'answered'")}
    assert answered
    engine = reading()
    report, _ = go(path, lambda: engine, "summary")
    assert report["rows"]["answered"] == 43
    assert not answered & {request.id for request in engine.submitted}
    report, _ = go(path, lambda: pytest.fail("there is nothing to ask"), "summary")
    assert report["rows"]["answered"] == 43
    assert results("summary").height == 2


def test_a_run_that_is_killed_where_a_stage_ends_is_not_taken_to_be_done(
    go, tmp_path, write_jsonl, fake_engine, monkeypatch, corpus
):
    path = write_jsonl(corpus({"a": 6}))

    def killed(*_):
        raise KeyboardInterrupt

    def start():
        monkeypatch.setattr(Stages, "advance", killed)  # the plan has been made with the real one
        return fake_engine()

    with pytest.raises(KeyboardInterrupt):
        go(path, start, "strengths")
    found = build(tmp_path / "out")["rows"]
    assert (found["answered"], found["waiting"]) == (0, 6)
    monkeypatch.undo()
    report, _ = go(path, fake_engine, "strengths")
    assert report["rows"]["answered"] == 6


def test_what_has_not_been_asked_yet_waits(go, tmp_path, write_jsonl, fake_engine, monkeypatch, corpus):
    path = write_jsonl(corpus({"a": 6, "b": 4}))
    go(path, fake_engine, "sentiment")
    advance = Stages.advance

    def killed(desk, task, job, unit):
        if unit == "b":
            raise KeyboardInterrupt
        return advance(desk, task, job, unit)

    monkeypatch.setattr(Stages, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        go(path, fake_engine, "sentiment", "summary")
    found = build(tmp_path / "out")
    assert (found["rows"]["in"], found["rows"]["answered"], found["rows"]["waiting"]) == (10, 0, 10)
    assert found["tasks"]["summary"]["outcome"] == {"answered": 0, "rejected": 0, "waiting": 10}


def test_restaurants_that_come_to_ask_the_same_in_their_second_stage_are_resumed(
    go, write_jsonl, fake_engine, stopping
):
    """Their first stages differ, for they are compared with others; one of them was answered before the stop."""
    text = "Great food and very nice staff."
    reviews = [{"review_id": name, "restaurant_id": name, "text": text} for name in "ab"]
    reviews += [{"review_id": "c", "restaurant_id": "c", "text": "The bread of the house was warm."}]
    path = write_jsonl(reviews)

    with pytest.raises(KeyboardInterrupt):
        go(path, stopping(after=1), "strengths")
    engine = fake_engine(latency=2)
    report, _ = go(path, lambda: engine, "strengths")
    assert report["rows"]["answered"] == 3
    sent = Counter(request.id for request in engine.submitted)
    assert set(sent.values()) == {1}


def test_rows_of_a_restaurant_wait_until_all_of_it_is_answered(go, write_jsonl, fake_engine, query, corpus, stopping):
    with pytest.raises(KeyboardInterrupt):
        go(write_jsonl(corpus({"a": 60})), stopping(after=2), "summary")
    assert query("SELECT count(*) FROM request WHERE state = 'answered'") > [(0,)]
    assert query("SELECT DISTINCT state FROM outcome WHERE task = 'summary'") == [("waiting",)]
    report, events = go(write_jsonl(corpus({"a": 60})), fake_engine, "summary")
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert last.answers == last.all_answers < 120, "some points were answered before"
    assert report["rows"]["answered"] == 60
