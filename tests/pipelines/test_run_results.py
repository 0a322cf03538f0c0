"""The tables that a run leaves."""

from dataclasses import replace

import polars as pl
import pytest

from pipelines.events import Warned
from pipelines.tasks import TASKS

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
    *others, last = SENTIMENT.anchors
    lacking = replace(SENTIMENT, anchors=(*others, [*last[:-1], "word " * 3000]))
    _, events = go(write_jsonl(reviews(5)), fake_engine, tasks=[lacking])
    assert [event.text for event in events if isinstance(event, Warned)] == [
        "1 anchors have no answer: the probabilities of this run are raw"
    ]
    with_warning = results()
    go(write_jsonl(reviews(5)), fake_engine, calibration="raw")
    assert results().equals(with_warning)
