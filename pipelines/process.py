"""The process that an engine runs in: its memory and environment, and what is logged in it."""

import ctypes
import logging
import os
import re
from collections.abc import Callable

# Names that belong to this program, and of which vLLM would warn as unknown to it.
OUR_SWITCHES = ("VLLM_USE_PRIORITY_QUEUE", "VLLM_PRIORITY_BY_PREFILL_COST")


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


def hide_switches() -> None:
    """Take this program's own VLLM_ names out of the environment, once they have been read."""
    for name in OUR_SWITCHES:
        os.environ.pop(name, None)
