"""Two engines side by side in a real run: killed one and both, and the answers are those of one."""

import json
import sqlite3
from pathlib import Path

import polars as pl
import psutil
import pytest

SMALL = ("--engine", "kv_cache_memory_bytes=268435456", "--engine", "max_num_seqs=4", "--engine", "dtype=float32")


def replicas(pid: int) -> list[psutil.Process]:
    """Return the processes that engines are in below a program."""
    below = psutil.Process(pid).children(recursive=True)
    return [process for process in below if "spawn_main" in " ".join(process.cmdline())]


def table(out: str) -> pl.DataFrame:
    return pl.read_parquet(Path(out) / "results" / "sentiment.parquet")


def test_replicas_that_are_killed_lose_nothing_and_answer_as_one_engine_does(
    program, run, write_jsonl, answered, distinct, wait_for
):
    rows = distinct(300)
    path, command = write_jsonl(rows), ("run", "sentiment", "--model", "tiny", *SMALL)
    both = (*command, "-o", "out", "--replicas", "2", "-i", path)

    process = program(*both)
    wait_for(lambda: answered() > 20, process)
    engines = replicas(process.pid)
    assert len(engines) == 2
    process.kill()
    process.wait()
    before = answered()
    assert psutil.wait_procs(engines, timeout=10)[1] == [], "no engine outlives the program"

    process = program(*both, "--json")
    wait_for(lambda: answered() > 120, process)
    for engine in replicas(process.pid):  # one of them at least is at work, the other may be on its way up
        engine.kill()
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "a replica's process died: killed by SIGKILL; starting it again" in err, err
    report = json.loads(out)
    assert report["rows"] == {"in": 300, "answered": 300, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}
    assert report["run"]["replicas"] == 2
    tokens = report["tasks"]["sentiment"]
    assert tokens["cached_tokens"] == pytest.approx(tokens["expected_cached_tokens"], rel=0.05)
    assert before > 20
    with sqlite3.connect("out/run.sqlite") as db:
        by_run = dict(db.execute("SELECT run, count(*) FROM request GROUP BY run"))
    assert by_run[1] == before, "nothing is asked again"

    status, _, err = run(*command, "-o", "alone", "-i", path)
    assert status == 0, err
    pair = table("out").join(table("alone"), on="review_id", suffix="_alone")
    assert pair.height == 300
    for label in ("positive", "neutral", "negative"):
        assert (pair[f"p_{label}"] - pair[f"p_{label}_alone"]).abs().max() < 1e-3


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²"])
def test_how_many_is_a_whole_number_or_auto(run, write_jsonl, distinct, value):
    status, _, err = run("run", "sentiment", "-i", write_jsonl(distinct(1)), "--replicas", value)
    assert status == 1
    assert err == f"error: setting replicas: a whole number above 0, or auto, expected, found {value}\n"
