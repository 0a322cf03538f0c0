"""The process that an engine runs in: its children, memory and environment, and what is logged in it."""

import ctypes
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable

# Names that belong to this program, and of which vLLM would warn as unknown to it.
OUR_SWITCHES = ("VLLM_USE_PRIORITY_QUEUE", "VLLM_PRIORITY_BY_PREFILL_COST")

# A child is known by its number and the moment it began, for another process may have its number later.
GUARD = """
import os, pathlib, select, sys

def state(of):
    try:
        return (pathlib.Path("/proc") / of / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None

parent, mine, known = str(os.getppid()), str(os.getpid()), {}
while not select.select([sys.stdin], [], [], 1.0)[0]:
    states = {of: state(of) for of in os.listdir("/proc") if of.isdigit() and of != mine}
    known |= {of: found[19] for of, found in states.items() if found and found[1] == parent}
for of, began in known.items():
    if (now := state(of)) and now[19] == began:
        os.kill(int(of), 9)
"""


def listen(tell: Callable[[str], None]) -> None:
    """Call `tell` with what vLLM logs in this process and a person should know; the rest is for its log alone."""
    logging.getLogger("vllm").addHandler(_Ear(tell))


class _Ear(logging.Handler):
    # Of vLLM's many warnings these cost time or answers; the others are about itself.
    MATTERS = re.compile("preempt|out of memory|KV cache (space|memory)|truncat", re.IGNORECASE)

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno < logging.ERROR and self.MATTERS.search(message):
            self._tell(message)


def guard_children() -> subprocess.Popen[bytes] | None:
    """Have this process's children killed when it dies in any way; return the guard, None where vLLM has no children.

    An engine whose parent was killed with -9 lives on and holds the GPU's memory, so that the next run could not start.
    The guard watches which children there are, and a pipe that nobody writes to and which ends with this process.
    """
    if os.environ.get("VLLM_ENABLE_V1_MULTIPROCESSING") == "0":
        return None
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", GUARD],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def dismiss(guard: subprocess.Popen[bytes] | None) -> None:
    """Let a guard go; again does nothing."""
    if guard:
        guard.kill()
        guard.communicate()


def keep_freed_memory() -> None:
    """Have glibc keep the large buffers that torch frees after every operation, and not fault them in again.

    The first full step takes half as long for it, the others some 6 % less.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


def hide_switches() -> None:
    """Take this program's own VLLM_ names out of the environment, once they have been read."""
    for name in OUR_SWITCHES:
        os.environ.pop(name, None)
