"""The heartbeat: metrics.prom while a run goes on."""

import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines.events import Asking, Emit, EngineStarted, Event, Progress, Reading
from pipelines.ledger import history
from pipelines.output import metrics

EVERY = 15.0  # seconds
RECENT = 5  # writes, over which rows are counted a second


class Heartbeat:
    """Writes how a run stands into the metrics of its folder: as it begins, and now and then when something happens.

    No thread does it, so a file that is old tells of a run that hangs, or is gone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with history.opened(folder) as (db, run):
            self._run: dict[str, Any] = {"status": run.status}
            self._run |= {name: run.facts[name] for name in ("model", "policy") if name in run.facts}
            if ended := [earlier.facts["exit"] for earlier in history.runs(db) if "exit" in earlier.facts]:
                self._run["exit"] = ended[-1]
        self._progress: dict[str, Any] = {"at": time.time()}
        self._moved: Any = None  # what told last that something moves
        self._counted: deque[tuple[float, int]] = deque(maxlen=RECENT)  # rows after so many seconds
        self._due = 0.0

    def beside(self, emit: Emit) -> Emit:
        """Return `emit` such that the metrics are kept up to date beside it."""
        self._write()

        def emitting(event: Event) -> None:
            emit(event)
            self._note(event)
            if time.monotonic() >= self._due:
                self._write()

        return emitting

    def _note(self, event: Event) -> None:
        moved: Any = event
        match event:
            case Reading():
                self._progress["rows_read"] = event.rows
            case Progress():
                moved = event.answers, event.prefilled, event.decoded
                self._run["engine_restarts"] = event.restarts
                self._progress["rows_answered"] = event.answers - event.rejects
                self._progress["rows_rejected"] = event.rejects
                self._progress["rows_waiting"] = event.all_answers - event.answers
                self._progress["eta_s"] = event.eta
            case Asking() | EngineStarted():
                pass
            case _:
                return
        if moved != self._moved:
            self._moved, self._progress["at"] = moved, time.time()

    def _write(self) -> None:
        now = time.monotonic()
        self._due = now + EVERY
        if "rows_waiting" in self._progress:
            self._counted.append((now, self._progress["rows_answered"] + self._progress["rows_rejected"]))
            (then, before), (_, rows) = self._counted[0], self._counted[-1]
            self._progress["rows_per_s"] = (rows - before) / (now - then) if now > then else None
        with suppress(OSError):  # the work matters more, and what is old tells, too
            metrics.write(self._folder, {"run": self._run, "progress": self._progress})
