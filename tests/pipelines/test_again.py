"""Answers that are kept from one run to the next, and asked for again."""

import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from pipelines import run
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.engine.interface import Limits
from pipelines.events import KeptAnswers
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.tasks import TASKS

ANCHORS = 48


@pytest.fixture
def go(tmp_path, tiny, write_jsonl, reviews, fake_engine):
    path = write_jsonl(reviews(20))
    order = Config(tasks=[TASKS["sentiment"], TASKS["strengths"]], sources=[Source(str(path))], model=tiny)

    def go(vllm, dtype="bfloat16", engine=fake_engine, **settings):
        class Engine(engine):
            limits = Limits(4, 4096, 32, dtype)

        events = []
        made = Engine()
        with closing(Ledger(tmp_path / "out")) as ledger:
            told = Measurements(tmp_path / "m.jsonl")
            report = run.run(
                ledger, replace(order, **settings), [lambda **_: made], told, facts={"vllm": vllm}, emit=events.append
            )
        return report, made.submitted, [event for event in events if isinstance(event, KeptAnswers)]

    return go


def runs(tmp_path) -> Counter:
    """Return how many requests each run answered."""
    with closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as db:
        return Counter(run for (run,) in db.execute("SELECT run FROM request WHERE state = 'answered'"))


def test_old_answers_are_kept_and_it_is_said_whose_they_are(go, tmp_path, write_jsonl, reviews):
    report, asked, kept = go("0.25.1")
    assert (report["run"]["kept"], kept) == ([], [])
    assert report["run"]["dtype"] == "bfloat16"
    _, asked, kept = go("0.25.1")
    assert (asked, kept) == ([], [])  # the same program, and nobody needs to know
    report, asked, kept = go("0.32.0")
    assert asked == []
    assert kept == [KeptAnswers(60, "0.25.1", "bfloat16")]  # twenty rows under three tasks
    assert report["run"]["kept"] == [{"vllm": "0.25.1", "dtype": "bfloat16", "answers": 60, "other": True}]
    write_jsonl([*reviews(20), {"review_id": "new", "restaurant_id": "new", "text": "It is new."}])
    _, asked, kept = go("0.25.1", "float32", tasks=[TASKS["sentiment"]])
    assert len(asked) == 1
    assert kept == [KeptAnswers(20, "0.25.1", "bfloat16")]


def test_again_asks_for_all_of_it_and_no_more_than_once(go, tmp_path):
    _, first, _ = go("0.25.1")
    report, asked, kept = go("0.32.0", again=True)
    assert len(asked) == len(first)
    assert (report["run"]["kept"], kept) == ([], [])
    assert runs(tmp_path) == {2: len(first)}
    _, asked, _ = go("0.32.0")
    assert asked == []


def test_again_under_one_task_leaves_the_answers_of_the_others(go, tmp_path):
    go("0.25.1")
    before = runs(tmp_path)[1]
    _, asked, _ = go("0.32.0", again=True, tasks=[TASKS["sentiment"]])
    assert runs(tmp_path) == {1: before - len(asked), 2: len(asked)}


def test_interrupted_while_it_asks_again_the_plain_command_continues(go, tmp_path, stopping):
    _, first, _ = go("0.25.1")
    with suppress(KeyboardInterrupt):
        go("0.32.0", engine=stopping(30), again=True)
    fresh = runs(tmp_path)[2]
    assert 0 < fresh < len(first)
    _, asked, kept = go("0.32.0")
    assert len(asked) == len(first) - fresh
    assert kept == []
    assert runs(tmp_path) == {2: fresh, 3: len(asked)}
