import pytest

from pipelines.output.examples import examples
from pipelines.tasks import TASKS


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_a_few_surely_labelled_reviews_that_say_something(go, tmp_path, write_jsonl, reviews, fake_engine, kind):
    rows = [*reviews(9), {"review_id": "short", "restaurant_id": "x", "text": "Hm!"}]
    go(write_jsonl(rows), fake_engine, format=kind)
    found = examples(tmp_path / "out", [TASKS["sentiment"], TASKS["summary"]])
    assert list(found) == ["sentiment"]
    texts = {row["text"]: row["restaurant_id"] for row in rows}
    for example in found["sentiment"]:
        assert texts[example.text] == example.of
        assert example.text != "Hm!"
        label, confidence = example.said.split()
        assert label in {"positive", "neutral", "negative"}
        assert 0 <= float(confidence) <= 1


def test_a_run_without_results_has_none(tmp_path):
    assert examples(tmp_path, [TASKS["sentiment"]]) == {}


def test_each_kind_of_answer_is_said_in_a_line():
    said = {name: task.line({column.name: column.example for column in task.columns}) for name, task in TASKS.items()}
    assert said["sentiment"] == "positive 0.86"
    assert said["points"].startswith(("praised: ", "criticised: "))
    assert said["query-expansion"] == "query: vegan tacos; expansions: tacos without meat, restaurant with vegan tacos"
    assert said["summary"] == next(c.example for c in TASKS["summary"].columns if c.name == "summary")
    assert all(said.values())
