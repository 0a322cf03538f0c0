"""Every task on a real engine."""

import json
from collections import Counter

import polars as pl
import pytest

from pipelines.tasks.aggregation import Review
from pipelines.tasks.evidence import Sources

KOREAN_REVIEW = {"review_id": "k", "restaurant_id": "숯불마당", "text": "국물이 정말 진하고 맛있어요."}


@pytest.mark.parametrize("single_stage", [False, True])
def test_on_a_real_engine_all_that_is_written_parses_and_is_grounded(
    go, write_jsonl, engine, lent, single_stage, results, corpus
):
    engine.reset_prefix_cache()
    reviews = corpus({"large": 40, "small": 3, "medium": 12}, words=4)
    report, _ = go(write_jsonl(reviews), lent, "sentiment", "summary", "strengths", single_stage=single_stage)
    assert report["rows"]["answered"] == 55, report["rows"]
    texts = {}
    for row in reviews:
        texts.setdefault(row["restaurant_id"], []).append(Review(0, row["review_id"], row["text"]))
    summaries, found = results("summary"), results("strengths")
    assert summaries["restaurant_id"].to_list() == found["restaurant_id"].to_list() == ["large", "small", "medium"]
    for row in found.iter_rows(named=True):
        sources = Sources(texts[row["restaurant_id"]])
        assert bool(row["strengths"]) == (row["restaurant_id"] != "small")  # whose reviews have no good rating
        assert len(row["compared_with"]) == 2
        for strength in row["strengths"]:
            saying = sources.of(strength["evidence"])
            assert strength["review_id"] == saying[0]
            assert 1 <= strength["support"] <= len(texts[row["restaurant_id"]])
            assert strength["strength"] in strength["evidence"]
        assert (row["better"] == []) == (single_stage or row["restaurant_id"] == "small")
    for row in summaries.iter_rows(named=True):
        sources = Sources(texts[row["restaurant_id"]])
        assert all(sources.of(quote) for quote in (*row["praised"], *row["criticised"]))
    task = report["tasks"]["strengths"]
    assert task["cached_tokens"] == pytest.approx(task["expected_cached_tokens"], rel=0.1)
    assert task["cached_tokens"] > 0.4 * task["prompt_tokens"]


def test_korean_end_to_end(go, write_jsonl, lent, results, query):
    texts = [
        "국물이 정말 진하고 맛있어요. 직원분도 친절했어요!", "ＷＩＦＩ 빵빵하고 ｃｏｆｆｅｅ 도 좋아요 ☕️🙂",
        "\u1100\u1175\u11b7\u110e\u1175\u110d\u1175\u1100\u1162 최고예요. 또 갈게요.",  # decomposed
        "줄이 너무 길어요 ㅠㅠ", "고기 질 good, 가격은 bad 합니다. 주차가 불편해요 👨‍👩‍👧", "e\u0301clair 맛집이에요. 디저트가 정말 달아요",
    ]  # fmt: skip
    reviews = [{"review_id": f"k{n}", "restaurant_id": "숯불마당", "text": text} for n, text in enumerate(texts)]
    english = [{"review_id": "e", "restaurant_id": "diner", "text": "Great soup here. The staff was kind."}]
    report, _ = go(write_jsonl([*reviews, *english]), lent, "sentiment", "summary", "strengths")
    assert report["rows"]["answered"] == 7
    forms = Counter(query("SELECT task, form FROM request WHERE form NOT LIKE '%.en'"))
    assert forms["sentiment", "ask.ko"] == 6
    assert {("summary", "chunk.ko"), ("strengths", "comparison_summary.ko")} < forms.keys()
    assert set(results("sentiment")["label"]) <= {"positive", "neutral", "negative"}
    (found,) = results("strengths").filter(pl.col("restaurant_id") == "숯불마당").rows(named=True)
    sources = Sources([Review(0, row["review_id"], row["text"]) for row in reviews])
    assert found["strengths"]
    assert found["ungrounded"] == 0
    assert all(sources.of(strength["evidence"]) for strength in found["strengths"])


def test_queries_are_expanded_on_a_real_engine(go, write_jsonl, lent, results):
    queries = ["cheap noodles near the station", "조용한 국수집", "Vegan   Tacos"]
    path = write_jsonl([{"query_id": n, "query": text} for n, text in enumerate(queries)])
    report, _ = go(path, lent, "query-expansion")
    assert report["rows"]["answered"] == 3
    found = results("query-expansion")
    assert found["query"].to_list() == queries
    for query_, expansions in found.select("query", "expansions").iter_rows():
        assert len(expansions) <= 5
        said = [text.casefold() for text in expansions]
        assert len(set(said)) == len(said)
        assert query_.casefold() not in said


def test_points_on_a_real_engine_parse_and_stand_where_they_say(go, write_jsonl, lent, results, corpus, query):
    reviews = [*corpus({"large": 5, "small": 1}, words=1), KOREAN_REVIEW]
    report, _ = go(write_jsonl(reviews), lent, "points")
    assert report["rows"]["answered"] == 7, report["rows"]
    assert dict(query("SELECT form, count(*) FROM request GROUP BY form")) == {"ask.en": 6, "ask.ko": 1}
    answers = [json.loads(answer) for (answer,) in query("SELECT answer FROM request")]
    said = [point for answer in answers for point in answer]
    assert said, "a model of random weights always says something"
    found, task = results("points"), report["tasks"]["points"]
    assert found.height == sum(task["labels"].values())
    texts = {row["review_id"]: row["text"] for row in reviews}
    assert all(texts[row["review_id"]][row["start"] : row["end"]] == row["what"] for row in found.iter_rows(named=True))
    table = results("points_by_restaurant")
    assert table["restaurant_id"].unique(maintain_order=True).to_list() == ["large", "small", "숯불마당"]
    assert table.filter(pl.col("aspect") == "food")["reviews"].to_list() == [5, 1, 1]
