import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace

import polars as pl
import pytest

from pipelines.corpus.reading import Reading
from pipelines.errors import CorpusError, EngineError
from pipelines.events import EngineStarting, Ordered, Planned, Progress, Warned
from pipelines.output.report import build
from pipelines.prompts.template import tokenize
from pipelines.tasks import TASKS

SENTIMENT = TASKS["sentiment"]
ANCHORS = sum(map(len, SENTIMENT.anchors["en"]))


def test_every_row_is_answered_or_rejected_by_the_real_engine(
    go, tmp_path, write_jsonl, reviews, engine, lent, results
):
    rows = [*reviews(30), {"review_id": "r30", "restaurant_id": "x"}, {**reviews(1)[0]}]
    report, events = go(write_jsonl(rows), lent)
    table = results()
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
    assert max(event.in_flight for event in progress) <= 2 * engine.limits.max_num_seqs


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


def test_the_same_texts_get_the_same_answer_whatever_the_order(go, tmp_path, write_jsonl, reviews, lent, results):
    go(write_jsonl(reviews(30)), lent, policy="prefill")
    first = results()
    (tmp_path / "out").rename(tmp_path / "before")
    go(write_jsonl(reviews(30)), lent, policy="fifo")
    second = results()
    assert first["review_id"].to_list() == second["review_id"].to_list()
    assert (first["p_positive"] - second["p_positive"]).abs().max() < 0.02


def test_refused_and_poison_rows_are_rejects_and_the_others_are_answered(
    go, write_jsonl, fake_engine, tokenizer, results
):
    (deadly,), (refused,) = tokenizer.encode("Z"), tokenizer.encode("Q")
    rows = [{"review_id": t, "restaurant_id": "x", "text": t} for t in ("fine", "Z", "also fine", "Q")]
    report, _ = go(write_jsonl(rows), lambda: fake_engine(deadly=deadly, refused=refused))
    assert results()["review_id"].to_list() == ["fine", "also fine"]
    assert report["rows"]["rejects_by_reason"] == {"engine-refused": 1, "poison": 1}


def test_a_review_longer_than_the_model_is_rejected_with_its_length(go, write_jsonl, fake_engine, tmp_path, tiny):
    rows = [
        {"review_id": "long", "restaurant_id": "x", "text": " ".join(map(str, range(3000)))},
        {"review_id": "short", "restaurant_id": "x", "text": "ok"},
    ]
    report, _ = go(write_jsonl(rows), fake_engine)
    assert report["rows"]["rejects_by_reason"] == {"too-long": 1}
    (reject,) = map(json.loads, (tmp_path / "out/rejects.jsonl").read_text().splitlines())
    assert "the limit is 8,191" in reject["detail"]
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


def test_an_engine_that_refuses_everything_is_an_error_and_no_result(go, write_jsonl, reviews, fake_engine, tokenizer):
    (everywhere,) = {tokenizer.encode("Review:")[0]}
    with pytest.raises(EngineError, match="the engine refused every request; the last: will not"):
        go(write_jsonl(reviews(5)), lambda: fake_engine(refused=everywhere))


def test_a_corpus_of_rejects_alone_is_refused_and_earlier_results_stay(go, write_jsonl, results, reviews, fake_engine):
    go(write_jsonl(reviews(9)), fake_engine)
    row = {"review_id": "a", "restaurant_id": "x", "text": ""}
    with pytest.raises(
        CorpusError, match=r"no row .* can be used \(1 no-text\), the first one: .* row 1: no-text, text is empty$"
    ):
        go(write_jsonl([row]), lambda: pytest.fail("there is no one to ask for"))
    assert results().height == 9


def test_so_is_one_of_rows_that_are_too_long_or_rejected(go, write_jsonl, results, reviews, fake_engine):
    nobody, long = lambda: pytest.fail("there is no one to ask for"), "a long story " * 9000
    go(write_jsonl(reviews(9)), fake_engine)
    rows = [{**row, "text": long} for row in reviews(3)]
    empty = {"review_id": "a", "restaurant_id": "x", "text": ""}
    for tasks in (
        ["sentiment", "points"],
        ["sentiment", "points"],
        ["summary"],
        ["strengths"],
        ["sentiment", "summary"],
    ):
        with pytest.raises(
            CorpusError, match=r"\(3 too-long, 1 no-text\), the first one: .* row 1: no-text, text is empty$"
        ):
            go(write_jsonl([empty, *rows]), nobody, *tasks)
    assert results().height == 9
    report, _ = go(write_jsonl([*rows * 3, *reviews(4)[3:]]), fake_engine)
    assert report["rows"]["answered"] == 1


def test_lists_that_are_nowhere_are_said_to_be(go, write_jsonl, reviews, fake_engine):
    with pytest.raises(CorpusError, match=r"\(3 not-a-list\), .*: not-a-list, revs is not there, but review_id, "):
        go(write_jsonl(reviews(3)), fake_engine, reading=Reading(each="revs"))
    with pytest.raises(
        CorpusError, match=r"no rows in the input: no record has a list 'revs' that is not empty; the first has: revs"
    ):
        go(write_jsonl([{"revs": []}]), fake_engine, reading=Reading(each="revs"))


def test_it_is_told_when_nearly_all_rows_are_rejected_for_one_reason(go, write_jsonl, reviews, fake_engine):
    rows = [*reviews(2), *({**row, "text": None} for row in reviews(22)[2:])]
    _, events = go(write_jsonl(rows), fake_engine)
    (told,) = [event.text for event in events if isinstance(event, Warned) and "rejected" in event.text]
    assert told.startswith("20 of 22 rows are rejected, the first one: ")
    _, events = go(write_jsonl([*reviews(3), *rows[3:22]]), fake_engine)
    assert not [event for event in events if isinstance(event, Warned) and "rejected" in event.text]


@pytest.mark.parametrize(
    ("model", "korean", "told"),
    [
        ("smollm2-135m", 1, ["not in English: 1 of 10 rows, and smollm2-135m hardly knows other languages: take a larger --model"]),
        ("smollm2-135m", 0, []),
        ("a model of which nothing is known", 10, []),
    ],
)  # fmt: skip
def test_it_is_told_where_the_model_hardly_knows_the_language(
    go, tmp_path, tiny, write_jsonl, reviews, fake_engine, model, korean, told
):
    rows = [row | ({"text": f"국물이 진해요 {n}"} if n < korean else {}) for n, row in enumerate(reviews(10))]
    model = replace(tiny, name=model)
    for _ in range(2):  # the second finds the rows standing
        report, events = go(write_jsonl(rows), fake_engine, model=model)
        assert [event.text for event in events if isinstance(event, Warned)] == told
    assert report["run"]["corpus"]["languages"] == {
        lang: number for lang, number in (("en", 10 - korean), ("ko", korean)) if number
    }
    assert ("Not in English" in (tmp_path / "out" / "report.html").read_text()) == bool(told)


def test_the_plan_is_told_before_the_engine_is_started(go, write_jsonl, reviews, fake_engine):
    _, events = go(write_jsonl(reviews(12)), fake_engine)
    kinds = [type(event) for event in events]
    assert kinds.index(Planned) < kinds.index(EngineStarting)
    assert events[kinds.index(Planned)].rows == 12
    assert events[kinds.index(Ordered)].jobs == 3  # nobody waits for the anchors


def test_the_prefix_cache_holds_what_was_predicted(go, tmp_path, write_jsonl, engine, lent, tokenizer):
    engine.reset_prefix_cache()
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
    header = len(tokenize(SENTIMENT.forms["ask.en"], tokenizer).shared_prefix) // 32 * 32
    assert sum(cost for *_, cost in jobs) == task["prompt_tokens"] - task["requests"] * header


def test_the_engine_does_not_run_dry_while_jobs_wait(go, write_jsonl, reviews, lent):
    rows = [{**row, "text": f"{row['text']} {n}"} for n, row in enumerate(reviews(900))]
    report, _ = go(write_jsonl(rows), lent)
    assert report["run"]["dry_steps"] / report["run"]["steps"] < 0.01


@pytest.mark.parametrize("policy", ["fifo", "prefill", "task", "hybrid", "cost", "longest", "auto"])
def test_every_policy_answers_every_row(go, write_jsonl, reviews, fake_engine, policy):
    report, _ = go(write_jsonl(reviews(30)), fake_engine, policy=policy, max_wait=0.0, ageing=3.0)
    assert report["rows"]["answered"] == 30
    assert report["run"]["policy"] == policy
