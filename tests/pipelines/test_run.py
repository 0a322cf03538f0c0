import json
import math
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from pipelines import run
from pipelines.errors import CorpusError, EngineError
from pipelines.events import EngineStarting, Ordered, Planned, Progress, Warned
from pipelines.measurements import Measured, Measurements
from pipelines.order import Order
from pipelines.prompt import frame
from pipelines.report import build
from pipelines.store import Ledger
from pipelines.tasks import TASKS
from scheduling.speed import Load, Slice

SENTIMENT = TASKS["sentiment"]
ANCHORS = sum(map(len, SENTIMENT.anchors))


@pytest.fixture
def go(tmp_path, tiny):
    """Run sentiment over a file in this process and return the report and the events."""

    def go(path, start, **settings):
        order = Order(
            **{"tasks": [TASKS["sentiment"]], "sources": [str(path)], "columns": {}, "limit": None, "model": tiny,
               "arguments": {}, **settings}
        )  # fmt: skip
        events = []
        measurements = Measurements(tmp_path / "measurements" / "tiny.jsonl")
        ledger = Ledger(tmp_path / "out")
        try:
            report = run.run(ledger, order, lambda **_: start(), measurements, {"device": "cpu"}, events.append)
        finally:
            ledger.close()
        return report, events

    return go


def results(tmp_path, name="sentiment"):
    return pl.read_parquet(tmp_path / "out" / "results" / f"{name}.parquet")


def test_every_row_is_answered_or_rejected_by_the_real_engine(go, tmp_path, write_jsonl, reviews, engine, lent):
    rows = [*reviews(30), {"review_id": "r30", "restaurant_id": "x"}, {**reviews(1)[0]}]
    report, events = go(write_jsonl(rows), lent)
    table = results(tmp_path)
    assert table["review_id"].to_list() == [f"r{i}" for i in range(30)]
    assert table.columns == TASKS["sentiment"].schema.names
    sums = table.select(pl.sum_horizontal("p_positive", "p_neutral", "p_negative")).to_series()
    assert sums.is_between(1 - 1e-9, 1 + 1e-9).all()
    assert (table["score"] - (table["p_positive"] - table["p_negative"])).abs().max() < 1e-12
    best = table.select(pl.max_horizontal("p_positive", "p_neutral", "p_negative")).to_series()
    assert (table["confidence"] == best).all()
    assert report["rows"] == {
        "in": 32, "answered": 30, "rejected": 2, "waiting": 0,
        "rejects_by_reason": {"duplicate-id": 1, "no-text": 1},
    }  # fmt: skip
    rejects = [json.loads(line) for line in (tmp_path / "out/rejects.jsonl").read_text().splitlines()]
    assert Counter(reject["reason"] for reject in rejects) == {"no-text": 1, "duplicate-id": 1}
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1].share == 1.0
    assert progress[-1].answers == 30
    assert max(event.in_flight for event in progress) <= 2 * engine.limits.slots


def test_the_report_adds_up_and_the_times_are_in_order(go, tmp_path, write_jsonl, reviews, lent):
    report, _ = go(write_jsonl(reviews(30)), lent)
    task = report["tasks"]["sentiment"]
    distinct = len({row["text"] for row in reviews(30)}) + ANCHORS
    assert task["requests"] == task["output_tokens"] == distinct
    assert task["reviews"] == 30
    assert 0 < task["cached_tokens"] < task["prompt_tokens"]
    for span in ("queue_wait_s", "ttft_s", "prefill_s", "decode_s"):
        assert 0 <= task[span]["p50"] <= task[span]["p90"] <= task[span]["p99"]
    assert task["queue_wait_s"]["mean"] + task["prefill_s"]["mean"] == pytest.approx(task["ttft_s"]["mean"])
    assert task["ttft_s"]["p99"] <= task["makespan_s"]
    assert task["reviews_per_s"] == pytest.approx(30 / task["makespan_s"])
    assert json.loads((tmp_path / "out/report.json").read_text()) == report


def test_the_same_texts_get_the_same_answer_whatever_the_order(go, tmp_path, write_jsonl, reviews, lent):
    go(write_jsonl(reviews(30)), lent, policy="prefill")
    first = results(tmp_path)
    (tmp_path / "out").rename(tmp_path / "before")
    go(write_jsonl(reviews(30)), lent, policy="fifo")
    second = results(tmp_path)
    assert first["review_id"].to_list() == second["review_id"].to_list()
    assert (first["p_positive"] - second["p_positive"]).abs().max() < 0.02


def test_the_cheapest_restaurant_goes_first(go, write_jsonl, reviews, fake_engine, tokenizer, tiny):
    rows = [row for row in reviews(30) if row["text"] != "good"]
    shown = frame(SENTIMENT.forms["ask.en"], tokenizer)
    computed = shown.tokens - len(shown.head) // 32 * 32  # of the header whole KV blocks are cached
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


def test_what_is_answered_is_not_asked_again_and_what_is_new_is(go, tmp_path, write_jsonl, reviews, fake_engine):
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
    assert results(tmp_path)["review_id"].to_list() == [row["review_id"] for row in changed]


def test_with_nothing_to_ask_no_engine_is_started(go, tmp_path, write_jsonl, reviews, fake_engine):
    go(write_jsonl(reviews(5)), fake_engine)
    before = results(tmp_path)
    report, events = go(write_jsonl(reviews(5)), lambda: pytest.fail("there is nothing to ask"))
    assert not [event for event in events if isinstance(event, EngineStarting)]
    assert results(tmp_path).equals(before)
    assert report["tasks"]["sentiment"]["requests"] == 0


def test_another_model_or_prompt_asks_again(go, write_jsonl, reviews, fake_engine):
    path = write_jsonl(reviews(5))
    go(path, fake_engine)
    for change in ("model", "dtype", "prompt"):
        engine = fake_engine()
        if change == "prompt":
            forms = {key: replace(form, head="Review:") for key, form in SENTIMENT.forms.items()}
            go(path, lambda: engine, tasks=[replace(SENTIMENT, forms=forms)])  # noqa: B023
        else:
            go(path, lambda: engine, arguments={"dtype": change})  # noqa: B023
        assert len(engine.submitted) == 5 + ANCHORS, change


def test_refused_and_poison_rows_are_rejects_and_the_others_are_answered(
    go, tmp_path, write_jsonl, fake_engine, tokenizer
):
    (deadly,), (refused,) = tokenizer.encode("Z"), tokenizer.encode("Q")
    rows = [{"review_id": t, "restaurant_id": "x", "text": t} for t in ("fine", "Z", "also fine", "Q")]
    report, _ = go(write_jsonl(rows), lambda: fake_engine(deadly=deadly, refused=refused))
    assert results(tmp_path)["review_id"].to_list() == ["fine", "also fine"]
    assert report["rows"]["rejects_by_reason"] == {"engine-refused": 1, "poison": 1}


def test_a_review_longer_than_the_model_is_rejected_with_its_length(go, write_jsonl, fake_engine, tmp_path, tiny):
    rows = [
        {"review_id": "long", "restaurant_id": "x", "text": "word " * 3000},
        {"review_id": "short", "restaurant_id": "x", "text": "ok"},
    ]
    report, _ = go(write_jsonl(rows), fake_engine)
    assert report["rows"]["rejects_by_reason"] == {"too-long": 1}
    (reject,) = map(json.loads, (tmp_path / "out/rejects.jsonl").read_text().splitlines())
    assert "the limit is 2,047" in reject["detail"]
    assert reject["id"] == "long"


def test_an_empty_corpus_is_an_error(go, tmp_path, fake_engine):
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(CorpusError, match="no rows"):
        go(tmp_path / "empty.jsonl", fake_engine)


def test_an_empty_corpus_leaves_the_last_run_as_it_was(go, tmp_path, write_jsonl, reviews, fake_engine):
    before, _ = go(write_jsonl(reviews(5)), fake_engine)
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(CorpusError, match="no rows"):
        go(tmp_path / "empty.jsonl", fake_engine)
    assert build(tmp_path / "out") == before


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


def test_an_engine_that_refuses_everything_is_an_error_and_no_result(go, write_jsonl, reviews, fake_engine, tokenizer):
    (everywhere,) = {tokenizer.encode("Review:")[0]}
    with pytest.raises(EngineError, match="the engine refused every request; the last: will not"):
        go(write_jsonl(reviews(5)), lambda: fake_engine(refused=everywhere))


def test_a_corpus_of_rejects_alone_is_done(go, write_jsonl, tmp_path):
    row = {"review_id": "a", "restaurant_id": "x", "text": ""}
    report, events = go(write_jsonl([row]), lambda: pytest.fail("there is no one to ask for"))
    assert not [event for event in events if isinstance(event, Warned)]
    assert report["rows"]["rejected"] == 1
    assert results(tmp_path).height == 0
    assert results(tmp_path, "sentiment_by_restaurant").height == 0


def test_jsonl_results_replace_parquet_ones(go, tmp_path, write_jsonl, reviews, fake_engine):
    path = write_jsonl(reviews(6))
    go(path, fake_engine)
    parquet, by_restaurant = results(tmp_path), results(tmp_path, "sentiment_by_restaurant")
    go(path, fake_engine, format="jsonl")
    folder = tmp_path / "out" / "results"
    assert sorted(file.name for file in folder.iterdir()) == ["sentiment.jsonl", "sentiment_by_restaurant.jsonl"]
    assert pl.read_ndjson(folder / "sentiment.jsonl").equals(parquet)
    assert pl.read_ndjson(folder / "sentiment_by_restaurant.jsonl").equals(by_restaurant)


def test_the_roll_up_counts_what_the_rows_say(go, tmp_path, write_jsonl, reviews, fake_engine):
    go(write_jsonl(reviews(30)), fake_engine)
    table, rolled = results(tmp_path), results(tmp_path, "sentiment_by_restaurant")
    assert rolled["restaurant_id"].to_list() == ["large", "small", "medium"]
    assert rolled["reviews"].to_list() == [15, 5, 10]
    for row in rolled.iter_rows(named=True):
        own = table.filter(pl.col("restaurant_id") == row["restaurant_id"])
        assert [row[label] for label in ("positive", "neutral", "negative")] == [
            (own["label"] == label).sum() for label in ("positive", "neutral", "negative")
        ]
        assert row["mean_score"] == pytest.approx(own["score"].mean())


def test_one_answered_corpus_can_be_judged_in_every_way_without_an_engine(go, tmp_path, write_jsonl, reviews, lent):
    path = write_jsonl(reviews(30))
    go(path, lent)
    tables = {"anchors": results(tmp_path)}
    for kind in ("corpus", "raw"):
        go(path, lambda: pytest.fail("there is nothing to ask"), calibration=kind)
        tables[kind] = results(tmp_path)
    assert len({tuple(table["p_positive"].round(6)) for table in tables.values()}) == 3


def test_without_its_anchors_a_run_says_so_and_is_raw(go, tmp_path, write_jsonl, reviews, fake_engine):
    *others, last = SENTIMENT.anchors
    lacking = replace(SENTIMENT, anchors=(*others, [*last[:-1], "word " * 3000]))
    _, events = go(write_jsonl(reviews(5)), fake_engine, tasks=[lacking])
    assert [event.text for event in events if isinstance(event, Warned)] == [
        "1 anchors have no answer: the probabilities of this run are raw"
    ]
    with_warning = results(tmp_path)
    go(write_jsonl(reviews(5)), fake_engine, calibration="raw")
    assert results(tmp_path).equals(with_warning)


def test_the_plan_is_told_before_the_engine_is_started(go, write_jsonl, reviews, fake_engine):
    _, events = go(write_jsonl(reviews(12)), fake_engine)
    kinds = [type(event) for event in events]
    assert kinds.index(Planned) < kinds.index(EngineStarting)
    assert events[kinds.index(Planned)].outlook.rows == 12
    assert events[kinds.index(Ordered)].jobs == 3  # nobody waits for the anchors


def test_the_prefix_cache_holds_what_was_predicted(go, tmp_path, write_jsonl, engine, lent, tokenizer):
    engine.forget()
    rows = [
        {"review_id": f"r{i}", "restaurant_id": f"x{i % 5}", "text": f"visit {i} was fine " * (i % 9 + 1)}
        for i in range(120)
    ]
    report, _ = go(write_jsonl(rows), lent)
    task = report["tasks"]["sentiment"]
    assert task["expected_cached_tokens"] > 0.3 * task["prompt_tokens"]
    assert task["cached_tokens"] == pytest.approx(task["expected_cached_tokens"], rel=0.05)
    with closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as db:
        jobs = db.execute("SELECT expected_cached_tokens, cached_tokens, cost FROM job_times").fetchall()
    assert len(jobs) == 5 + 1
    assert sum(expected for expected, *_ in jobs) == task["expected_cached_tokens"]
    # Nobody asks what another asks here: the jobs' costs are all prompts but for the header's whole blocks.
    header = len(frame(SENTIMENT.forms["ask.en"], tokenizer).head) // 32 * 32
    assert sum(cost for *_, cost in jobs) == task["prompt_tokens"] - task["requests"] * header


def test_the_engine_does_not_run_dry_while_jobs_wait(go, write_jsonl, reviews, lent):
    rows = [{**row, "text": f"{row['text']} {n}"} for n, row in enumerate(reviews(900))]
    report, _ = go(write_jsonl(rows), lent)
    assert report["run"]["dry_steps"] / report["run"]["steps"] < 0.01


@pytest.mark.parametrize("policy", ["fifo", "prefill", "task", "hybrid", "cost", "longest", "auto"])
def test_every_policy_answers_every_row(go, tmp_path, write_jsonl, reviews, fake_engine, policy):
    report, _ = go(write_jsonl(reviews(30)), fake_engine, policy=policy, max_wait=0.0, ageing=3.0)
    assert report["rows"]["answered"] == 30
    assert report["run"]["policy"] == policy


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
    header = len(frame(SENTIMENT.forms["ask.en"], tokenizer).head) // 32 * 32
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
    predicted = speed.predict("sentiment", Load(task["prompt_tokens"] - task["cached_tokens"], task["requests"]))
    assert predicted.makespan == pytest.approx(report["run"]["makespan_s"], rel=0.3)
    assert predicted.decode == 0.0


class Slow:
    """Takes its time over every step of a real or fake engine."""

    def __init__(self, engine, seconds: float) -> None:
        self._engine, self._seconds = engine, seconds
        self.limits, self.kv_tokens, self.restarts = engine.limits, engine.kv_tokens, 0
        self.counted = engine.counted
        self.submit, self.close = engine.submit, engine.close

    def step(self, patience=math.inf):
        time.sleep(self._seconds)
        return self._engine.step()


def test_at_the_deadline_what_is_in_flight_ends_and_the_next_run_continues(go, tmp_path, write_jsonl, fake_engine):
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
    assert results(tmp_path).height == answered
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


def test_after_the_deadline_no_engine_is_started(go, tmp_path, write_jsonl, reviews):
    report, _ = go(write_jsonl(reviews(5)), lambda: pytest.fail("there is no time"), deadline=time.time() - 1.0)
    assert report["run"]["status"] == "deadline"
    assert report["rows"] == {"in": 5, "answered": 0, "rejected": 0, "waiting": 5, "rejects_by_reason": {}}
    assert results(tmp_path).height == 0


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


def test_a_row_that_is_refused_again_does_not_fail_the_run_that_has_the_others_answered(
    go, tmp_path, write_jsonl, fake_engine, tokenizer
):
    (deadly,) = tokenizer.encode("Z")
    path = write_jsonl([{"review_id": t, "restaurant_id": "x", "text": t} for t in ("fine", "Z")])
    for _ in range(2):
        report, _ = go(path, lambda: fake_engine(deadly=deadly), sla={"sentiment": 60.0})
        assert (report["run"]["status"], report["rows"]["rejects_by_reason"]) == ("done", {"poison": 1})
        assert results(tmp_path)["review_id"].to_list() == ["fine"]
    # Its restaurant had something to ask in this run and got no answer.
    assert (report["tasks"]["sentiment"]["jobs"]["promised"], report["tasks"]["sentiment"]["jobs"]["met"]) == (1, 0)


def test_a_deadline_holds_after_an_engine_death_too(go, tmp_path, write_jsonl, fake_engine, tokenizer):
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
