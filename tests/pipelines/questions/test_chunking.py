"""Restaurants with more reviews than one prompt has room for."""

import json

import pytest

from pipelines.events import Progress
from pipelines.tasks.aggregation import aggregation as make_aggregation
from pipelines.tasks.answer_schema import AnswerSchema, Field


def test_a_restaurant_that_fits_is_asked_once_and_a_larger_one_in_chunks_that_are_merged(
    go, write_jsonl, fake_engine, results, query, corpus
):
    report, events = go(write_jsonl(corpus({"large": 60, "small": 3})), fake_engine, "mood")
    large, small = results("mood").sort("restaurant_id").rows(named=True)
    assert (small["reviews_used"], small["reviews_total"], small["chunks"]) == (3, 3, 1)
    assert (large["reviews_used"], large["reviews_total"]) == (60, 60)
    assert large["chunks"] > 3
    stages = dict(query("SELECT stage, count(*) FROM request GROUP BY stage"))
    assert stages == {0: large["chunks"] + 1, 1: 1}
    assert report["rows"] == {"in": 63, "answered": 63, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.answers, last.all_answers, last.share) == (63, 63, pytest.approx(1.0))


def test_what_does_not_fit_one_merge_is_merged_again(go, write_jsonl, fake_engine, results, query, corpus):
    class Wordy(fake_engine):
        """Says as much as it may."""

        def says(self, request):
            return json.dumps({"mood": f"{request.id:030}"})

    reviews = corpus({"huge": 400}, words=30)
    go(write_jsonl(reviews), Wordy, "mood", arguments={"max_model_len": 1500})
    (found,) = results("mood").rows(named=True)
    assert (found["reviews_used"], found["reviews_total"]) == (400, 400)
    assert query("SELECT max(stage) FROM request") >= [(2,)]


def test_a_chunk_without_an_answer_is_left_out_and_said(go, write_jsonl, fake_engine, results, corpus):
    class Skips(fake_engine):
        def says(self, request):
            return "" if request.id == 2 else super().says(request)

    report, _ = go(write_jsonl(corpus({"a": 60})), Skips, "mood")
    (found,) = results("mood").rows(named=True)
    rejected = report["rows"]["rejected"]
    assert 0 < rejected < 60
    assert (found["reviews_used"], found["reviews_total"]) == (60 - rejected, 60)
    assert report["rows"]["answered"] == 60 - rejected


def test_a_merge_that_asks_what_a_chunk_did_is_another_question(go, write_jsonl, fake_engine):
    class Own(fake_engine):
        def says(self, request):
            return '{"mood": "good"}'

    mood = make_aggregation(
        "mood", "", AnswerSchema((Field("mood", {"enum": ["good", "bad"]}),)), "How is it?", max_tokens=8, examples=()
    )
    long = " ".join(["word"] * 450)
    texts = ['{"mood": "good"}', '{"mood": "good"}', long, long + "!"]
    reviews = [{"review_id": str(n), "restaurant_id": "a", "text": text} for n, text in enumerate(texts)]
    report, _ = go(write_jsonl(reviews), Own, tasks=[mood])
    assert report["rows"]["answered"] == 4


def test_chunks_leave_room_for_the_question_and_the_answer(go, write_jsonl, fake_engine, corpus):
    report, _ = go(write_jsonl(corpus({"a": 60})), fake_engine, "mood", "dish", arguments={"max_model_len": 1400})
    assert report["rows"] == {"in": 60, "answered": 60, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}
