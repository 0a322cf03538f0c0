"""The engine as a process of its own, as on a GPU."""

import json
import signal
import time
from pathlib import Path

import psutil
import pytest

SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]
# vLLM's switch is a number that is true. On a CPU, 1 gives the engine's process a process of its own to compute in, which
# takes as long again to start; 2 has it compute by itself, as on a single GPU.
APART, APART_WITH_WORKER = ({"VLLM_ENABLE_V1_MULTIPROCESSING": number} for number in "21")


def test_an_engine_process_that_is_killed_is_started_again(program, write_jsonl, answered, wait_for, distinct):
    """As on a GPU, where vLLM's engine is a process of its own: kill -9 that one and not the program."""
    path = write_jsonl(distinct(600))
    process = program(
        "run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", "--json", *SMALL, "--engine", "max_num_seqs=2",
        **APART,
    )  # fmt: skip
    wait_for(lambda: answered() > 60, process)
    (engine,) = (child for child in psutil.Process(process.pid).children() if "EngineCore" in str(child.cmdline()))
    engine.kill()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "warning: vLLM's engine process died; starting it again" in err
    assert json.loads(out)["rows"]["answered"] == 600


def test_kill_takes_the_engine_process_along(program, write_jsonl, answered, wait_for, distinct):
    """An engine left behind would hold the GPU's memory, and the next run could not start."""
    process = program(
        "run", "sentiment", "-i", write_jsonl(distinct(600)), "-o", "out", "--model", "tiny", *SMALL,
        "--engine", "max_num_seqs=2", **APART_WITH_WORKER,
    )  # fmt: skip
    wait_for(lambda: answered() > 0, process)
    family = psutil.Process(process.pid).children(recursive=True)
    assert [child for child in family if "EngineCore" in str(child.cmdline())]
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


def test_kill_while_the_engine_is_loaded_takes_its_process_along(program, write_jsonl, answered, wait_for, distinct):
    process = program(
        "run", "sentiment", "-i", write_jsonl(distinct(60)), "-o", "out", "--model", "tiny", *SMALL,
        **APART_WITH_WORKER,
    )  # fmt: skip

    def engines():
        return [c for c in psutil.Process(process.pid).children() if "spawn_main" in str(c.cmdline())]

    wait_for(engines, process)
    time.sleep(2.5)  # the guard looks once a second
    family = psutil.Process(process.pid).children(recursive=True)
    assert answered() == 0
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_engine_process_as_well_rejects_nothing(
    program, run, write_jsonl, number, answered, wait_for, distinct
):
    """As from a terminal, systemd or Slurm: vLLM's process then answers all that is in flight with nothing."""
    path = write_jsonl(distinct(1200))
    command = ("run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", *SMALL, "--engine", "max_num_seqs=2")
    process = program(*command, **APART)
    wait_for(lambda: answered() > 60, process)
    engine = next(c for c in psutil.Process(process.pid).children() if "EngineCore" in str(c.cmdline()))
    engine.send_signal(number)
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number, err
    report = json.loads(Path("out/report.json").read_text())
    assert report["run"]["status"] == "stopped"
    assert report["rows"]["rejected"] == 0
    assert 0 < report["rows"]["answered"] < 1200
    status, out, err = run(*command, "--json")
    assert (status, json.loads(out)["rows"]["answered"]) == (0, 1200), err
