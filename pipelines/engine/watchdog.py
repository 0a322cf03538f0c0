"""The watchdog: it ends the engine's processes when they keep this one waiting for too long."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.engine.guard import Guard

LOOK = 0.2  # seconds between two looks


class Watchdog:
    """Bounds every wait on an engine that runs in processes of its own, which a `Guard` kills when time is up.

    What waits for a process then finds that it has died. `bitten` says that it was so. An engine in this very process
    is not `apart`: nothing of it can be ended but by ending the program.
    """

    def __init__(self, *, apart: bool) -> None:
        self.bitten = False
        self._due = math.inf
        self._dismissed = threading.Event()
        self._guard = Guard() if apart else None
        if self._guard:
            threading.Thread(target=self._watch, daemon=True).start()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give the engine so many seconds to do what it is asked in the block."""
        self._due = time.monotonic() + seconds
        try:
            yield
        finally:
            self._due = math.inf

    def dismiss(self) -> None:
        """Kill what is left of the engine's processes, and let watchdog and guard go; again does nothing."""
        if self._guard and not self._dismissed.is_set():
            self._dismissed.set()
            self._guard.kill()
            self._guard.dismiss()

    def _watch(self) -> None:
        while self._guard and not self._dismissed.wait(LOOK):
            if time.monotonic() > self._due:
                self.bitten, self._due = True, math.inf
                self._guard.kill()
