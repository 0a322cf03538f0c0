"""What is quoted of reviews, in which language, and how well it is supported."""

import json

from pipelines.tasks import TASKS
from pipelines.tasks.aggregation import RestaurantState, Review
from pipelines.tasks.strengths import strengths


def test_evidence_that_no_review_has_is_kept_out_and_counted(go, write_jsonl, fake_engine, results, corpus):
    class Invents(fake_engine):
        def says(self, request):
            said = json.loads(super().says(request))
            if "strengths" in said:
                said["strengths"].append({"evidence": "we saw a unicorn", "strength": "a unicorn"})
            return json.dumps(said)

    report, _ = go(write_jsonl(corpus({"a": 6})), Invents, "strengths")
    (found,) = results("strengths").rows(named=True)
    assert found["ungrounded"] == report["tasks"]["strengths"]["ungrounded"] == 1
    assert "a unicorn" not in [strength["strength"] for strength in found["strengths"]]
    assert report["tasks"]["strengths"]["grounded"] == len(found["strengths"]) > 0


def test_rated_and_unrated_reviews_are_quoted_side_by_side(go, write_jsonl, fake_engine):
    reviews = [
        {"review_id": "up", "restaurant_id": "a", "text": "The soup was lovely.", "rating": 5},
        {"review_id": "down", "restaurant_id": "a", "text": "The soup was cold.", "rating": "1"},
        {"review_id": "none", "restaurant_id": "a", "text": "The bread was there."},
        {"review_id": "odd", "restaurant_id": "a", "text": "The tea was there.", "rating": 10**400},
    ]
    engine = fake_engine()
    go(write_jsonl(reviews), lambda: engine, "summary")
    offered = {
        name: {quote for item in part["prefixItems"] for quote in item["enum"]}
        for name, part in json.loads(engine.submitted[0].sampling.schema)["properties"].items()
    }
    either = {"The bread was there", "The tea was there"}
    assert offered["praised"] == {"The soup was lovely", *either}
    assert offered["criticised"] == {"The soup was cold", *either}


def test_a_script_without_spaces_can_be_quoted(go, write_jsonl, fake_engine, results):
    reviews = [
        {"review_id": "j", "restaurant_id": "a", "text": "スープがとても美味しかったです。店員さんも親切でした。"}
    ]
    go(write_jsonl(reviews), fake_engine, "summary")
    (found,) = results("summary").rows(named=True)
    assert found["summary"].startswith("スープがとても美味しかったです")


def test_the_language_may_be_said_by_a_column_or_for_all(go, write_jsonl, fake_engine, query):
    reviews = [
        {"review_id": "a", "restaurant_id": "x", "text": "masisseoyo", "lang": "ko-KR"},
        {"review_id": "b", "restaurant_id": "x", "text": "맛있어요", "lang": "xx"},
        {"review_id": "c", "restaurant_id": "x", "text": "맛있어요!", "lang": None},
    ]
    go(write_jsonl(reviews), fake_engine, "sentiment", calibration="raw")
    assert query("SELECT form FROM request ORDER BY id") == [("ask.ko",), ("ask.en",), ("ask.ko",)]
    go(write_jsonl(reviews), fake_engine, "sentiment", calibration="raw", lang="en")
    assert query("SELECT DISTINCT form FROM ask JOIN request ON request.id = request") == [("ask.en",)]


def test_every_task_has_forms_in_english_and_korean():
    for task in TASKS.values():
        names = {key.partition(".")[0] for key in task.forms}
        assert task.forms.keys() == {f"{name}.{lang}" for name in names for lang in ("en", "ko")}


def test_support_is_how_many_reviews_have_the_words_of_a_strength_and_the_best_supported_goes_first():
    texts = ["Great soup here. Kind staff", "Such kind  staff!", "The staff is kind", "great SOUP again, kind staff"]
    answer = {
        "strengths": [
            {"evidence": "Great soup here", "strength": "great soup"},
            {"evidence": "Kind staff", "strength": "Kind staff"},
            {"evidence": "great soup again", "strength": "Great soup"},
        ]
    }
    reviews = [Review(n, f"r{n}", text) for n, text in enumerate(texts)]
    restaurant = RestaurantState(unit="a", reviews=reviews, answers=[[answer]])
    assert strengths(single=True).fields(restaurant)["strengths"] == [
        {"strength": "Kind staff", "evidence": "Kind staff", "review_id": "r0", "support": 3},
        {"strength": "great soup", "evidence": "Great soup here", "review_id": "r0", "support": 2},
    ]
