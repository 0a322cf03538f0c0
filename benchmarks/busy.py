"""An engine that is timed: how much of its time, from its first request to its last answer, it was at work."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from pipelines.engine.interface import Completion, Engine, Failure, Request, Start


class Busy:
    """An engine, which leaves in a folder the seconds that it had and those in which it worked."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self._first = self._last = self._working = self._worked = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def submit(self, requests: Sequence[Request]) -> None:
        """See `Engine`."""
        began = time.monotonic()
        self._first = self._first or began
        self._engine.submit(requests)
        self._working += time.monotonic() - began

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:
        """See `Engine`."""
        began = time.monotonic()
        done = self._engine.step(patience)
        ended = time.monotonic()
        self._working += ended - began
        if done:
            self._last, self._worked = ended, self._working
        return done

    def close(self) -> None:
        """See `Engine`."""
        with NamedTemporaryFile("w", dir=self._folder, suffix=".json", delete=False) as file:
            json.dump({"had": self._last - self._first, "worked": self._worked}, file)
        self._engine.close()


def start(starter: Start[Engine], folder: Path, *, context: int, patience: float) -> Busy:
    """Start one."""
    return Busy(starter(context=context, patience=patience), folder)


def lost(folder: Path) -> float:
    """Return the share of their time in which the engines that were timed there did not work."""
    found: list[dict[str, float]] = [json.loads(file.read_text()) for file in folder.glob("*.json")]
    return 1 - sum(one["worked"] for one in found) / sum(one["had"] for one in found)
