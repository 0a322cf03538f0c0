"""`reviewbatch report A B`: what people and programs are told of two runs."""

import json
import sqlite3

import polars as pl
import pytest

from pipelines.corpus.row import Row
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import NewJob, Question


@pytest.fixture
def ran(tmp_path):
    """Make the folder of runs that gave three reviews these labels and took so long."""

    def ran(name, labels, makespans, **facts):
        ledger = Ledger(tmp_path / name)
        for seconds in makespans:
            ledger.begin({"policy": "fifo", **facts})
            ledger.note("done", makespan_s=seconds, steps=10, tasks={"mood": {"calibration": "raw"}})
        rows = [Row(id=f"r{n}", unit="x", text=f"[b]text {n}[/b]", source="f", row=n, lang="en") for n in range(3)]
        ledger.rows.add(list(enumerate(rows)), [])
        ledger.jobs.add([NewJob(0, "mood", "x", whole=False)])
        asked = [Question(key=b"%16d" % n, job=0, seqs=[n], form="ask.en", body=[1], prompt_tokens=1) for n in range(3)]
        ledger.requests.ask("mood", 0, asked, again=False)
        ledger._db.execute(
            "UPDATE request SET state = 'answered', arrival = 0, admitted = 0, queued = 0, scheduled = 0, first_token = 1, "
            "last_token = 1, cached_tokens = 0, expected_cached_tokens = 0, output_tokens = 1, preemptions = 0"
        )
        ledger._db.commit()
        ledger.close()
        (tmp_path / name / "results").mkdir()
        table = pl.DataFrame({"review_id": ["r0", "r1", "r2"], "label": labels, "confidence": [0.9, 0.8, 0.7]})
        table.write_parquet(tmp_path / name / "results" / "mood.parquet")

    return ran


def test_two_runs_are_held_against_each_other(run, ran):
    ran("a", ["glad", "glad", "sad"], [5.0, 6.0], model="small", engine={"seed": 1})
    ran("b", ["glad", "sad", "glad"], [7.0, 8.0], model="large", engine={})
    status, out, err = run("report", "a", "b")
    assert (status, out) == (0, "")
    lines = [" ".join(line.replace("│", " ").split()) for line in err.splitlines()]
    for line in (
        "model small large",
        'engine {"seed": 1} {}',
        "makespan, s 6.00 8.00 1.33x more than the noise",
        "mood: 2 labels flipped of 3 rows that both have (66.7%)",
        "glad sad 1",
        "r1 glad 0.80 sad 0.80 [b]text 1[/b]",
    ):
        assert line in lines, err
    status, out, _ = run("report", "a", "b", "--json")
    assert status == 0
    (line,) = out.splitlines()
    assert json.loads(line)["answers"]["mood"]["changed"] == 2


def test_what_cannot_be_told_is_said(run, ran):
    ran("a", ["glad"] * 3, [5.0])
    status, _, err = run("report", "a", "a")
    assert status == 0
    assert "no setting differs" in err
    assert "one run each cannot tell a difference from noise" in err
    assert "0 labels flipped of 3 rows" in err
    status, _, err = run("report", "a", "none")
    assert (status, err) == (1, "error: no run in none: it holds no run.sqlite\n")


def test_the_page_of_a_run_that_was_killed_is_drawn(run, ran, tmp_path):
    ran("a", ["glad"] * 3, [5.0], model="tiny", device="cpu")
    with sqlite3.connect(tmp_path / "a" / "run.sqlite") as db:
        db.execute("UPDATE run SET status = 'running'")
    status, out, err = run("report", "a", "--json")
    assert status == 0, err
    assert json.loads(out)["run"]["status"] == "running"
    assert not (tmp_path / "a" / "report.html").exists()
    status, out, err = run("report", "a")
    assert (status, out) == (0, ""), err
    assert "a/report.html" in err
    assert "it did not end: it is still running, or was killed; the same command continues\n" in err
    assert "Did not end: it is still running, or was killed" in (tmp_path / "a" / "report.html").read_text()
    assert not (tmp_path / "a" / "metrics.prom").exists()  # which is the run's own to write, as long as it goes on


def test_where_nothing_can_be_written_the_report_is_printed(run, ran, tmp_path):
    ran("a", ["glad"] * 3, [5.0], model="tiny", device="cpu")
    (tmp_path / "a" / "report.html").mkdir()
    status, _, err = run("report", "a")
    assert status == 0
    assert "note: the page was not drawn again: " in err
    assert "rows" in err
