"""Every task on a real engine."""

import json
from collections import Counter

import polars as pl
import pytest

from pipelines.tasks.evidence import find

KOREAN_REVIEW = {"review_id": "k", "restaurant_id": "숯불마당", "text": "국물이 정말 진하고 맛있어요."}


@pytest.mark.parametrize("single_stage", [False, True])
def test_on_a_real_engine_all_that_is_written_parses_and_what_is_kept_is_true_to_its_points(
    go, write_jsonl, engine, lent, reading, single_stage, results, query, corpus
):
    engine.reset_prefix_cache()
    noodles = [
        {"review_id": f"n{n}", "restaurant_id": "corner", "text": f"Noodles were good on visit {n}."} for n in range(9)
    ]
    path = write_jsonl([*corpus({"large": 20, "small": 3, "medium": 12}, words=1), *noodles, KOREAN_REVIEW])
    go(path, reading, "points")  # random weights make no points that stand in a review
    report, _ = go(path, lent, "summary", "strengths", single_stage=single_stage)
    assert report["rows"]["answered"] == 45, report["rows"]
    forms = dict(
        query("SELECT form, count(*) FROM request WHERE task <> 'points' AND state = 'answered' GROUP BY form")
    )
    assert (forms["write.en"], forms["write.ko"]) == (4, 1)
    assert forms["target_restaurant_strength.en"] >= 1
    assert ("comparison_summary.en" in forms) != single_stage
    summaries, found = results("summary"), results("strengths")
    assert summaries["restaurant_id"].to_list() == found["restaurant_id"].to_list()
    assert summaries["summary"].str.len_chars().min() > 0, "what is not true is replaced by quotes"
    texts = {row["review_id"]: row["text"] for row in map(json.loads, path.read_text().splitlines())}
    for row in summaries.iter_rows(named=True):
        for sentence in row["sentences"]:
            said = " ".join(texts[id_] for id_ in sentence["review_ids"])
            assert sentence["support"] == len(sentence["review_ids"])
            assert all(find(said, point) for point in sentence["points"])
    noodle = found.filter(pl.col("restaurant_id") == "corner").rows(named=True)[0]
    assert [strength["topic"] for strength in noodle["strengths"]] == ["noodle"]
    for quote in noodle["strengths"][0]["evidence"]:
        assert find(texts[quote["review_id"]], quote["quote"])


def test_quotes_on_a_real_engine_and_in_korean(go, write_jsonl, lent, results, query):
    texts = [
        "국물이 정말 진하고 맛있어요. 직원분도 친절했어요!", "ＷＩＦＩ 빵빵하고 ｃｏｆｆｅｅ 도 좋아요 ☕️🙂",
        "\u1100\u1175\u11b7\u110e\u1175\u110d\u1175\u1100\u1162 최고예요. 또 갈게요.",  # decomposed
        "줄이 너무 길어요 ㅠㅠ", "고기 질 good, 가격은 bad 합니다. 주차가 불편해요 👨‍👩‍👧", "e\u0301clair 맛집이에요. 디저트가 정말 달아요",
    ]  # fmt: skip
    reviews = [{"review_id": f"k{n}", "restaurant_id": "숯불마당", "text": text} for n, text in enumerate(texts)]
    english = [{"review_id": "e", "restaurant_id": "diner", "text": "Great soup here. The staff was kind."}]
    report, _ = go(write_jsonl([*reviews, *english]), lent, "sentiment", "summary", "strengths", style="quotes")
    assert report["rows"]["answered"] == 7
    assert Counter(query("SELECT task, form FROM request WHERE form NOT LIKE '%.en'")) == {
        ("sentiment", "ask.ko"): 6 + 48
    }  # anchors
    assert set(results("sentiment")["label"]) <= {"positive", "neutral", "negative"}
    written = [row["text"] for row in [*reviews, *english]]
    for row in results("summary").iter_rows(named=True):
        assert row["style"] == "quotes"
        assert all(
            any(find(text, point) for text in written) for sentence in row["sentences"] for point in sentence["points"]
        )
        assert all(
            any(find(text, words) for text in written)
            for side in ("praised", "criticised")
            for said in row[side]
            for words in said["words"]
        )


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
