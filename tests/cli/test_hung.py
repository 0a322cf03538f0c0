"""An engine that hangs: its processes are stopped in the middle of a run, a worker below the engine's with them."""

import json
import signal
import time
from pathlib import Path

import psutil
import pytest

from cli.interruption import GRACE

SMALL = ["--engine", "kv_cache_memory_bytes=268435456", "--engine", "max_num_seqs=2"]
WITH_WORKER, WITHOUT = ({"VLLM_ENABLE_V1_MULTIPROCESSING": number} for number in "12")


@pytest.fixture
def stopped(program, write_jsonl, distinct, answered, wait_for):
    """Start a run, stop its engine's processes in the middle of it, and return it with them."""

    def stopped(*options, **environment):
        path = write_jsonl(distinct(300))
        process = program(
            "run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", *SMALL, *options, **environment
        )
        wait_for(lambda: answered() > 60, process)
        family = psutil.Process(process.pid).children(recursive=True)
        engine = [of for of in family if "VLLM" in of.cmdline()[0]]
        assert len(engine) == (2 if environment == WITH_WORKER else 1)
        for part in engine:
            part.suspend()
        return process, family

    return stopped


def gone(family) -> bool:
    return not psutil.wait_procs(family, timeout=30)[1]


def test_it_is_killed_and_started_again(stopped):
    process, family = stopped("--stall-timeout", "4s", "--json", **WITH_WORKER)
    assert gone([of for of in family if "VLLM" in of.cmdline()[0]])
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "warning: vLLM had nothing to tell for far longer than its work can take; starting it again" in err
    report = json.loads(out)
    assert report["rows"]["answered"] == 300
    run = report["run"]
    assert run["engine_restarts"] == 1
    assert 0 < run["restart_s"] < run["makespan_s"] < run["wall_s"] - run["program_start_s"] < run["wall_s"]


def test_some_seconds_after_a_signal_the_program_ends(stopped):
    process, family = stopped(**WITH_WORKER)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert time.monotonic() - began >= GRACE
    assert err.endswith("interrupted: every answer so far is kept, and the same command continues\n")
    assert gone(family)
    run = json.loads(Path("out/report.json").read_text())["run"]
    assert (run["status"], run["exit"]["status"], run["exit"]["reason"]) == ("stopped", 130, "interrupted by SIGINT")
    assert run["exit"]["next"].startswith("reviewbatch run sentiment ")
    assert "reviewbatch_run_running 0" in Path("out/metrics.prom").read_text()


def test_a_second_signal_of_either_kind_ends_the_program(stopped):
    process, family = stopped(**WITHOUT)
    process.send_signal(signal.SIGTERM)
    time.sleep(1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 143
    assert time.monotonic() - began < GRACE - 1
    assert gone(family)


def test_a_signal_ends_the_program_while_an_engine_is_started_again(stopped):
    process, family = stopped(**WITHOUT)
    next(of for of in family if "VLLM" in of.cmdline()[0]).kill()
    while "starting it again" not in (line := process.stderr.readline()):
        assert line
    process.stderr.readline()  # loading tiny
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 143
    assert err.endswith("interrupted: every answer so far is kept, and the same command continues\n")
