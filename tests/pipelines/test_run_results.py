"""The tables that a run leaves."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import polars as pl
import pytest

from pipelines.events import Noted, Warned
from pipelines.ledger import digest
from pipelines.output.page import verdict
from pipelines.questions.ingest import Ingestion
from pipelines.tasks import TASKS
from pipelines.tasks.aggregation import Aggregation

SENTIMENT = TASKS["sentiment"]


def test_jsonl_results_replace_parquet_ones(go, tmp_path, write_jsonl, reviews, fake_engine, results):
    path = write_jsonl(reviews(6))
    go(path, fake_engine)
    parquet, by_restaurant = results(), results("sentiment_by_restaurant")
    go(path, fake_engine, format="jsonl")
    folder = tmp_path / "out" / "results"
    assert sorted(file.name for file in folder.iterdir()) == ["sentiment.jsonl", "sentiment_by_restaurant.jsonl"]
    assert pl.read_ndjson(folder / "sentiment.jsonl").equals(parquet)
    assert pl.read_ndjson(folder / "sentiment_by_restaurant.jsonl").equals(by_restaurant)


def names(tmp_path):
    return sorted(file.stem for file in (tmp_path / "out" / "results").iterdir())


def test_of_one_input_tasks_may_be_asked_one_after_the_other(go, tmp_path, write_jsonl, reviews, fake_engine):
    go(write_jsonl(reviews(6)), fake_engine)
    for n in (6, 8, 4):  # also when it has grown, or lost some rows
        report, _ = go(write_jsonl(reviews(n)), fake_engine, "mood")
        assert report["run"]["input"] == 1
    go(write_jsonl(reviews(6)), fake_engine, "dish", limit=2)
    assert names(tmp_path) == ["dish", "mood", "sentiment", "sentiment_by_restaurant"]


@pytest.mark.parametrize("same_file", [False, True])
def test_another_input_leaves_no_results_of_the_last_one(
    go, tmp_path, write_jsonl, reviews, fake_engine, same_file, results
):
    go(write_jsonl(reviews(6)), fake_engine)
    go(write_jsonl(reviews(6)), fake_engine, "mood", format="jsonl")
    mine = tmp_path / "out" / "results" / "mine.parquet"
    mine.write_text("what somebody else has put there")
    # The same rows in another file, or other rows in the same: what the cron job reads is another export.
    rows = [{**row, "text": f"{row['text']} today"} for row in reviews(6)] if same_file else reviews(6)
    report, _ = go(write_jsonl(rows, "reviews.jsonl" if same_file else "more.jsonl"), fake_engine, "dish")
    assert report["run"]["input"] == 2
    assert names(tmp_path) == ["dish", "mine"]
    report, _ = go(write_jsonl(rows, "reviews.jsonl" if same_file else "more.jsonl"), fake_engine)
    assert report["run"]["input"] == 2
    assert names(tmp_path) == ["dish", "mine", "sentiment", "sentiment_by_restaurant"]
    assert results().height == 6


def test_a_mistaken_run_in_between_that_wrote_nothing_costs_nothing(go, tmp_path, write_jsonl, reviews, fake_engine):
    path, other = write_jsonl(reviews(6)), write_jsonl(reviews(6), "other.jsonl")
    go(path, fake_engine)

    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(other, stopped, "mood")
    report, _ = go(path, fake_engine, "mood")
    assert report["run"]["input"] == 1
    assert names(tmp_path) == ["mood", "sentiment", "sentiment_by_restaurant"]


@pytest.mark.parametrize("early", [False, True])
def test_another_input_in_the_same_file_is_another_though_its_first_run_was_stopped(
    go, tmp_path, write_jsonl, reviews, fake_engine, monkeypatch, early
):
    go(write_jsonl(reviews(6)), fake_engine)
    rows = [{**row, "text": f"{row['text']} today"} for row in reviews(6)]

    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if early:  # before anything is known of the rows
            patched.setattr(Ingestion, "fill", stopped)
        with pytest.raises(KeyboardInterrupt):
            go(write_jsonl(rows), stopped, "mood")
    report, _ = go(write_jsonl(rows), fake_engine, "mood")
    assert report["run"]["input"] == 2
    assert names(tmp_path) == ["mood"]
    report, events = go(write_jsonl(reviews(6)), fake_engine)
    assert report["run"]["input"] == 3
    assert names(tmp_path) == ["sentiment", "sentiment_by_restaurant"]
    assert Noted("results of the input before are removed: mood; the answers are kept") in events
    _, events = go(write_jsonl(reviews(6)), fake_engine)
    assert not any(isinstance(event, Noted) and "removed" in event.text for event in events)


def test_after_a_stopped_input_a_third_one_is_neither(go, tmp_path, write_jsonl, reviews, fake_engine, stopping):
    first, second, third = (
        [{**row, "text": f"{row['text']} {when}"} for row in reviews(6)] for when in ("today", "yesterday", "long ago")
    )
    go(write_jsonl(first), fake_engine)
    with pytest.raises(KeyboardInterrupt):
        go(write_jsonl(second), stopping(1), "mood")
    report, _ = go(write_jsonl(third), fake_engine, "mood")
    assert report["run"]["input"] == 3
    assert names(tmp_path) == ["mood"]


def test_an_input_that_grows_at_the_front_is_the_same(go, tmp_path, write_jsonl, reviews, fake_engine, monkeypatch):
    monkeypatch.setattr("pipelines.corpus.reader.CHUNK", 4)
    go(write_jsonl(reviews(6)), fake_engine)
    new = [{**row, "review_id": f"new{n}", "text": f"new {n}"} for n, row in enumerate(reviews(9))]
    report, _ = go(write_jsonl([*new, *reviews(6)]), fake_engine, "mood")
    assert report["run"]["input"] == 1
    assert names(tmp_path) == ["mood", "sentiment", "sentiment_by_restaurant"]


def test_results_of_a_run_that_failed_while_it_wrote_go_too(
    go, tmp_path, write_jsonl, reviews, fake_engine, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(Aggregation, "tables", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            go(write_jsonl(reviews(6)), fake_engine, "sentiment", "mood")
    assert "sentiment" in names(tmp_path)
    go(write_jsonl(reviews(6), "other.jsonl"), fake_engine, "mood")
    assert names(tmp_path) == ["mood"]


def test_a_folder_whose_runs_have_not_noted_their_input_is_known_by_its_rows(
    go, tmp_path, write_jsonl, reviews, fake_engine
):
    path = write_jsonl(reviews(6))
    go(path, fake_engine)
    with closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as db:
        digest.install(db)
        db.execute("UPDATE run SET facts = json_remove(facts, '$.input', '$.files')")
        db.execute(f"UPDATE run SET digest = {digest.FACTS}")
        db.commit()
    report, _ = go(path, fake_engine, "mood")
    assert report["run"]["input"] == 1
    assert names(tmp_path) == ["mood", "sentiment", "sentiment_by_restaurant"]


def test_the_roll_up_counts_what_the_rows_say(go, write_jsonl, reviews, fake_engine, results):
    go(write_jsonl(reviews(30)), fake_engine)
    table, rolled = results(), results("sentiment_by_restaurant")
    assert rolled["restaurant_id"].to_list() == ["large", "small", "medium"]
    assert rolled["reviews"].to_list() == [15, 5, 10]
    for row in rolled.iter_rows(named=True):
        own = table.filter(pl.col("restaurant_id") == row["restaurant_id"])
        assert [row[label] for label in ("positive", "neutral", "negative")] == [
            (own["label"] == label).sum() for label in ("positive", "neutral", "negative")
        ]
        assert row["mean_score"] == pytest.approx(own["score"].mean())


def test_one_answered_corpus_can_be_judged_in_every_way_without_an_engine(go, write_jsonl, reviews, lent, results):
    path = write_jsonl(reviews(30))
    go(path, lent)
    tables = {"anchors": results()}
    for kind in ("corpus", "raw"):
        go(path, lambda: pytest.fail("there is nothing to ask"), calibration=kind)
        tables[kind] = results()
    assert len({tuple(table["p_positive"].round(6)) for table in tables.values()}) == 3


def test_without_its_anchors_a_run_says_so_and_is_raw(go, write_jsonl, reviews, fake_engine, results):
    *others, last = SENTIMENT.anchors["en"]
    lacking = replace(SENTIMENT, anchors={"en": (*others, [*last[:-1], " ".join(map(str, range(3000)))])})
    _, events = go(write_jsonl(reviews(5)), fake_engine, tasks=[lacking])
    assert [event.text for event in events if isinstance(event, Warned)] == [
        "1 anchors have no answer: the probabilities of this run are raw"
    ]
    with_warning = results()
    go(write_jsonl(reviews(5)), fake_engine, calibration="raw")
    assert results().equals(with_warning)


def test_a_task_whose_answers_say_nothing_is_told_of(go, write_jsonl, corpus, reading):
    class Mute(reading):
        def says(self, request):
            del request
            return "[]"

    def warned(engine, rows, output):
        _, events = go(write_jsonl(corpus({"a": rows})), engine, "points", output=output)
        return [event.text for event in events if isinstance(event, Warned)]

    assert warned(Mute, 20, "many") == ["points: no answer says anything: the model may not be up to it"]
    assert warned(Mute, 19, "few") == []
    assert warned(reading, 20, "well") == []


def test_the_page_says_of_points_that_they_stand_nowhere_or_are_none(go, write_jsonl, corpus, reading):
    def saying(answer):
        return type("Says", (reading,), {"says": lambda _, request: answer})

    def found(engine, output):
        report, _ = go(write_jsonl(corpus({"a": 20})), engine, "points", output=output)
        random, *others = verdict.warnings(report)
        assert random == "The weights of tiny are random: that it ran is all that these answers say."
        return [text for text in others if "memory" not in text]  # a made-up engine caches nothing

    assert found(saying('[["unicorns", "food", "good"]]'), "nowhere") == [
        "points: 20 of 20 points stand nowhere in their review and were left out. Is the model too small for it?"
    ]
    assert found(saying("[]"), "none") == ["points: No answer says anything. The model may not be up to it."]
    assert found(reading, "well") == []
