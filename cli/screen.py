"""The screen: what people read goes to stderr, data to stdout, and everybody else's noise to a log."""

import os
import sys
from pathlib import Path
from typing import TextIO

from rich.console import Console

people = Console(stderr=True, highlight=False)
_data: TextIO | None = None
_log: Path | None = None


def divert(log: Path) -> None:
    """Send whatever vLLM and its parts print, in this process and its children, to `log` from here on.

    They print through logging, through C and after the interpreter has begun to end, so it is the file
    descriptors that change hands, for good; `people` and `data` keep the real ones.
    """
    global _data, _log  # noqa: PLW0603  a process has one stdout and one stderr
    sys.stdout.flush()
    sys.stderr.flush()
    _log = log
    _data = os.fdopen(os.dup(1), "w")
    people.file = os.fdopen(os.dup(2), "w")
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def data(line: str) -> None:
    """Write a line of data to stdout."""
    print(line, file=_data or sys.stdout, flush=True)


def say(text: str) -> None:
    """Write a line for people, without markup, never wrapped: it may hold a path or be read by a machine."""
    people.print(text, markup=False, soft_wrap=True)


def log() -> Path | None:
    """Return where the noise goes, None while it goes nowhere."""
    return _log
