"""Why vLLM does not start, or dies, where its engine is a process of its own, as on a GPU."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "cli.main"]
COMMAND = ["run", "sentiment", "-o", "out", "--model", "tiny"]


@pytest.fixture
def program(tmp_path, cache, tiny, monkeypatch):
    """Start the program in an empty folder, with the tests' cache and no settings of the user's."""
    monkeypatch.chdir(tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVIEWBATCH_")}
    environment |= {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT), "COLUMNS": "120"}

    def start(*arguments, **extra):
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | extra,
        )

    return start


@pytest.fixture
def run(program):
    """Run the program to its end; return its exit status, stdout and stderr."""

    def run(*arguments, given="", **extra):
        process = program(*arguments, **extra)
        out, err = process.communicate(given)
        assert "Traceback" not in err, err
        return process.returncode, out, err

    return run


@pytest.mark.parametrize(
    ("size", "cause", "advice"),
    [
        # The first is raised in the engine's process, the second in the worker's below it.
        (1000, "No available memory for the cache blocks", "more kv_cache_memory_bytes"),
        (10**14, "Available memory on node 0 (", "ask for less with --engine kv_cache_memory_bytes="),
    ],
)
def test_the_root_cause_is_told_with_what_to_do_and_where_the_log_is(run, write_jsonl, reviews, size, cause, advice):
    path, engine = write_jsonl(reviews(6)), f"kv_cache_memory_bytes={size}"
    status, out, err = run(*COMMAND, "-i", path, "--engine", engine, VLLM_ENABLE_V1_MULTIPROCESSING="1")
    assert (status, out) == (1, ""), err
    (line,) = (line for line in err.splitlines() if line.startswith("error: "))
    assert line.startswith(f"error: vLLM did not start: {cause}")
    assert advice in line
    assert line.endswith("; more in out/engine.log")
    assert "root cause above" not in err
    assert "EngineCore failed to start." in Path("out/engine.log").read_text()


def test_a_mistake_in_an_engine_argument_is_named(run, write_jsonl, reviews):
    status, _, err = run(*COMMAND, "-i", write_jsonl(reviews(6)), "--engine", "tensor_parallel_size=3")
    assert status == 1
    assert (
        "vLLM did not start: Total number of attention heads (4) must be divisible by tensor parallel size (3): " in err
    )


def test_why_the_engine_died_is_told_as_it_is_started_again(program, write_jsonl):
    """The kernel ends a worker, as it does where memory is short."""
    rows = [{"review_id": f"r{i}", "restaurant_id": f"x{i % 7}", "text": f"visit {i} was fine"} for i in range(600)]
    slow = ("--engine", "max_num_seqs=2", "--engine", "kv_cache_memory_bytes=268435456")
    process = program(*COMMAND, "-i", write_jsonl(rows), "--json", *slow, VLLM_ENABLE_V1_MULTIPROCESSING="1")
    deadline = time.monotonic() + 240
    while answered() < 60:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    family = psutil.Process(process.pid).children(recursive=True)
    next(child for child in family if "Worker" in str(child.cmdline())).kill()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert (
        "warning: vLLM's engine process died: VllmWorker-0 was ended by SIGKILL: most often the machine was out of"
        in err
    )
    assert json.loads(out)["rows"]["answered"] == 600


def answered() -> int:
    """Count the durable answers of the run that goes on."""
    if not Path("out/run.sqlite").exists():
        return 0
    db = sqlite3.connect("out/run.sqlite", timeout=30)
    try:
        return db.execute("SELECT count(*) FROM request WHERE state = 'answered'").fetchone()[0]
    except sqlite3.OperationalError:  # the schema is not there yet
        return 0
    finally:
        db.close()
