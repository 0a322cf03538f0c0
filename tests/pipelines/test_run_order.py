"""Who goes first, and what a run measures for the next one."""

import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime

import pytest

from pipelines.events import Ordered
from pipelines.measurements import Measured, Measurements
from pipelines.prompts.template import tokenize
from pipelines.tasks import TASKS
from scheduling.speed import Slice, Work

SENTIMENT = TASKS["sentiment"]


def test_the_cheapest_restaurant_goes_first(go, write_jsonl, reviews, fake_engine, tokenizer, tiny):
    rows = [row for row in reviews(30) if row["text"] != "good"]
    shown = tokenize(SENTIMENT.forms["ask.en"], tokenizer)
    computed = shown.tokens - len(shown.shared_prefix) // 32 * 32  # of the header whole KV blocks are cached
    cheapest = Counter()
    for row in rows:
        cheapest[row["restaurant_id"]] += computed + len(tokenizer.encode(body(row)))
    order = [name for name, _ in reversed(cheapest.most_common())]
    engine = fake_engine()
    go(write_jsonl(rows), lambda: engine)
    assert seen(engine, rows, tokenizer) == order
    engine = fake_engine()
    go(write_jsonl([{**row, "text": row["text"] + "!"} for row in rows]), lambda: engine, policy="fifo")
    assert seen(engine, [{**row, "text": row["text"] + "!"} for row in rows], tokenizer) == ["large", "small", "medium"]


def body(row):
    return " " + " ".join(row["text"].split())


def seen(engine, rows, tokenizer):
    """Return the restaurants in the order in which their requests went to the engine."""
    bodies = {tuple(tokenizer.encode(body(row))): row["restaurant_id"] for row in rows}
    order = []
    for request in engine.submitted:
        order += [name for body, name in bodies.items() if contains(request.prompt, body) and name not in order]
    return order


def contains(prompt, body):
    tail = 3
    return any(tuple(prompt[len(prompt) - tail - len(body) - k : len(prompt) - tail - k]) == body for k in range(tail))


def test_an_urgent_restaurant_goes_first_under_hybrid(go, tmp_path, write_jsonl, reviews, fake_engine):
    soon = datetime.fromtimestamp(time.time() + 30, UTC).isoformat()
    rows = [
        {**row, "deadline": soon if row["restaurant_id"] == "large" and n > 5 else None}
        for n, row in enumerate(reviews(30))
    ]
    report, _ = go(write_jsonl(rows), fake_engine, policy="hybrid")
    jobs = report["tasks"]["sentiment"]["jobs"]
    assert (jobs["promised"], jobs["met"], jobs["sla_attainment"]) == (1, 1, 1.0)
    with closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as db:
        (first,) = db.execute(
            "SELECT unit FROM request JOIN job ON job.id = request.job ORDER BY admitted, request.id LIMIT 1"
        ).fetchone()
    assert first == "large"


def test_without_measurements_cost_and_auto_are_prefill_and_say_so(go, write_jsonl, reviews, fake_engine):
    for policy in ("cost", "auto"):
        rows = [{**row, "text": row["text"] + policy} for row in reviews(30)]
        report, events = go(write_jsonl(rows), fake_engine, policy=policy)
        (ordered,) = [event for event in events if isinstance(event, Ordered)]
        assert (ordered.policy, ordered.prediction) == ("prefill", None)
        assert ordered.why == f"{policy}: too little has been measured of this model on this machine"
        assert report["run"]["ordered_by"] == "prefill"
        assert "predicted" not in report["run"]


def test_with_measurements_cost_is_cost_auto_picks_and_the_plan_is_held_against_what_happened(
    go, tmp_path, write_jsonl, reviews, fake_engine, tokenizer
):
    kept = Measurements(tmp_path / "measurements" / "tiny.jsonl")
    kept.add(Measured([Slice(2.0, 8000.0, 100.0, 0.0)] * 5, {"sentiment": (500, 0)}, 0.0), pytest.fail)
    report, events = go(write_jsonl(reviews(30)), fake_engine, policy="cost")
    (ordered,) = [event for event in events if isinstance(event, Ordered)]
    assert (ordered.policy, ordered.why) == ("cost", "cost: from what earlier runs of this model took on this machine")
    predicted = report["run"]["predicted"]
    assert predicted["low_s"] < predicted["makespan_s"] < predicted["high_s"]
    task = report["tasks"]["sentiment"]
    header = len(tokenize(SENTIMENT.forms["ask.en"], tokenizer).shared_prefix) // 32 * 32
    computed = task["prompt_tokens"] - task["requests"] * header
    assert predicted["prefill_s"] == pytest.approx((computed + 16 * task["requests"]) * 10 / (40_000 + 16 * 500))
    rows = [{**row, "text": row["text"] + "!"} for row in reviews(30)]
    _, events = go(write_jsonl(rows), fake_engine, policy="auto", objective="makespan")
    (ordered,) = [event for event in events if isinstance(event, Ordered)]
    assert (ordered.policy, ordered.why) == ("prefill", "auto: the best forecast for makespan")


def test_a_run_leaves_its_measurements_behind(go, tmp_path, write_jsonl, lent):
    rows = [{"review_id": f"r{i}", "restaurant_id": f"x{i % 5}", "text": f"visit {i} was fine"} for i in range(250)]
    report, _ = go(write_jsonl(rows), lent)
    speed = Measurements(tmp_path / "measurements" / "tiny.jsonl").speed(["sentiment"])
    task = report["tasks"]["sentiment"]
    predicted = speed.predict("sentiment", Work(task["prompt_tokens"] - task["cached_tokens"], task["requests"]))
    assert predicted.makespan == pytest.approx(report["run"]["makespan_s"], rel=0.3)
    assert predicted.decode == 0.0


def test_a_run_whose_engine_died_leaves_no_measurements(go, tmp_path, write_jsonl, fake_engine, tokenizer):
    (deadly,) = tokenizer.encode("Z")
    rows = [{"review_id": f"r{i}", "restaurant_id": "x", "text": f"visit {i}"} for i in range(100)]
    report, _ = go(
        write_jsonl([*rows, {"review_id": "z", "restaurant_id": "x", "text": "Z"}]), lambda: fake_engine(deadly=deadly)
    )
    assert report["run"]["engine_restarts"] == 2
    assert not (tmp_path / "measurements").exists()
    report, _ = go(write_jsonl([{**row, "text": row["text"] + "!"} for row in rows]), fake_engine)
    assert report["run"]["engine_restarts"] == 0
    assert (tmp_path / "measurements").exists()
