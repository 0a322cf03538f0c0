"""Why vLLM does not start, or dies, where its engine is a process of its own, as on a GPU."""

import json
import re
from pathlib import Path

import psutil
import pytest

COMMAND = ["run", "sentiment", "-o", "out", "--model", "tiny"]


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


def test_why_the_engine_died_is_told_as_it_is_started_again(program, write_jsonl, distinct, answered, wait_for):
    """The kernel ends a worker, as it does where memory is short."""
    slow = ("--engine", "max_num_seqs=2", "--engine", "kv_cache_memory_bytes=268435456")
    process = program(*COMMAND, "-i", write_jsonl(distinct(600)), "--json", *slow, VLLM_ENABLE_V1_MULTIPROCESSING="1")
    wait_for(lambda: answered() > 60, process)
    family = psutil.Process(process.pid).children(recursive=True)
    next(child for child in family if "Worker" in str(child.cmdline())).kill()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    # Whether vLLM knows of the signal by the time it says so is a race of its own.
    who = "(VllmWorker-0 was ended by SIGKILL|one of vLLM's workers ended without a word)"
    assert re.search(f"warning: vLLM's engine process died: {who}: most often the machine was out of memory", err), err
    assert json.loads(out)["rows"]["answered"] == 600


def test_a_cache_too_small_for_the_models_context_will_do_for_shorter_prompts(run, write_jsonl, distinct):
    """As on a card with little memory left: the model's 8,192 tokens take 8 MiB of KV cache or more."""
    command = [*COMMAND, "-i", write_jsonl(distinct(6)), "--engine", f"kv_cache_memory_bytes={3 << 19}"]
    status, out, err = run("plan", *command[1:], "--json")
    assert status == 0, err
    plan = json.loads(out)
    assert plan["context"] < plan["model_context"] == 8192
    assert f"context {plan['context']:,} tokens, of the model's 8,192" in err
    status, out, err = run(*command, "--json")
    assert status == 0, err
    assert json.loads(out)["run"]["context"] == plan["context"]
    status, _, err = run(*command, "--again", "--engine", "max_model_len=8192")
    assert status == 1
    assert "error: vLLM did not start: To serve at least one request" in err
