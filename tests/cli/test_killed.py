"""kill -9, and runs that get in each other's way."""

import json
import sqlite3
import subprocess
from pathlib import Path

import polars as pl
import pytest

SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_asked_twice(
    program, run, write_jsonl, answered, distinct, killed
):
    """kill -9 while it reads, loads, works and writes, again and again; then once to the end."""
    rows = distinct(300)
    path, command = write_jsonl(rows), ("run", "sentiment", "-o", "out", "--model", "tiny", *SMALL)
    seen = {}
    for moment in (lambda: Path("out/run.sqlite").exists(), lambda: answered() > 0,
                   lambda: answered() > 120, lambda: Path("out/results").exists()):  # fmt: skip
        seen = killed(program(*command, "-i", path, "--engine", "max_num_seqs=4"), moment, seen)
    status, out, err = run(*command, "-i", path, "--json")
    assert status == 0, err
    assert seen.items() <= stored(Path("out")).items()
    assert json.loads(out)["rows"] == {"in": 300, "answered": 300, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}
    assert pl.read_parquet("out/results/sentiment.parquet")["review_id"].to_list() == [row["review_id"] for row in rows]
    assert not list(Path("out").rglob("*.tmp"))


def test_killed_between_stages_nothing_is_lost_and_nothing_is_asked_twice(
    program, run, write_jsonl, answered, opinions, dishes, killed
):
    path = write_jsonl(opinions(120))
    asked = ("strengths", "summary", "--task-file", dishes, "--engine", "max_model_len=1024")
    command = ("run", *asked, "-o", "out", "--model", "tiny", *SMALL, "--engine", "max_num_seqs=2")
    seen = {}
    for enough in (2, 6):
        seen = killed(program(*command, "-i", path), lambda enough=enough: answered() > enough, seen)
    status, out, err = run(*command, "-i", path, "--json")
    assert status == 0, err
    assert seen.items() <= stored(Path("out")).items()
    assert json.loads(out)["rows"]["answered"] == 120
    assert pl.read_parquet("out/results/strengths.parquet").height == 4
    assert pl.read_parquet("out/results/dishes.parquet")["chunks"].min() > 1
    assert pl.read_parquet("out/results/summary.parquet")["reviews_used"].sum() == 120


def test_two_runs_do_not_share_a_folder(program, run, write_jsonl, wait_for, distinct):
    path, command = write_jsonl(distinct(5)), ("run", "sentiment", "-o", "out", "--model", "tiny", *SMALL)
    process = program(*command, "-i", path)
    wait_for(lambda: Path("out/run.sqlite").exists(), process)
    status, _, err = run(*command, "-i", path)
    assert status == 1
    assert err == "error: another run is working in out: wait for it, or choose another --output\n"
    process.communicate()
    assert process.returncode == 0


def stored(folder: Path) -> dict:
    """Return every durable answer with the run that gave it."""
    db = sqlite3.connect(folder / "run.sqlite", timeout=30)
    try:
        return {
            key: rest
            for key, *rest in db.execute("SELECT key, answer, run, last_token FROM request WHERE state = 'answered'")
        }
    except sqlite3.OperationalError:
        return {}
    finally:
        db.close()


@pytest.fixture
def killed(wait_for):
    """Kill a run at some moment; return its durable answers, which have to have those `seen` before among them."""

    def killed(process: subprocess.Popen, moment, seen: dict) -> dict:
        wait_for(moment, process)
        process.kill()
        process.communicate()
        now = stored(Path("out"))
        assert seen.items() <= now.items(), "an answer was lost, or given twice"
        return now

    return killed
