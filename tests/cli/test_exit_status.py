"""How a run ended, as its report has it: the exit status, the reason in words, and what to type next."""

import json
import sys
import time
from pathlib import Path

import pytest

from cli import exit_status
from cli.settings import Settings
from pipelines.corpus.shard import Shard
from pipelines.errors import EngineError

SMALL = ["--model", "tiny", "--engine", "kv_cache_memory_bytes=268435456"]


def told():
    """Return how the last run ended, by its report, without the moment, which is now."""
    ended = json.loads(Path("out/report.json").read_text())["run"]["exit"]
    assert abs(ended.pop("at") - time.time()) < 60
    return ended


def test_a_run_that_is_done_and_one_with_more_rejects_than_it_may_have(run, write_jsonl, reviews):
    path = write_jsonl([*reviews(6), {"nothing": 1}])
    status, _, err = run("run", "sentiment", "-i", path, "-o", "out", *SMALL)
    assert status == 0, err
    assert told() == {"status": 0, "reason": "done"}
    status, _, err = run("run", "sentiment", "-i", path, "-o", "out", *SMALL, "--max-rejects", "0")
    assert (status, told()["status"]) == (3, 3)
    assert err.splitlines()[-1] == told()["reason"]
    assert "next" not in told()
    status, _, err = run("report", "out")
    assert f"ended with status 3: {told()['reason']}\n" in err
    assert f"The run ended with status 3: {told()['reason']}." in Path("out/report.html").read_text()


def test_an_error_is_told_by_its_line_and_with_the_command_that_goes_on(run, write_jsonl, reviews):
    none = ["--engine", "kv_cache_memory_bytes=1"]
    command = ["run", "sentiment", "-i", write_jsonl(reviews(6)), "-o", "out", *SMALL, *none]
    status, _, err = run(*command, "--policy", "hybrid", "--quiet")
    assert status == 1
    (line,) = err.splitlines()
    ended = told()
    assert (ended["status"], ended["reason"]) == (1, line)
    assert ended["next"] == f"reviewbatch {' '.join(map(str, command))} --policy hybrid --quiet"
    assert f"next: {ended['next']}\n" in run("report", "out")[2]


@pytest.mark.parametrize(
    ("typed", "goes_on"),
    [
        ("run sentiment --again -i a.parquet", "reviewbatch run sentiment -i a.parquet --shard 5/8"),
        ("run sentiment -i a.parquet --shard=5/8", "reviewbatch run sentiment -i a.parquet --shard=5/8"),
        ("run sentiment -i https://x.y/a.parquet?X-Amz-Signature=secret", None),
    ],
)
def test_the_command_that_goes_on_asks_nothing_again_and_tells_no_secret(monkeypatch, typed, goes_on):
    monkeypatch.setattr(sys, "argv", ["reviewbatch", *typed.split()])
    assert exit_status.told(EngineError("died"), Settings(shard=Shard(5, 8))).get("next") == goes_on
