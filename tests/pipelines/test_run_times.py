"""The one moment that all times of a run count from."""

import subprocess
import sys
import time

import pytest

from pipelines.clock import Clock
from pipelines.dispatch import backlog


def test_deadlines_queue_and_report_count_from_one_moment(go, query, write_jsonl, reviews, fake_engine, monkeypatch):
    costed, make = [], backlog.make

    def slow(ledger, costing):
        todo = make(ledger, costing)
        time.sleep(0.6)  # as for a million rows
        costed.append(todo)
        return todo

    monkeypatch.setattr(backlog, "make", slow)
    due = time.time() + 1000.0
    rows = [{**row, "deadline": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due))} for row in reviews(9)]
    report, events = go(write_jsonl(rows), fake_engine)
    up = report["run"]["engine_up"]
    (todo,) = costed
    assert all(job.deadline + up == pytest.approx(int(due)) for job in todo.jobs if not job.pinned)
    ((first, last),) = query("SELECT min(admitted), max(last_token) FROM request")
    assert 0.6 <= report["run"]["order_s"] <= first <= last <= report["run"]["makespan_s"] < 5.0
    assert events[-2].seconds == pytest.approx(report["run"]["makespan_s"], abs=0.2)  # as the ETA counts
    assert report["tasks"]["sentiment"]["ttft_s"]["p50"] >= 0.6  # somebody has waited for the ordering, too


def test_a_clock_is_one_moment_on_both_clocks():
    clock = Clock()
    assert clock.at(time.time()) == pytest.approx(clock.now(), abs=0.05)
    assert 0.0 <= clock.now() < 1.0


def test_it_is_known_how_long_ago_a_program_was_started():
    code = "import time; time.sleep(0.5); from pipelines import clock; print(clock.since_start())"
    began = time.monotonic()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 0.49 < float(said) < time.monotonic() - began + 0.02  # the kernel counts in hundredths
