"""The figures of a report, held against a ledger whose times were made up."""

import math

import numpy as np
import pytest

from pipelines import measurements
from pipelines.corpus.row import Row
from pipelines.engine.interface import Timing
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import Answer, Flight, NewJob, Question
from pipelines.output import report
from pipelines.output.times import parts
from scheduling.job import Job
from scheduling.policy import POLICIES
from scheduling.queue import JobQueue
from scheduling.speed import Work


def item(number, unit, text):
    return Row(id=f"r{number}", unit=unit, text=text, source="f", row=number, lang="en")


def question(seq, text, job):
    return Question(
        key=text.encode().ljust(16), job=job, seqs=[seq], form="ask.en", body=[1] * 10, prompt_tokens=15,
        shared_prefix=4, reviews_prefix=4,
    )  # fmt: skip


def turn(job):
    return JobQueue(POLICIES["fifo"], [Job(id=job, task="sentiment", cost=1, position=0)]).pop(0.0)


@pytest.fixture
def ledger(tmp_path):
    """Three restaurants: small is answered at 1 s, large at 2 and 9 s, late not yet; small shares one with large."""
    ledger = Ledger(tmp_path / "out")
    ledger.begin({"sla": {"sentiment": 5.0}})
    texts = ["good", "long", "good", "late"]
    jobs = [0, 0, 1, 2]
    ledger.rows.add([(n, item(n, "xyz"[job], text)) for n, (text, job) in enumerate(zip(texts, jobs, strict=True))], [])
    ledger.jobs.add(NewJob(n, "sentiment", unit, whole=False) for n, unit in enumerate(["large", "small", "late", ""]))
    ledger.jobs.due([(1, 1_000_000.5)])
    questions = [question(n, text, job) for n, (text, job) in enumerate(zip(texts, jobs, strict=True))]
    ledger.requests.ask("sentiment", 0, [*questions, question(-1, "anchor", 3)], again=False)
    good, long = ledger.requests.waiting(0)
    (anchor,) = ledger.requests.waiting(3)
    ledger.requests.settle(
        [
            Answer(
                Flight(good, turn(1), 0.0, 8, work=Work()),
                [],
                Timing(0.0, 0.5, 2.0, 2.0, prompt_tokens=15, cached_tokens=8, output_tokens=1, preemptions=0),
            ),
            Answer(
                Flight(long, turn(0), 1.0, 8, work=Work()),
                [],
                Timing(1.0, 3.0, 4.0, 9.0, prompt_tokens=15, cached_tokens=4, output_tokens=6, preemptions=1),
            ),
            Answer(
                Flight(anchor, turn(3), 9.0, 8, work=Work()),
                [],
                Timing(9.0, 9.0, 10.0, 10.0, prompt_tokens=15, cached_tokens=8, output_tokens=1, preemptions=0),
            ),
        ],
        [],
    )
    ledger.note(makespan_s=12.0, engine_up=1_000_000.0)
    yield ledger
    ledger.close()


def test_a_job_is_complete_with_its_last_answer_whoever_sent_it(ledger):
    jobs = report.build(ledger.folder)["tasks"]["sentiment"]["jobs"]
    assert (jobs["count"], jobs["completed"]) == (3, 2)
    assert jobs["completion_s"]["mean"] == pytest.approx((2.0 + 9.0) / 2)
    assert jobs["longest_wait_s"] == pytest.approx(0.5)


def test_goodput_counts_what_was_complete_in_time(ledger):
    jobs = report.build(ledger.folder)["tasks"]["sentiment"]["jobs"]
    # small misses its own deadline at 0.5 s, large the SLA of 5 s, and late is not complete.
    assert (jobs["promised"], jobs["met"], jobs["sla_attainment"], jobs["goodput_per_min"]) == (3, 0, 0.0, 0.0)
    ledger.note(sla={"sentiment": 10.0})
    jobs = report.build(ledger.folder)["tasks"]["sentiment"]["jobs"]
    assert (jobs["promised"], jobs["met"]) == (3, 1)
    assert jobs["goodput_per_min"] == pytest.approx(1 / 12 * 60)


def test_without_sla_and_deadline_nothing_is_promised(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.begin({})
    ledger.rows.add([(0, item(0, "x", "t"))], [])
    ledger.jobs.add([NewJob(0, "sentiment", "x", whole=False)])
    ledger.requests.ask("sentiment", 0, [question(0, "t", 0)], again=False)
    jobs = report.build(tmp_path)["tasks"]["sentiment"]["jobs"]
    ledger.close()
    assert (jobs["count"], jobs["completed"], jobs["promised"]) == (1, 0, 0)
    assert jobs["sla_attainment"] is jobs["goodput_per_min"] is jobs["longest_wait_s"] is None


def test_requests_have_their_times_and_the_task_its_sums(ledger):
    task = report.build(ledger.folder)["tasks"]["sentiment"]
    assert task["ttft_s"]["mean"] == pytest.approx((2 + 4 + 10) / 3)
    assert task["prefill_s"]["mean"] == pytest.approx((1.5 + 1 + 1) / 3)
    assert task["decode_s"]["mean"] == pytest.approx(5 / 3)
    assert task["completion_s"]["p50"] == 9.0
    assert (task["requests"], task["expected_cached_tokens"], task["cached_tokens"], task["preemptions"]) == (
        3,
        24,
        20,
        1,
    )
    assert task["reviews"] == 3


def test_each_job_has_its_predicted_and_its_real_cached_tokens_in_the_ledger(ledger):
    ledger.jobs.price({0: (14, 1.5)})
    rows = ledger._db.execute(
        "SELECT unit, cost, predicted_s, requests, expected_cached_tokens, cached_tokens FROM job_times ORDER BY job"
    ).fetchall()
    assert [tuple(row) for row in rows] == [
        ("large", 14, 1.5, 2, 8, 4), ("small", None, None, 1, 8, 8), ("late", None, None, 1, None, None), ("", None, None, 1, 8, 8),
    ]  # fmt: skip


def test_a_run_is_cut_into_slices_that_add_up(ledger, monkeypatch):
    assert measurements.measure(ledger.folder, steps=100) is None  # three requests are too few
    monkeypatch.setattr(measurements, "REQUESTS", 1)
    measured = measurements.measure(ledger.folder, steps=2 * measurements.STEPS)
    assert [(piece.seconds, piece.prefilled, piece.requests, piece.decoded) for piece in measured.slices] == [
        (5.0, 7 + 11, 2, 0), (5.0, 7, 1, 5),
    ]  # fmt: skip
    assert measured.tasks == {"sentiment": (3, 5)}
    assert measured.decode_s == pytest.approx(5.0)
    ledger._db.execute("UPDATE request SET admitted = 2.0")  # until then the jobs were put in order
    ledger._db.commit()
    measured = measurements.measure(ledger.folder, steps=2 * measurements.STEPS)
    assert [(piece.seconds, piece.requests) for piece in measured.slices] == [(4.0, 2), (4.0, 1)]


def test_what_is_measured_is_the_speed_of_one_replica_once_all_are_there(ledger, monkeypatch):
    monkeypatch.setattr(measurements, "REQUESTS", 1)
    steps = 4 * measurements.STEPS
    two = measurements.measure(ledger.folder, steps, replicas=2)  # in two slices there would be one answer of each
    assert [(piece.seconds, piece.requests) for piece in two.slices] == [(2 * 10.0, 3)]
    late = measurements.measure(ledger.folder, steps, replicas=2, since=3.0)
    assert [(piece.seconds, piece.prefilled, piece.requests) for piece in late.slices] == [(2 * 7.0, 11 + 7, 2)]
    assert measurements.measure(ledger.folder, steps, replicas=2, since=math.inf) is None  # one never came


def test_many_things_are_thinned_to_the_moments_at_which_equal_parts_were_done():
    assert parts(np.array([3.0, 1.0, 2.0])).tolist() == [1, 2, 3]
    assert parts(np.arange(1.0, 11), 5).tolist() == [2, 4, 6, 8, 10]
    assert parts(np.arange(1.0, 8), 2).tolist() == [4, 7], "half of seven is done with the fourth"
    assert parts(np.arange(1.0, 1_000_001)).tolist() == [5000.0 * n for n in range(1, 201)]
    assert parts(np.zeros(0)).tolist() == []
