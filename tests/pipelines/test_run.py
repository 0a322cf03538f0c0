import json
from collections import Counter

import polars as pl
import pytest

from pipelines import run
from pipelines.errors import CorpusError, EngineError
from pipelines.events import EngineStarting, Planned, Progress, Warned
from pipelines.report import build
from pipelines.store import Ledger
from pipelines.tasks import TASKS

ANCHORS = len(TASKS["sentiment"].anchors)


@pytest.fixture
def go(tmp_path, tiny):
    """Run sentiment over a file in this process and return the report and the events."""

    def go(path, start, **settings):
        order = run.Order(
            **{"task": TASKS["sentiment"], "sources": [str(path)], "columns": {}, "limit": None, "model": tiny,
               "arguments": {}, "policy": "prefill", "format": "parquet", "calibration": "anchors", **settings}
        )  # fmt: skip
        events = []
        ledger = Ledger(tmp_path / "out")
        try:
            report = run.run(ledger, order, start, {"device": "cpu"}, events.append)
        finally:
            ledger.close()
        return report, events

    return go


def results(tmp_path, name="sentiment"):
    return pl.read_parquet(tmp_path / "out" / "results" / f"{name}.parquet")


def shared(engine):
    """Lend the session's engine to a run, which would close its own."""

    class Lent:
        slots, kv_tokens = engine.slots, engine.kv_tokens
        submit, step = engine.submit, engine.step

        def close(self):
            pass

    return Lent


def test_every_row_is_answered_or_rejected_by_the_real_engine(go, tmp_path, write_jsonl, reviews, engine):
    rows = [*reviews(30), {"review_id": "r30", "restaurant_id": "x"}, {**reviews(1)[0]}]
    report, events = go(write_jsonl(rows), shared(engine))
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
        "rejects_by_reason": {"duplicate-review-id": 1, "no-text": 1},
    }  # fmt: skip
    rejects = [json.loads(line) for line in (tmp_path / "out/rejects.jsonl").read_text().splitlines()]
    assert Counter(reject["reason"] for reject in rejects) == {"no-text": 1, "duplicate-review-id": 1}
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1].share == 1.0
    assert progress[-1].rows == 30
    assert max(event.in_flight for event in progress) <= 2 * engine.slots


def test_the_report_adds_up_and_the_times_are_in_order(go, tmp_path, write_jsonl, reviews, engine):
    report, _ = go(write_jsonl(reviews(30)), shared(engine))
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


def test_the_same_texts_get_the_same_answer_whatever_the_order(go, tmp_path, write_jsonl, reviews, engine):
    go(write_jsonl(reviews(30)), shared(engine), policy="prefill")
    first = results(tmp_path)
    (tmp_path / "out").rename(tmp_path / "before")
    go(write_jsonl(reviews(30)), shared(engine), policy="fifo")
    second = results(tmp_path)
    assert first["review_id"].to_list() == second["review_id"].to_list()
    assert (first["p_positive"] - second["p_positive"]).abs().max() < 0.02


def test_the_cheapest_restaurant_goes_first(go, write_jsonl, reviews, fake_engine, tokenizer, tiny):
    rows = [row for row in reviews(30) if row["text"] != "good"]
    cheapest = Counter()
    for row in rows:
        cheapest[row["restaurant_id"]] += len(tokenizer.encode(body(row)))
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


def test_another_model_or_prompt_asks_again(go, write_jsonl, reviews, fake_engine, monkeypatch):
    path = write_jsonl(reviews(5))
    go(path, fake_engine)
    for change in ("model", "dtype", "prompt"):
        engine = fake_engine()
        if change == "prompt":
            monkeypatch.setattr("pipelines.tasks.sentiment.HEAD", "Review:")
            go(path, lambda: engine)  # noqa: B023
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
    assert reject["review_id"] == "long"


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


def test_one_answered_corpus_can_be_judged_in_every_way_without_an_engine(go, tmp_path, write_jsonl, reviews, engine):
    path = write_jsonl(reviews(30))
    go(path, shared(engine))
    tables = {"anchors": results(tmp_path)}
    for kind in ("corpus", "raw"):
        go(path, lambda: pytest.fail("there is nothing to ask"), calibration=kind)
        tables[kind] = results(tmp_path)
    assert len({tuple(table["p_positive"].round(6)) for table in tables.values()}) == 3


def test_without_its_anchors_a_run_says_so_and_is_raw(
    go, tmp_path, write_jsonl, reviews, fake_engine, monkeypatch, tokenizer
):
    monkeypatch.setattr(TASKS["sentiment"], "anchors", [*TASKS["sentiment"].anchors[:-1], "word " * 3000])
    _, events = go(write_jsonl(reviews(5)), fake_engine)
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
    planned = events[kinds.index(Planned)]
    assert planned.jobs == 3 + 1  # and the anchors
    assert planned.outlook.rows == 12
