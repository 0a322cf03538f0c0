"""Requests to a hosted model."""

import json

import jsonschema
import pytest

from pipelines.export import openai_batch
from pipelines.export.asked import Asked
from pipelines.tasks import SENTIMENT, TASKS
from pipelines.tasks.custom import load

ODD = ' "Salt\\pepper" \U0001f9c2 & <b>crème</b> {brûlée}'


def one(task, form="ask.en", text=ODD, **more):
    return Asked(b"\x01", task, 0, form, **{"text": text, "rows": [{"review_id": "r1"}], **more})


def test_a_label_is_one_token_with_the_probabilities_of_others():
    body = openai_batch.body(one(SENTIMENT), "a-model")
    assert body.pop("messages") == [
        {"role": "user", "content": "Review: Loved the grilled fish, and the staff could not have been nicer."},
        {"role": "assistant", "content": "positive"},
        {"role": "user", "content": "Review: Cold food and rude staff, I will not return."},
        {"role": "assistant", "content": "negative"},
        {"role": "user", "content": "Review: The food was okay, nothing special."},
        {"role": "assistant", "content": "neutral"},
        {"role": "user", "content": f"Review:{ODD}"},
    ]
    assert body == {
        "model": "a-model", "temperature": 0, "max_completion_tokens": 1, "logprobs": True, "top_logprobs": 20,
    }  # fmt: skip


def test_a_list_stands_in_a_field_and_its_tuples_are_lists():
    body = openai_batch.body(one(TASKS["points"]), "a-model")
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["type"] == "object"
    assert "prefixItems" not in json.dumps(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    answers = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
    assert len(answers) > 5
    for answer in answers:
        jsonschema.validate(json.loads(answer), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"answer": [["soup", "food"]]}, schema)
    assert "logprobs" not in body


def test_a_request_with_a_schema_of_its_own_has_that():
    schema = json.dumps({"type": "object", "properties": {"food": {"type": "string"}}})
    body = openai_batch.body(one(TASKS["summary"], "write.ko", schema=schema), "a-model")
    assert body["response_format"]["json_schema"] == {"name": "summary", "strict": False, "schema": json.loads(schema)}


def test_a_penalty_comes_along():
    assert openai_batch.body(one(TASKS["query-expansion"]), "a-model")["frequency_penalty"] == 0.3


@pytest.mark.parametrize(("labels", "lettered"), [(["very good", "very bad"], True), (["good", "very bad"], False)])
def test_labels_that_begin_with_the_same_word_have_letters(tmp_path, labels, lettered):
    (tmp_path / "mine.toml").write_text(f'name = "mine"\ninstruction = "How is it?"\nlabels = {json.dumps(labels)}\n')
    said = openai_batch.body(one(load(tmp_path / "mine.toml")), "a-model")["messages"][0]
    assert said == {
        "role": "system",
        "content": f"How is it?\nA: {labels[0]}\nB: {labels[1]}" if lettered else "How is it?",
    }


def test_a_form_that_is_no_conversation_is_one_message(known):
    body = openai_batch.body(one(known["mood"], "chunk.en", "- Fine.\n"), "a-model")
    content = "Reviews of a restaurant:\n- Fine.\n\nHow it feels there:\nAnswer:\n"
    assert body["messages"] == [{"role": "user", "content": content}]


@pytest.mark.parametrize(("limit", "most"), [("REQUESTS", 3), ("BYTES", 2500)])
def test_a_file_has_as_many_requests_as_are_taken(tmp_path, monkeypatch, limit, most):
    monkeypatch.setattr(openai_batch, limit, most)
    asked = [Asked(bytes([n]), SENTIMENT, 0, "ask.en", text=f" visit {n}", rows=[{"review_id": n}]) for n in range(8)]
    written = openai_batch.write(tmp_path, asked, "a-model")
    files = sorted(tmp_path.glob("requests-*.jsonl"))
    assert [file.name for file in files] == [f"requests-0000{n}.jsonl" for n in range(len(files))]
    lines = [file.read_text().splitlines() for file in files]
    assert [len(of_file) for of_file in lines] == [3, 3, 2]
    assert all(file.stat().st_size <= 2500 for file in files)
    ids = [json.loads(line)["custom_id"] for of_file in lines for line in of_file]
    assert ids == [f"sentiment-{n:02x}" for n in range(8)]
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert rows == [{"custom_id": id_, "task": "sentiment", "stage": 0, "review_id": n} for n, id_ in enumerate(ids)]
    assert (written.requests, written.rows) == ({("sentiment", 0): 8}, {("sentiment", 0): 8})


def test_what_another_job_has_asked_before_is_for_more_rows(tmp_path):
    more = one(TASKS["summary"], "write.en", rows=[{"restaurant_id": "b"}], before=True)
    openai_batch.write(tmp_path, [one(TASKS["summary"], "write.en", rows=[{"restaurant_id": "a"}]), more], "a-model")
    assert len((tmp_path / "requests-00000.jsonl").read_text().splitlines()) == 1
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [(row["custom_id"], row["restaurant_id"]) for row in rows] == [("summary-01", "a"), ("summary-01", "b")]
