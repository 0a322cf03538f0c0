"""The plan for several replicas, held against what engines that take their time then took."""

import json
import math
import time
from contextlib import closing

import pytest
from slow_engine import SlowEngine

from pipelines import run
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.engine.interface import Limits
from pipelines.errors import EngineError
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.preview.preview import preview
from pipelines.tasks import TASKS
from scheduling.speed import Speed

LIMITS = Limits(max_num_seqs=4, max_num_batched_tokens=1000, block_size=0)  # and no prefix cache
SPEED = Speed(prefilled=0.001, request=0.01, decoded=0.0, error=0.2, lengths={"sentiment": 0.0}, pace=0.0)


class Paced(SlowEngine):
    """Has no prefix cache."""

    limits = LIMITS


@pytest.fixture
def config(tiny):
    def config(path, **settings):
        return Config(tasks=[TASKS["sentiment"]], sources=[Source(str(path))], model=tiny, **settings)

    return config


@pytest.fixture
def plan(tmp_path):
    """What `plan` says, in an empty folder."""

    def plan(config, speed=SPEED, **settings):
        seen = preview(tmp_path / "none", config, lambda _: LIMITS, speed, emit=lambda _: None, **settings)
        return json.loads(json.dumps(seen))

    return plan


@pytest.fixture
def took(tmp_path):
    """Do the work on replicas of some speeds, or that something else starts, and return the run's figures."""

    def took(name, config, speeds, measurements):
        starts = [speed if callable(speed) else lambda speed=speed, **_: Paced(speed) for speed in speeds]
        with closing(Ledger(tmp_path / name)) as ledger:
            return run.run(ledger, config, starts, measurements, facts={}, emit=lambda _: None)["run"]

    return took


def reviews(n, word):
    return [
        {"review_id": f"r{i}", "restaurant_id": f"x{i % 40}", "text": f"{word} {i}" + " and so on" * (i % 9)}
        for i in range(n)
    ]


def test_what_is_planned_for_six_replicas_from_a_run_of_two_is_what_six_take(tmp_path, config, plan, took, write_jsonl):
    kept = Measurements(tmp_path / "m.jsonl")
    took("first", config(write_jsonl(reviews(160, "day"))), [8000.0] * 2, kept)
    corpus = config(write_jsonl(reviews(600, "night"), "second.jsonl"))
    predicted = plan(corpus, kept.speed(["sentiment"]), speeds=[1.0] * 6)["predicted"]
    others = Measurements(tmp_path / "others.jsonl")
    # A busy machine is slow once, and not each time.
    seconds = (took(f"again-{n}", corpus, [8000.0] * 6, others)["makespan_s"] for n in range(3))
    assert any(predicted["low_s"] <= taken <= predicted["high_s"] for taken in seconds)


def test_replicas_of_unequal_speed_are_planned_as_they_were(tmp_path, config, plan, took, write_jsonl):
    kept = Measurements(tmp_path / "m.jsonl")
    run = took("first", config(write_jsonl(reviews(400, "day"))), [4000.0, 12000.0], kept)
    slow, fast = run["replica_speeds"]
    assert slow + fast == pytest.approx(2.0)
    assert fast > 1.5 * slow
    assert kept.speeds(2) == [slow, fast]
    assert kept.speeds(3) == [1.0] * 3
    seen = plan(config(write_jsonl(reviews(100, "night"))), speeds=kept.speeds(2))
    assert seen["replicas"]["speeds"] == [slow, fast]
    alone = plan(config(write_jsonl(reviews(100, "night"))))["predicted"]["makespan_s"]
    assert seen["predicted"]["makespan_s"] == pytest.approx(alone / 2)


def late(**_):
    time.sleep(2.0)
    return Paced(math.inf)


def never(**_):
    raise EngineError("no card is left")


@pytest.mark.parametrize("other", [late, never])
def test_nothing_is_learned_of_replicas_that_were_not_all_there(tmp_path, config, took, write_jsonl, other):
    kept = Measurements(tmp_path / "m.jsonl")
    took("out", config(write_jsonl(reviews(300, "day"))), [math.inf, other], kept)
    assert kept.start() is None
    took("again", config(write_jsonl(reviews(300, "night"))), [math.inf, math.inf], kept)
    assert kept.start() is not None


def test_the_plan_says_what_more_replicas_or_fewer_would_make_of_it(config, plan, write_jsonl):
    corpus = config(write_jsonl(reviews(200, "day")))
    alone, seen = plan(corpus), plan(corpus, speeds=[1.0] * 4, start=1.0)
    replicas, total = seen["replicas"], alone["predicted"]["makespan_s"]
    assert seen["predicted"]["makespan_s"] == pytest.approx(total / 4)
    assert (replicas["count"], replicas["requests_each"], replicas["jobs_each"]) == (4, seen["requests"] / 4, 10.0)
    rows = {row["replicas"]: row for row in replicas["scaling"]}
    assert list(rows) == [1, 2, 4, 8]
    assert [row["makespan_s"] for row in rows.values()] == pytest.approx([total / n for n in rows])
    assert rows[4] | seen["predicted"] == seen["predicted"] | rows[4]
    assert rows[2]["with_start_s"] == pytest.approx(1.0 + total / 2)
    assert replicas["enough"] == math.ceil(total / 1.0)
    assert "an engine 1.0 s to start" in replicas["why"]
    ends = [batch["ends_s"] for batch in seen["batches"]]
    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(seen["predicted"]["makespan_s"])


def test_a_request_is_not_divided(config, plan, write_jsonl):
    rows = [*reviews(20, "day"), {"review_id": "long", "restaurant_id": "Casa Lola", "text": "and so on " * 40}]
    seen = plan(config(write_jsonl(rows), calibration="raw"), speeds=[1.0] * 16)
    longest = seen["replicas"]["longest_request"]
    assert longest["job"] == "Casa Lola"
    assert seen["predicted"]["makespan_s"] == pytest.approx(longest["seconds"])
    assert max(job["ends_s"] for job in seen["jobs"]["largest"]) == pytest.approx(longest["seconds"])
    assert [row["bound_by"] for row in seen["replicas"]["scaling"]][-1] == "request"
    assert "the longest request takes" in seen["replicas"]["why"]


def test_what_nobody_can_know_is_left_out(config, plan, write_jsonl):
    corpus = config(write_jsonl(reviews(20, "day")))
    unmeasured = plan(corpus, None, speeds=[1.0] * 4)["replicas"]
    assert (unmeasured["scaling"], unmeasured["longest_request"], unmeasured["enough"]) == ([], None, None)
    assert {row["with_start_s"] for row in plan(corpus, speeds=[1.0] * 4)["replicas"]["scaling"]} == {None}
    sharing = plan(corpus, speeds=[1.0] * 4, apart=False)
    assert sharing["predicted"]
    assert sharing["replicas"]["scaling"] == []
    assert "on processors" in sharing["replicas"]["why"]


def test_how_long_an_engine_takes_to_start_is_what_this_folder_or_another_run_knows(
    tmp_path, config, plan, took, write_jsonl
):
    corpus, kept = config(write_jsonl(reviews(60, "day"))), Measurements(tmp_path / "m.jsonl")
    assert kept.start() is None
    run = took("none", corpus, [math.inf] * 2, kept)
    assert kept.start() == run["engine_start_s"]
    assert (
        plan(config(write_jsonl(reviews(80, "day"))), start=99.0)["replicas"]["engine_start_s"] == run["engine_start_s"]
    )
