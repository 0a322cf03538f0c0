"""What a run has asked, made again out of its ledger."""

from collections import Counter
from dataclasses import replace

import pytest

from pipelines.errors import ConfigError
from pipelines.tasks import SENTIMENT, built_in
from pipelines.tasks.anchors import ANCHORS

SMALL = {"max_model_len": 512}  # so that reviews are cut into chunks


@pytest.fixture
def sent(tokenizer):
    """Count the prompts that an engine was sent."""
    return lambda engine: Counter(tokenizer._backend.decode(request.prompt) for request in engine.submitted)


@pytest.fixture
def soup(corpus):
    """Reviews of three restaurants, the first of which is praised for its soup."""
    return [
        {**row, "text": f"Lovely soup on day {n}. And {row['text']}"} if row["restaurant_id"] == "a" else row
        for n, row in enumerate(corpus({"a": 40, "b": 9, "c": 3}))
    ]


def prompts(asked):
    """Count the prompts of what was asked."""
    forms = [(one.task.forms[one.form], one.text) for one in asked if not one.before]
    return Counter(f"{form.shared_prefix}{text}{form.suffix}" for form, text in forms)


@pytest.mark.parametrize(
    ("names", "stages"),
    [
        (("points", "summary", "strengths"), [{0}, {1, 2}, {1, 2, 3}]),  # whose first stage is points'
        (("mood", "dish"), [{0, 1, 2}, {0, 1, 2}]),
        (("sentiment",), [{0}]),
    ],
)
def test_every_prompt_that_the_engine_was_sent_is_made_again(
    go, asked, known, sent, write_jsonl, soup, reading, fake_engine, names, stages
):
    rows = soup + [
        {**row, "review_id": f"ko-{n}", "text": f"국물이 정말 맛있어요 {n}"} for n, row in enumerate(soup[:3])
    ]
    engine, arguments = (fake_engine(), SMALL) if "mood" in names else (reading(), {})
    go(write_jsonl(rows), lambda: engine, *names, arguments=arguments)
    found = asked(*(known[name] for name in names))
    assert prompts(found) == sent(engine)
    assert [{one.stage for one in found if one.task.name == name} for name in names] == stages


def test_the_rows_and_the_anchors_of_each_request_are_known(go, asked, write_jsonl, fake_engine, reviews):
    rows = reviews()
    go(write_jsonl(rows), fake_engine)
    found = asked(SENTIMENT)
    by_text = {one.text: one.rows for one in found}
    assert by_text[" good"] == [
        {"review_id": row["review_id"], "restaurant_id": row["restaurant_id"]} for row in rows if row["text"] == "good"
    ]
    anchors = [(one.rows[0]["label"], one.text.strip()) for one in found if "anchor" in one.rows[0]]
    groups = zip(SENTIMENT.labels, ANCHORS["en"], strict=True)
    assert anchors == [(label, text) for label, texts in groups for text in texts]
    assert sum("review_id" in row for one in found for row in one.rows) == len(rows)


def test_chunks_that_are_alike_are_one_request(go, asked, known, sent, write_jsonl, fake_engine):
    rows = [{"review_id": f"{name}{n}", "restaurant_id": name, "text": "good"} for name in "ab" for n in range(200)]
    engine = fake_engine()
    go(write_jsonl(rows), lambda: engine, "mood", arguments=SMALL)
    found = asked(known["mood"])
    assert prompts(found) == sent(engine)
    first = [one for one in found if not one.stage]
    assert {one.before for one in first} == {False, True}
    ids = [row["review_id"] for one in first for row in one.rows]
    assert sorted(ids) == sorted(row["review_id"] for row in rows)
    assert [row["restaurant_id"] for one in found if one.stage == 1 for row in one.rows] == ["a", "b"]


def test_what_waits_is_exported_too_and_later_stages_are_not_there_yet(go, asked, known, write_jsonl, stopping, corpus):
    with pytest.raises(KeyboardInterrupt):
        go(write_jsonl(corpus({"a": 60})), stopping(after=2), "summary")
    assert len(asked(known["points"])) == 60
    assert asked(known["summary"]) == []


def test_a_task_that_is_no_longer_what_it_was_is_refused(go, asked, known, write_jsonl, reading, soup):
    go(write_jsonl(soup), reading, "strengths")
    with pytest.raises(ConfigError, match="points is not what it was"):
        asked(built_in(aspects=["parking"])["points"])
    with pytest.raises(ConfigError, match="strengths is not what it was"):
        asked(built_in(single_stage=True)["strengths"])
    without = replace(known["points"], forms={})
    with pytest.raises(ConfigError, match="points is not what it was"):
        asked(without)
