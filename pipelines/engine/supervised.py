"""An engine that outlives its own death: it is started again, and poison is found by asking ever smaller groups."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from pipelines.corpus.reject import Reason
from pipelines.engine.interface import Completion, Engine, EngineStats, Failure, Limits, Replica, Request
from pipelines.errors import EngineDied, EngineError, OutOfTimeError
from pipelines.events import Emit, EngineStarted, EngineStarting, Warned

PATIENCE = 10
PAUSES = (1.0, 4.0, 15.0)  # seconds between tries to start an engine again
STARTING = 3600.0  # seconds that a start may take: the largest models come from the slowest disks
# Into how many groups suspects are split. A start costs as much as many requests asked one after the other, so halves
# are too few; but a group's answers come side by side, so single ones are too many.
SPLIT = 16


class SupervisedEngine:
    """Wraps the engines that `start` makes with some `patience`; to its user it is one engine that never dies.

    After a death everything that was in flight is sent again in `SPLIT` groups, one after the other; a group that the
    engine dies of is split again, and a request that it dies of twice, at last by itself, is refused as poison: one
    among n costs 1 + log n deaths, to the base of `SPLIT`. `PATIENCE` deaths of a request by itself with no answer
    between them are not the requests' fault: then EngineError is raised. When the engine has died, or is not up,
    at the `deadline`, a moment on the monotonic clock, OutOfTimeError is.
    """

    def __init__(self, start: Callable[..., Engine], model: str, emit: Emit, deadline: float = math.inf) -> None:
        self._make = start
        self._model = model
        self._emit = emit
        self._deadline = deadline
        self.started = 0.0  # seconds that the start took
        self.complete = 0.0  # the moment since which it is there
        self.restarts = 0
        self.restarting = 0.0  # seconds that they took, each from the death on
        self._engine = self._start()
        self._replicas = self._counted()
        self._in_flight: dict[int, Request] = {}
        self._held: list[Request] = []
        self._groups: deque[list[Request]] = deque()
        self._suspected: set[int] = set()  # those that were in flight at a death, and have no answer since
        self._deaths_in_a_row = 0

    @property
    def limits(self) -> Limits:
        """See `Engine`."""
        return self._engine.limits

    @property
    def replicas(self) -> Sequence[Replica]:
        """See `Engine`."""
        return self._replicas

    @property
    def stats(self) -> EngineStats:
        """See `Engine`; what was done before a death is not in it."""
        return self._engine.stats

    def submit(self, requests: Sequence[Request]) -> None:
        """Hand over requests; they are held back while suspects are asked by themselves."""
        self._held += requests

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:
        """Let the engine work once; return what finished, or what is poison."""
        try:
            self._feed()
            done = self._engine.step(patience)
        except EngineDied as death:
            died = time.monotonic()
            try:
                return self._revive(death)
            finally:
                self.restarting += time.monotonic() - died
        for finished in done:
            del self._in_flight[finished.id]
            self._suspected.discard(finished.id)
        if done:
            self._deaths_in_a_row = 0
        return done

    def close(self) -> None:
        """Close the engine of the moment."""
        self._engine.close()

    def _feed(self) -> None:
        if self._in_flight and (self._groups or self._in_flight.keys() & self._suspected):
            group = []  # suspects are in the engine, and nobody else is to be taken for one
        elif self._groups:
            group = self._groups.popleft()
        else:
            group, self._held = self._held, []
        # Counted before they are handed over: the engine may die in between.
        self._in_flight |= {request.id: request for request in group}
        if group:
            self._engine.submit(group)

    def _revive(self, death: EngineDied) -> list[Completion | Failure]:
        self._emit(Warned(f"{death}; starting it again"))
        guilty, self._in_flight = list(self._in_flight.values()), {}
        poison: list[Completion | Failure] = []
        if len(guilty) == 1:
            self._deaths_in_a_row += 1
            if self._deaths_in_a_row >= PATIENCE:
                raise EngineError(f"the engine died {PATIENCE} times in a row; last: {death}") from death
            if guilty[0].id in self._suspected:
                self._suspected.remove(guilty[0].id)
                poison = [Failure(guilty.pop().id, Reason.POISON, str(death))]
        self._suspected |= {request.id for request in guilty}
        size = math.ceil(len(guilty) / SPLIT)
        self._groups.extendleft(reversed([guilty[n : n + size] for n in range(0, len(guilty), size or 1)]))
        self._engine.close()
        if time.monotonic() >= self._deadline:
            raise OutOfTimeError("the engine died, and the deadline has passed")
        self._engine = self._start_again()
        self.restarts += 1
        self._replicas = self._counted()
        return poison

    def _counted(self) -> list[Replica]:
        return [replace(replica, restarts=self.restarts) for replica in self._engine.replicas]

    def _start(self) -> Engine:
        self._emit(EngineStarting(self._model))
        began = time.monotonic()
        try:
            engine = self._make(patience=min(STARTING, self._deadline - began))
        except EngineError as error:
            if time.monotonic() >= self._deadline:
                raise OutOfTimeError("the deadline came before the engine was up") from error
            raise
        self.complete = time.monotonic()
        self.started = self.complete - began
        self._emit(EngineStarted(self.started))
        return engine

    def _start_again(self) -> Engine:
        """Start an engine; the memory of the last one may take a while to be free."""
        for pause in PAUSES:
            try:
                return self._start()
            except OutOfTimeError:
                raise
            except EngineError as error:
                self._emit(Warned(str(error)))
                time.sleep(pause)
        return self._start()
