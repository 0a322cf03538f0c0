"""A run that has until some moment."""

import json
import time

import polars as pl

SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


def test_a_run_that_reaches_its_deadline_ends_with_status_4_and_the_next_one_continues(
    run, program, write_jsonl, answered, wait_for, distinct
):
    path, command = write_jsonl(distinct(3000)), ("run", "sentiment", "-o", "out", "--model", "tiny", *SMALL)
    slow = ("--engine", "max_num_seqs=2")
    process = program(*command, "-i", path, *slow)  # to learn how long it takes to begin
    began = time.monotonic()
    wait_for(lambda: answered() > 100, process)
    to_begin = time.monotonic() - began
    process.kill()
    process.communicate()
    kept = answered()
    status, out, err = run(*command, "-i", path, *slow, "--deadline", f"{2 * to_begin + 1:.1f}s", "--json")
    assert status == 4, err
    report = json.loads(out)
    assert report["run"]["status"] == "deadline"
    assert report["run"]["exit"]["status"] == 4
    assert report["run"]["exit"]["reason"] == f"stopped at --deadline with {report['rows']['waiting']:,} rows left"
    assert "rows left: the same command continues" in err
    assert kept < answered() < 3000
    assert report["rows"]["answered"] + report["rows"]["waiting"] == 3000
    assert pl.read_parquet("out/results/sentiment.parquet").height == report["rows"]["answered"]
    status, out, err = run(*command, "-i", path, "--json")
    assert (status, json.loads(out)["rows"]["answered"]) == (0, 3000), err
