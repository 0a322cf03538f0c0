"""The root cause: why vLLM did not start or died, from what its processes logged, and what to do about it. Pure."""

import re
import signal
import textwrap
import traceback
from collections.abc import Iterable, Mapping
from types import MappingProxyType

# What is known to go wrong: how it is said, of which people get to read what matches, and what to do about it. One
# process fails and others may follow, so what can be a consequence stands below what can be its cause.
ADVICE: Mapping[str, str] = MappingProxyType({
    r"(CUDA|HIP) (error: )?out of memory(\. Tried to allocate [\d.]+ \w+(\. GPU \d+ has .*? is free)?)?":
        "close what else uses the card, leave more of it free with --engine gpu_memory_utilization=0.8 and "
        "--engine max_num_seqs=64, or take a smaller --model NAME",
    r"Free memory on device .*?is less than [^(]*\([^)]*\)":
        "close what else uses the card, or let vLLM take less of it with --engine gpu_memory_utilization=0.8",
    r"No available memory for the cache blocks|"
    r"To serve at least one request .*?memory \([^)]*\)(\. Based on .*? is \d+)?":
        "leave more room for the KV cache with --engine gpu_memory_utilization=0.95 (or more kv_cache_memory_bytes, "
        "where those are set), need less of it with --engine max_model_len=4096, or take a smaller --model NAME",
    r"Available memory on node \d+ .*? is less than [^(]*\([^)]*\)":
        "close what else uses the memory, or ask for less with --engine kv_cache_memory_bytes=1073741824 and "
        "--engine gpu_memory_utilization=0.3, which goes for a CPU, too",
    r"no kernel image is available for execution on the device":
        "this vLLM is not built for this card: install an older or a newer one that is, or choose another card with "
        "CUDA_VISIBLE_DEVICES",
    r"The NVIDIA driver on your system is too old( \([^)]*\))?|"
    r"CUDA driver version is insufficient for CUDA runtime version|"
    r"the provided PTX was compiled with an unsupported toolchain":
        "update NVIDIA's driver, or install a vLLM that is built for the CUDA version that `nvidia-smi` names",
    r"lib[\w.+-]+\.so[\w.]*: cannot open shared object file|No CUDA GPUs are available|"
    r"Found no NVIDIA driver on your system":
        "libcuda comes with NVIDIA's driver (`nvidia-smi` has to work here, and a container needs --gpus all); other "
        "libraries come with vLLM and torch, which have to be of one CUDA version: install the two anew, together",
    r"Bfloat16 is only supported on GPUs with compute capability of at least 8\.0\. Your .*?(?=\. You can|$)":
        "add --engine dtype=half",
    r"World size \(\d+\) is larger than the number of available GPUs \(\d+\)|CUDA error: invalid device ordinal|"
    r"Total number of attention heads \(\d+\) must be divisible by tensor parallel size \(\d+\)":
        "--engine tensor_parallel_size=N: N is at most the number of cards, and divides the model's attention heads",
    r"Model architectures? .*? (is|are|was) (not )?supported|.*does not recognize this architecture":
        "take another model with --model NAME, or a vLLM and a transformers that know this one",
    r"Failed to load the [\w ]+(?=\..*trust_remote_code)|The repository \S+ contains custom code|"
    r"requires you to execute the \w+ file in that repo":
        "the model brings code of its own: read it, and if you trust it, add --engine trust_remote_code=true",
    r"You are trying to access a gated repo|Access to model \S+ is \w+|40[13] (Client Error|Unauthorized|Forbidden)":
        "ask for access on the model's page, then log in with `hf auth login` or set HF_TOKEN; a misspelt --model NAME "
        "looks the same",
    r"Invalid repository ID or local directory specified: '[^']*'|We couldn't connect to '[^']*'|"
    r"\S+ is not a local folder and is not a valid model identifier|"
    r"Temporary failure in name resolution|Name or service not known":
        "check --model NAME (`reviewbatch models` lists the aliases) and the network, or give a folder with the model",
    r"Failed to find C compiler|Python\.h: No such file|Could not find nvcc|Ninja build failed":
        "kernels are compiled as vLLM starts: install gcc, Python's headers and, for nvcc, the CUDA toolkit",
    r"Error while creating shared memory segment [^\s,]+|unable to \w+ shared memory.*|[Bb]us error.*|"
    r"\S+ was ended by SIGBUS|No space left on device":
        "see with `df -h` whether /dev/shm or a disk is full; a container has more of the first with --shm-size=8g or "
        "--ipc=host",
    r"\S+ was ended by SIGKILL|one of vLLM's workers ended without a word":
        "most often the machine was out of memory, which `dmesg` says: close other programs, give the container more, "
        "or take a smaller --model NAME",
    r"(CUDA|HIP) error: .+":
        "a kernel, the driver or the card is at fault: try --engine enforce_eager=true, look for Xid in `dmesg`, and "
        "try another version of vLLM",
    r"NCCL error[^,\n]*(, [\w ]+\w)?|Watchdog caught collective operation timeout":
        "the cards do not reach each other: try NCCL_P2P_DISABLE=1 and --engine disable_custom_all_reduce=true, let "
        "NCCL_DEBUG=INFO log the reason, or use one card with --engine tensor_parallel_size=1",
})  # fmt: skip

# What a process says when another one has failed.
ECHO = re.compile(
    r"[Ss]ee (root cause|stack trace)|[Cc]heck the logs for more|Executor failed\.|"
    r"Connection (closed|reset) by peer|Broken pipe|^cancelled$"
)
# How a process of vLLM's begins its last words.
LAST_WORDS = re.compile(r"(EngineCore|\w*WorkerProc) (failed|encountered a fatal error|hit an exception)")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
# `(EngineCore_DP0 pid=12) ERROR 11-25 03:11:12 [core.py:936] text`; what is not logged lacks the second part or both.
PROCESS, RECORD = r"\(\w[^()]*pid=\d+[^()]*\) ", r"(?:[A-Z]+ \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?)"
LINE = re.compile(rf"({PROCESS})?({RECORD})?(?:\[rank\d+\]: ?)?(.*)")
GLUED = re.compile(rf"(?<=[^\n])(?={PROCESS}{RECORD})")  # to a progress bar of another process
EXCEPTION = re.compile(
    r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*"
    r"(\S.*(?:\n(?!Traceback|The above exception|During handling).*){0,11})",
    re.MULTILINE,
)
ABORT = re.compile(
    r"terminate called after throwing .*\n\s*what\(\): *(\S.*)|"
    r"(terminate called after throwing .*|Fatal Python error: .*|^Segmentation fault.*|"
    r"Error while creating shared memory segment .*|Watchdog caught collective operation timeout)",
    re.MULTILINE,
)
ENDED_CORE = re.compile(r"'(\w+)': -(\d+)")  # in the error's own line
ENDED_WORKER = re.compile(r"Worker proc (\S+) died unexpectedly \(exit code: -(\d+)\)")
WORDLESS = re.compile(r"WorkerProc initialization failed|Worker proc \S+ died unexpectedly(,| \(exit code: None\))")
VAGUE = re.compile(r"^(?:ValueError|TypeError|RuntimeError|OSError|AssertionError|Exception): (?=.)")
ORDERLY = (signal.SIGTERM, signal.SIGINT)  # how vLLM itself ends its processes
LONGEST = 300  # characters of what vLLM or its parts say


def explain(error: BaseException, logged: str) -> str:
    """Return in one line why vLLM raised `error`, with what to do about it where that is known.

    `logged` is what was logged while vLLM was at it. It is searched where the error is about another process.
    """
    own = "".join(traceback.format_exception_only(error)).strip()
    return (find(logged, own) if _is_echo(own) else "") or _advised([own])


def find(logged: str, error: str = "") -> str:
    """Return the root cause in what was logged, with what to do about it, empty when there is none."""
    logged = "\n".join(GLUED.sub("\n", COLOUR.sub("", logged)).splitlines())
    causes = [*_raised(logged), *_aborted(logged), *_ended(ENDED_CORE, error), *_ended(ENDED_WORKER, logged)]
    if not causes and WORDLESS.search(logged):
        causes = ["one of vLLM's workers ended without a word"]
    return _advised(causes) if causes else ""


def _advised(causes: list[str]) -> str:
    """Return the first known cause with its advice, or else the first cause."""
    for pattern, advice in ADVICE.items():
        for cause in causes:
            if match := re.search(pattern, cause):
                return f"{_short(match[0])}: {advice}"
    return _short(_said(causes[0]))


def _raised(logged: str) -> list[str]:
    """Return the exceptions that processes ended with, the first process first, and of a chain the last first."""
    ending: list[str] = []
    others: list[str] = []
    for record in _records(logged):
        raised = [error for error in reversed(EXCEPTION.findall(record)) if not _is_echo(error)]
        if LAST_WORDS.match(record):
            ending += raised
        else:
            others = raised + others
    return ending or others


def _records(logged: str) -> Iterable[str]:
    """Return the errors that were logged, each without its prefixes, and what else was printed, by process."""
    records: dict[tuple[str, str], list[str]] = {}
    for line in logged.splitlines():
        process, record, text = LINE.fullmatch(line).groups("")  # type: ignore[union-attr]  # every line is one
        # vLLM says around a failed call that it has failed, and with what.
        text = re.sub(r"Worker failed with error '(.*)', please check the stack trace above.*", r"\1", text)
        records.setdefault((process, record), []).append(text.rstrip())
    return [
        "\n".join(lines)
        for (_, record), lines in records.items()
        if record.startswith(("ERROR", "CRITICAL")) or not record
    ]


def _aborted(logged: str) -> list[str]:
    """Return what C and C++ said as they ended a process."""
    return [what or message for what, message in ABORT.findall(logged)]


def _ended(pattern: re.Pattern[str], text: str) -> list[str]:
    """Return which processes a signal ended, other than for good reason."""
    named = {str(number.value): number.name for number in signal.Signals if number not in ORDERLY}
    return [f"{process} was ended by {named[number]}" for process, number in pattern.findall(text) if number in named]


def _is_echo(error: str) -> bool:
    return ECHO.search(_said(error)) is not None


def _said(error: str) -> str:
    """Return what an exception says in one line, without a type that adds nothing."""
    first, *more = [line for line in re.sub(r"^(\S+:)\s+", r"\1 ", error).splitlines() if line.strip()]
    if more and re.search(r"\d+ validation errors? for \w+$", first):
        # Pydantic's: the names of fields begin a line, what is wrong with them is indented below.
        complaints: dict[str, str] = {}
        field = ""
        for line in more:
            if not line.startswith(" "):
                field = line.partition(".")[0]
            elif not line.startswith("    "):
                what = line.strip().removeprefix("Value error, ").partition(" [type=")[0]
                complaints.setdefault(field, f"{field}: {what}" if field else what)
        return "; ".join(complaints.values()) or first
    return VAGUE.sub("", first)


def _short(text: str) -> str:
    return textwrap.shorten(text, LONGEST, placeholder=" ...")
