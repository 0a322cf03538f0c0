import json
from collections import Counter

import pytest

from pipelines import run
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.engine.interface import Limits
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.preview.preview import preview
from pipelines.tasks import TASKS
from scheduling.speed import Speed

LIMITS = Limits(max_num_seqs=16, max_num_batched_tokens=1000, block_size=32)
SPEED = Speed(prefilled=0.001, request=0.01, decoded=0.1, error=0.2, lengths={"sentiment": 0.0}, pace=0.0)


@pytest.fixture
def config(tiny):
    def make(path, **settings) -> Config:
        return Config(
            **{
                "tasks": [TASKS["sentiment"]],
                "sources": [Source(str(path))],
                "limit": None,
                "model": tiny,
                "arguments": {},
                **settings,
            }
        )

    return make


def show(tmp_path, config, speed=None):
    seen = preview(tmp_path / "out", config, lambda _: LIMITS, speed, emit=lambda _: None)
    return json.loads(json.dumps(seen))


def test_it_adds_up(tmp_path, config, write_jsonl, reviews):
    seen = show(tmp_path, config(write_jsonl([*reviews(60), {"review_id": "bad"}])))
    batches = seen["batches"]
    assert seen["requests"] == sum(batch["requests"] for batch in batches) == len({r["text"] for r in reviews(60)}) + 48
    assert seen["prompt_tokens"] - seen["shared_tokens"] == seen["cost"] == sum(batch["cost"] for batch in batches)
    assert all(batch["requests"] <= 16 and batch["cost"] <= 1000 for batch in batches)
    assert seen["rows"] == {
        "in": 61,
        "answered": 0,
        "waiting": 60,
        "rejected": 1,
        "rejects_by_reason": {"no-restaurant-id": 1},
    }
    assert [reject["reason"] for reject in seen["rejects"]] == ["no-restaurant-id"]
    assert seen["jobs"]["count"] == 3  # the anchors are nobody's
    assert [job["cost"] for job in seen["jobs"]["largest"]] == sorted(
        (job["cost"] for job in seen["jobs"]["smallest"]), reverse=True
    )
    assert seen["predicted"] is None
    assert {batch["ends_s"] for batch in batches} == {None}


def test_with_a_speed_it_says_when_what_is_done(tmp_path, config, write_jsonl, reviews):
    rows = [{**row, "text": chr(33 + n) + row["text"]} for n, row in enumerate(reviews(60))]
    seen = show(tmp_path, config(write_jsonl(rows)), SPEED)
    ends = [batch["ends_s"] for batch in seen["batches"]]
    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(seen["cost"] * 0.001 + seen["requests"] * 0.01)
    # The batches know what requests share by chance, and that the first finds nothing; the prediction does not.
    assert seen["predicted"]["makespan_s"] == pytest.approx(ends[-1], rel=0.25)
    assert seen["predicted"]["high_s"] == pytest.approx(1.2 * seen["predicted"]["makespan_s"])
    small, *_, large = seen["jobs"]["smallest"]
    assert small["ends_s"] < large["ends_s"]


def test_its_batches_are_those_that_generate_is_called_with(tmp_path, config, write_jsonl, reviews, fake_engine):
    path = write_jsonl(reviews(60))
    batches = [batch["requests"] for batch in show(tmp_path, config(path))["batches"]]

    calls = []

    class Batched(fake_engine):
        limits = LIMITS

        def submit(self, requests):
            calls.append(len(requests))
            super().submit(requests)

    ledger = Ledger(tmp_path / "out")
    run.run(
        ledger,
        config(path, feed="generate"),
        [lambda **_: Batched()],
        Measurements(tmp_path / "m.jsonl"),
        facts={},
        emit=lambda _: None,
    )
    ledger.close()
    assert calls == batches


def test_the_folder_is_left_as_it_is_and_what_was_answered_is_not_planned(
    tmp_path, config, write_jsonl, reviews, fake_engine
):
    path = write_jsonl(reviews(12))
    show(tmp_path, config(path))
    assert not (tmp_path / "out").exists()
    ledger = Ledger(tmp_path / "out")
    run.run(
        ledger,
        config(path),
        [lambda **_: fake_engine()],
        Measurements(tmp_path / "m.jsonl"),
        facts={},
        emit=lambda _: None,
    )
    ledger.close()
    before = (tmp_path / "out" / "run.sqlite").read_bytes()
    seen = show(tmp_path, config(write_jsonl([*reviews(12), {**reviews(1)[0], "review_id": "new", "text": "new"}])))
    assert (seen["requests"], seen["rows"]["answered"], seen["rows"]["waiting"]) == (1, 12, 1)
    assert (tmp_path / "out" / "run.sqlite").read_bytes() == before


def test_every_policy_can_be_looked_at(tmp_path, config, write_jsonl, reviews):
    path = write_jsonl(reviews(60))
    totals = Counter()
    for policy in ("fifo", "prefill", "longest", "hybrid", "cost", "auto"):
        seen = show(tmp_path, config(path, policy=policy), SPEED)
        totals[seen["requests"]] += 1
        assert seen["policy"] == policy
        assert seen["ordered_by"] == {"auto": "prefill"}.get(policy, policy)
    assert len(totals) == 1
