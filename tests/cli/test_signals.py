"""SIGINT and SIGTERM."""

import json
import signal
from pathlib import Path

import pytest

ANCHORS = 48
SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


@pytest.mark.parametrize(("number", "status", "fresh"), [(signal.SIGINT, 130, False), (signal.SIGTERM, 143, True)])
def test_interrupted_it_keeps_what_it_has_and_the_same_command_continues(
    program, run, write_jsonl, number, status, fresh, answered, wait_for, distinct
):
    path, command = write_jsonl(distinct(1200)), ("run", "sentiment", "-o", "out", "--model", "tiny", *SMALL)
    process = program(*command, "-i", path, "--engine", "max_num_seqs=2", fresh=fresh)
    wait_for(lambda: answered() > 60, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    assert "interrupted: every answer so far is kept" in err
    assert "Traceback" not in err
    ended = json.loads(Path("out/report.json").read_text())["run"]["exit"]
    assert (ended["status"], ended["reason"]) == (status, f"interrupted by {number.name}")
    assert ended["next"].startswith("reviewbatch run sentiment -o out")
    kept = answered()
    assert 60 < kept < 1200 + ANCHORS
    found, out, err = run(*command, "-i", path, "--json")
    assert found == 0, err
    report = json.loads(out)
    assert report["tasks"]["sentiment"]["requests"] == 1200 + ANCHORS - kept
    assert report["rows"]["answered"] == 1200
