"""A run that has until some moment."""

import math
import time

import pytest

from pipelines.errors import EngineDied, EngineError
from pipelines.tasks import TASKS

SENTIMENT = TASKS["sentiment"]
ANCHORS = sum(map(len, SENTIMENT.anchors["en"]))


class Slow:
    """Takes its time over every step of a real or fake engine."""

    def __init__(self, engine, seconds: float) -> None:
        self._engine, self._seconds = engine, seconds
        self.limits, self.replicas, self.restarts = engine.limits, engine.replicas, 0
        self.stats = engine.stats
        self.submit, self.close = engine.submit, engine.close

    def step(self, patience=math.inf):
        time.sleep(self._seconds)
        return self._engine.step()


def test_at_the_deadline_what_is_in_flight_ends_and_the_next_run_continues(go, write_jsonl, fake_engine, results):
    rows = [{"review_id": f"r{i}", "restaurant_id": f"x{i % 50}", "text": f"visit {i} was fine"} for i in range(400)]
    path, until = write_jsonl(rows), time.time() + 4.0
    first = fake_engine()
    report, _ = go(path, lambda: Slow(first, 0.1), deadline=until)
    ended = time.time()
    assert ended < until + 1.0
    assert ended > until - 3.0, "it gave up long before the deadline"
    assert report["run"]["status"] == "deadline"
    answered = report["rows"]["answered"]
    assert 0 < answered < 400
    assert len(first.submitted) == answered + ANCHORS, "something was admitted and not answered"
    assert results().height == answered
    assert report["tasks"]["sentiment"]["calibration"] == "anchors"  # which go first when time is short
    second = fake_engine()
    report, _ = go(path, lambda: second)
    assert (report["run"]["status"], report["rows"]["answered"]) == ("done", 400)
    assert len(second.submitted) == 400 - answered


def test_no_engine_is_started_that_would_be_up_after_the_deadline(go, write_jsonl, reviews, fake_engine):
    def slow():
        time.sleep(1.0)
        return fake_engine()

    go(write_jsonl(reviews(5)), slow)
    report, _ = go(write_jsonl(reviews(9)), lambda: pytest.fail("there is no time"), deadline=time.time() + 0.9)
    assert report["run"]["status"] == "deadline"


def test_after_the_deadline_no_engine_is_started(go, write_jsonl, reviews, results):
    report, _ = go(write_jsonl(reviews(5)), lambda: pytest.fail("there is no time"), deadline=time.time() - 1.0)
    assert report["run"]["status"] == "deadline"
    assert report["rows"] == {"in": 5, "answered": 0, "rejected": 0, "waiting": 5, "rejects_by_reason": {}}
    assert results().height == 0


def test_a_deadline_holds_after_an_engine_death_too(go, write_jsonl, fake_engine, tokenizer):
    """What was in flight then is asked one by one, which may take long."""
    (deadly,) = tokenizer.encode("Z")
    texts = ["Z", *(f"visit {i}" for i in range(12))]
    path = write_jsonl([{"review_id": text, "restaurant_id": "x", "text": text} for text in texts])
    starts = []

    def start():
        starts.append(time.sleep(2.5 if starts else 0))  # to start again takes until after the deadline
        return fake_engine(deadly=deadly)

    report, _ = go(path, start, deadline=time.time() + 2.0, calibration="raw", policy="fifo")
    assert (report["run"]["status"], report["run"]["engine_restarts"]) == ("deadline", 1)
    assert report["rows"]["waiting"] > 0
    report, _ = go(path, lambda: fake_engine(deadly=deadly), calibration="raw")
    assert (report["rows"]["answered"], report["rows"]["waiting"]) == (12, 0)


def test_the_deadline_holds_between_stages_and_the_next_run_goes_on(go, write_jsonl, fake_engine, corpus):
    path = write_jsonl(corpus({f"r{n}": 1 for n in range(180)}, words=1))

    class Slow(fake_engine):
        def step(self, patience=math.inf):
            time.sleep(0.1)
            return super().step()

    report, _ = go(path, Slow, "strengths", deadline=time.time() + 2.5)
    assert report["run"]["status"] == "deadline"
    assert 0 < report["rows"]["waiting"] < 180
    report, _ = go(path, fake_engine, "strengths")
    assert (report["run"]["status"], report["rows"]["answered"]) == ("done", 180)


class Hung(Slow):
    """Answers for a while, and then has nothing to tell until its processes are killed."""

    def __init__(self, engine, steps: int) -> None:
        super().__init__(engine, 0.01)
        self._steps, self.patience = steps, []

    def step(self, patience=math.inf):
        self._steps -= 1
        if self._steps > 0:
            return super().step(patience)
        self.patience.append(patience)
        time.sleep(patience)
        raise EngineDied("it had nothing to tell")


def test_an_engine_that_hangs_is_ended_some_time_after_the_deadline(go, write_jsonl, fake_engine, monkeypatch, results):
    monkeypatch.setattr("pipelines.dispatch.loop.GRACE", 0.5)
    rows = [{"review_id": f"r{i}", "restaurant_id": f"x{i % 50}", "text": f"visit {i} was fine"} for i in range(400)]
    engines, until = [], time.time() + 3.0

    def start():
        engines.append(Hung(fake_engine(), 30))
        return engines[-1]

    report, _ = go(write_jsonl(rows), start, deadline=until)
    assert until + 0.4 < time.time() < until + 3.0
    assert report["run"]["status"] == "deadline"
    assert len(engines) == 1, "it was started again for nothing"
    assert engines[0].patience[0] < 3.5
    assert 0 < results().height == report["rows"]["answered"] < 400


def test_an_engine_that_hangs_before_is_started_again(go, write_jsonl, fake_engine):
    rows = [{"review_id": f"r{i}", "restaurant_id": f"x{i % 5}", "text": f"visit {i} was fine"} for i in range(40)]
    engines = []

    def start():
        engines.append(Hung(fake_engine(), 2 if not engines else 1000))
        return engines[-1]

    report, _ = go(write_jsonl(rows), start, stall_timeout=0.2)
    assert engines[0].patience == [0.2]
    assert (report["run"]["status"], report["rows"]["answered"]) == ("done", 40)
    assert report["run"]["engine_restarts"] == 1


def test_an_engine_that_is_not_up_in_time_leaves_the_work_to_the_next_run(go, write_jsonl, reviews, monkeypatch):
    monkeypatch.setattr("pipelines.dispatch.loop.GRACE", 0.2)

    def start():
        time.sleep(0.6)
        raise EngineError("vLLM did not start: it took more than 0.5 s")

    report, _ = go(write_jsonl(reviews(9)), start, deadline=time.time() + 0.3)
    assert report["run"]["status"] == "deadline"
    assert report["rows"]["waiting"] == 9
