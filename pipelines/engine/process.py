"""The process that an engine runs in: its memory and environment, and what is logged in it."""

import ctypes
import logging
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

# Names that belong to this program, and of which vLLM would warn as unknown to it.
OUR_SWITCHES = ("VLLM_USE_PRIORITY_QUEUE", "VLLM_PRIORITY_BY_PREFILL_COST")
LOG_TAIL = 1 << 18  # bytes of the log that are read again


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


def keep_freed_memory() -> None:
    """Have glibc keep the large buffers that torch frees after every operation, and not fault them in again.

    The first full step takes half as long for it, the others some 6 % less.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


def default(environment: Mapping[str, str]) -> None:
    """Set what is not set in the environment of this process and its children; what a person sets wins."""
    for name, value in environment.items():
        os.environ.setdefault(name, value)


def hide_switches() -> None:
    """Take this program's own VLLM_ names out of the environment, once they have been read."""
    for name in OUR_SWITCHES:
        os.environ.pop(name, None)


def log() -> Path | None:
    """Return the file that this process and its children print to, None where that is no file."""
    with suppress(OSError):
        file, here = Path("/proc/self/fd/2").readlink(), Path.cwd()
        if file.is_file():
            return file.relative_to(here) if file.is_relative_to(here) else file
    return None


def log_size() -> int:
    """Return how many bytes the log has by now, for `logged_since`."""
    file = log()
    return file.stat().st_size if file else 0


def logged_since(size: int) -> str:
    """Return what was logged since the log had `size` bytes, the last of it if it is much."""
    file = log()
    if not file:
        return ""
    with file.open("rb") as stream:
        stream.seek(max(size, log_size() - LOG_TAIL))
        return stream.read().decode(errors="replace")
