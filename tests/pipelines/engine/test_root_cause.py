"""Why vLLM did not start, from logs as vLLM 0.25 and 0.32 write them."""

import re
from pathlib import Path

import pytest

from pipelines.engine.root_cause import ADVICE, LONGEST, explain, find

PAGE = Path(__file__).parents[3] / "docs" / "troubleshooting.md"
FAILED = "Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}"
WORKERS = (
    "Exception: WorkerProc initialization failed due to an exception in a background process. "
    "See stack trace for root cause."
)


def trace(error: str) -> str:
    """Write a traceback that ends with `error`."""
    return (
        "Traceback (most recent call last):\n"
        '  File "/venv/vllm/v1/engine/core.py", line 1482, in run_engine_core\n'
        "    engine_core = EngineCoreProc(*args, engine_index=dp_rank, **kwargs)\n"
        "                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        f"{error}"
    )


def chain(*errors: str, link: str = "The above exception was the direct cause of the following exception:") -> str:
    return f"\n\n{link}\n\n".join(map(trace, errors))


def record(process: str, text: str, level: str = "ERROR", place: str = "core.py:1510") -> str:
    """Log a text as vLLM does: each of its lines with the prefix, and with a carriage return between them."""
    prefix = f"({process}) {level} 11-25 03:11:12 [{place}] "
    return prefix + text.replace("\n", f"\r\n{prefix}") + "\n"


def printed(process: str, text: str) -> str:
    """Print to stderr in a process whose streams carry its name, as those of vLLM 0.25 do."""
    return "".join(f"({process}) {line}\n" for line in text.splitlines())


def in_25(raised: str) -> str:
    process = "EngineCore pid=1042"
    end = "RuntimeError: what went wrong while it was taken down"
    return (
        record(process, "Initializing a V1 LLM engine (v0.25.1) with config: ...", "INFO", "core.py:112")
        + printed(process, "Process EngineCore:")
        + record(process, f"EngineCore failed to start.\n{raised}", place="core.py:1231")
        + printed(
            process, chain(raised, end, link="During handling of the above exception, another exception occurred:")
        )
        + "[rank0]:[W1125 03:11:13.105 ProcessGroupNCCL.cpp:1538] Warning: destroy_process_group() was not called\n"
    )


def in_32(raised: str) -> str:
    process = "EngineCore pid=1042"
    return (
        record("MainProcess pid=1000", "Enforce eager set, disabling torch.compile", "WARNING", "vllm.py:1703")
        + "Loading safetensors checkpoint shards:   0% Completed | 0/1 [00:00<?, ?it/s]\r"
        + record(process, f"EngineCore failed to start.\n{raised}")
        + record(process, "Worker proc VllmWorker-0 died unexpectedly (exit code: 0), shutting down executor.")
        + f"Process EngineCore:\n{raised}\n"
        + "/usr/lib/python3.11/multiprocessing/resource_tracker.py:254: UserWarning: resource_tracker: There appear to be "
        "1 leaked shared_memory objects to clean up at shutdown\n"
    )


# What was raised => what people are to read of it => a few words of the advice.
RAISED = Path(__file__).with_name("raised.txt").read_text().split("\n---\n")
CASES = [pytest.param(*re.split(r"\s=> ", case.strip()), id=case.rpartition("=> ")[2].strip()) for case in RAISED]


@pytest.mark.parametrize("logs", [in_25, in_32])
@pytest.mark.parametrize(("raised", "read", "advice"), CASES)
def test_what_the_engines_process_raised_is_the_cause(logs, raised, read, advice):
    line = explain(RuntimeError(FAILED), logs(trace(raised)))
    assert line.startswith(f"{read}: ")
    assert advice in line
    assert "\n" not in line


@pytest.mark.parametrize(("raised", "read", "advice"), CASES)
def test_in_one_process_the_error_is_the_cause_and_the_log_is_not_asked(raised, read, advice):
    line = explain(RuntimeError(raised.partition(": ")[2]), in_32(trace("ValueError: something that was survived")))
    assert line.startswith(f"{read}: ")
    assert advice in line


def test_every_known_cause_is_in_the_document_with_what_it_looks_like_and_what_to_do():
    table = PAGE.read_text().split("| --- |\n")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert [advice for _, _, advice in rows] == list(ADVICE.values())
    for seen, _, advice in rows:
        assert explain(RuntimeError(seen.strip("`")), "").endswith(f": {advice}"), seen


def test_every_advice_is_tried_on_a_true_text():
    tried = {explain(RuntimeError(case.values[0]), "").partition(f"{case.values[1]}: ")[2] for case in CASES}
    (killed,) = set(ADVICE.values()) - tried  # which leaves no text
    assert killed.startswith("most often the machine was out of memory")


def test_no_advice_is_in_vllms_own_flags():
    for advice in ADVICE.values():
        flags = set(re.findall(r"--[a-z-]+", advice))
        assert flags <= {"--engine", "--model", "--gpus", "--shm-size", "--ipc"}, advice  # three are a container's


def test_the_last_of_a_chain_is_the_cause():
    missing = chain(
        "KeyError: 'llama9'",
        "ValueError: The checkpoint you are trying to load has model type `llama9` but Transformers does not know it",
        link="During handling of the above exception, another exception occurred:",
    )
    for logs in (in_25, in_32):
        read = "The checkpoint you are trying to load has model type `llama9` but Transformers does not know it"
        assert explain(RuntimeError(FAILED), logs(missing)) == read


def test_a_known_cause_counts_wherever_it_is_in_a_chain():
    raised = chain("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", "KeyError: 'weight'")
    assert explain(RuntimeError(FAILED), in_32(raised)).startswith("CUDA out of memory. Tried to allocate 2.00 GiB: ")


def test_of_two_workers_the_one_that_failed_first_is_the_cause_and_not_who_waited_for_it():
    log = (
        record("Worker_TP1 pid=12", f"WorkerProc failed to start.\n{trace('KeyError: 7')}", place="executor.py:953")
        + record(
            "Worker_TP0 pid=11", f"WorkerProc failed to start.\n{trace('RuntimeError: Connection closed by peer')}"
        )
        + record("EngineCore pid=10", "Worker proc VllmWorker-0 died unexpectedly, shutting down executor.")
        + record("EngineCore pid=10", f"EngineCore failed to start.\n{trace(WORKERS)}")
        + f"Process EngineCore:\n{trace(WORKERS)}\n"
    )
    assert explain(RuntimeError(FAILED), log) == "KeyError: 7"
    late = record("Worker_TP2 pid=13", f"WorkerProc failed to start.\n{trace('ValueError: that the others have gone')}")
    assert explain(RuntimeError(FAILED), log + late) == "KeyError: 7"


def test_a_consequence_in_another_worker_gives_way_to_its_cause_though_it_was_first():
    log = record(
        "Worker_TP0 pid=11",
        f"WorkerProc hit an exception.\n{trace('RuntimeError: NCCL error: remote process exited or there was an error')}",
    ) + record(
        "Worker_TP1 pid=12",
        f"WorkerProc hit an exception.\n{trace('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.')}",
    )
    assert explain(RuntimeError(FAILED), log).startswith("CUDA out of memory")


def test_lines_of_workers_that_write_at_once_are_told_apart():
    one = record("Worker_TP0 pid=11", f"WorkerProc failed to start.\n{trace('ValueError: of the first')}").splitlines()
    two = record("Worker_TP1 pid=12", f"WorkerProc failed to start.\n{trace('ValueError: of the second')}").splitlines()
    mixed = "\n".join(line for pair in zip(one, two, strict=True) for line in pair)
    assert find(mixed) == "of the first"


def test_what_a_worker_answered_is_found_within_what_the_engine_says_of_it():
    raised = (
        "RuntimeError: Worker failed with error 'Free memory on device (3.2/4.0 GiB) on startup is less than desired GPU "
        "memory utilization (0.92, 3.7 GiB).', please check the stack trace above for the root cause"
    )
    assert explain(RuntimeError(FAILED), in_32(trace(raised))).startswith("Free memory on device (3.2/4.0 GiB)")


def test_colours_and_a_progress_bar_without_an_end_do_not_hide_it():
    plain = record("EngineCore pid=10", f"EngineCore failed to start.\n{trace('ValueError: of its own')}")
    coloured = re.sub(
        r"(?m)^(\(.*?\)) ERROR (\S+ \S+) (\[\S+\])",
        "\x1b[0;36m\\1\x1b[0;0m \x1b[31mERROR\x1b[0m \x1b[90m\\2\x1b[0m \x1b[90m\\3\x1b[0m",
        plain.replace("\r", ""),
    )
    assert "\x1b[31mERROR" in coloured
    log = f"{trace('KeyError: 1')}\nLoading shards:  50% Completed | 1/2 [00:04<00:04,  4.1s/it]{coloured}"
    assert find(log) == "of its own"


def test_what_was_survived_is_no_cause():
    survived = record("EngineCore pid=10", f"Failed to load plugin x\n{trace('KeyError: 1')}", place="__init__.py:72")
    warned = record("EngineCore pid=10", f"Falling back\n{trace('CUDA out of memory')}", "WARNING", "fallback.py:3")
    assert find(warned) == ""
    assert explain(RuntimeError(FAILED), survived + warned + in_32(trace("ValueError: the end"))) == "the end"


def test_a_process_that_fails_before_it_logs_anything_has_said_why():
    assert find(trace("ModuleNotFoundError: No module named 'nixl'")) == "ModuleNotFoundError: No module named 'nixl'"


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            "terminate called after throwing an instance of 'c10::AcceleratorError'\n  what():  CUDA error: an illegal memory access was encountered\nCUDA kernel",
            "CUDA error: an illegal memory access was encountered: ",
        ),
        (
            "terminate called after throwing an instance of 'std::bad_alloc'\n",
            "terminate called after throwing an inst",
        ),
        (
            "Fatal Python error: Segmentation fault\n\nThread 0x00007f (most recent call first):",
            "Fatal Python error: Seg",
        ),
        ("Segmentation fault (core dumped)\n", "Segmentation fault"),
        ("Fatal Python error: Bus error\n", "Bus error: see with `df -h`"),
        (
            "[rank0]:[E1125 16:06:04.53 ProcessGroupNCCL.cpp:607] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1, OpType=ALLREDUCE)",
            "Watchdog caught collective operation timeout: the cards do not reach each other",
        ),
        (
            "gpu:15:15 [0] misc/shmutils.cc:129 NCCL WARN Error while creating shared memory segment /dev/shm/nccl-roxxN4 (size 33030528), error: No space left on device (28)",
            "Error while creating shared memory segment /dev/shm/nccl-roxxN4: ",
        ),
    ],
)
def test_what_c_says_as_it_ends_a_process(log, line):
    echo = record("EngineCore pid=10", f"EngineCore failed to start.\n{trace(WORKERS)}")
    assert explain(RuntimeError(FAILED), f"{log}\n{echo}").startswith(line)


def test_a_process_that_was_killed_without_a_word():
    killed = RuntimeError(FAILED.replace("{'EngineCore': 1}", "{'EngineCore_DP0': -9}"))
    assert explain(killed, "").startswith(
        "EngineCore_DP0 was ended by SIGKILL: most often the machine was out of memory"
    )
    died = record(
        "EngineCore pid=10", "Worker proc VllmWorker-1 died unexpectedly (exit code: -7), shutting down executor."
    )
    assert find(died).startswith("VllmWorker-1 was ended by SIGBUS: see with `df -h`")
    assert find(died.replace("-7", "-11")) == "VllmWorker-1 was ended by SIGSEGV"
    assert find(died.replace("-7", "-15")) == ""  # vLLM ended it
    assert find(died.replace(" (exit code: -7)", "")).startswith(
        "one of vLLM's workers ended without a word: most often"
    )
    echo = record("EngineCore pid=10", f"EngineCore failed to start.\n{trace(WORKERS)}")
    assert explain(RuntimeError(FAILED), echo).startswith("one of vLLM's workers ended without a word: most often")


@pytest.mark.parametrize(
    "log",
    [
        "",
        "\n",
        record("MainProcess pid=1", "config: {'seed': -1, 'EngineCore': -9}", "INFO"),
        "no traceback, a bar 10%\r",
    ],
)
def test_where_nothing_is_found_the_error_speaks_for_itself(log):
    assert find(log) == ""
    assert explain(RuntimeError(FAILED), log) == FAILED


TWO = """2 validation errors for SchedulerConfig
max_num_batched_tokens
  Input should be at least 1 [type=greater_than_equal, input_value=-4096, input_type=int]
    For further information visit https://example.org
max_num_seqs
  Input should be at least 2 [type=greater_than_equal, input_value=-2, input_type=int]
    For further information visit https://example.org"""
EITHER = """2 validation errors for ModelConfig
dtype.literal['auto','half']
  Input should be 'auto' or 'half' [type=literal_error, input_value='float99', input_type=str]
    For further information visit https://example.org
dtype.is-instance[dtype]
  Input should be an instance of dtype [type=is_instance_of, input_value='float99', input_type=str]"""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("first\n\nsecond"), "first"),
        (OSError("\nbegins late"), "begins late"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError(), "RuntimeError"),
        (
            RuntimeError(TWO),
            "max_num_batched_tokens: Input should be at least 1; max_num_seqs: Input should be at least 2",
        ),
        (RuntimeError(EITHER), "dtype: Input should be 'auto' or 'half'"),
    ],
)
def test_an_error_that_nobody_knows_is_one_line(error, line):
    assert explain(error, "") == line


def test_a_line_has_an_end():
    line = explain(ValueError("Unknown method. Must be one of " + ", ".join(f"'m{n}'" for n in range(500))), "")
    assert line.startswith("Unknown method. Must be one of 'm0', ")
    assert len(line) <= LONGEST
