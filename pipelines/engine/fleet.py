"""A fleet: an engine that is made of replicas, each of which is kept going by itself."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from queue import Empty, SimpleQueue

from pipelines.engine.interface import Completion, Engine, EngineStats, Failure, Limits, Replica, Request
from pipelines.engine.keeper import Changed, Did, Joined, Keeper, Left, News
from pipelines.engine.supervised import SupervisedEngine
from pipelines.errors import OutOfTimeError, first_line
from pipelines.events import Emit, EngineStarted, EngineStarting, Warned

LOOK = 0.1  # seconds that a step waits for something to have happened


class Fleet:
    """An engine over the replicas that `starts` make. See `pipelines.engine.interface.Engine`.

    It is up with the first of them; the others join when they are. A replica is supervised as a single engine is; what
    one that is given up has not answered is dropped, and the others go on. EngineError is raised when none is left, and
    OutOfTimeError when that is so at the `deadline`, a moment on the monotonic clock.
    """

    def __init__(
        self, starts: Sequence[Callable[..., Engine]], model: str, emit: Emit, deadline: float = math.inf
    ) -> None:
        self._model, self._emit, self._deadline = model, emit, deadline
        self._news: SimpleQueue[News] = SimpleQueue()
        self._there: dict[int, Joined] = {}
        self._stats: dict[int, EngineStats] = {}
        self._down: float | None = None  # since when no replica is up
        self.restarting = 0.0  # seconds in which none was
        self.complete = math.inf  # the moment since which all of them are there
        self.restarts = 0  # to be given up is one, too
        self._told = ""  # why the last one was
        self._patience = math.inf
        self.limits = Limits(0, 0, 0)
        numbers = count()
        self._keepers = [
            Keeper(start, model, self._news, numbers, patience=lambda: self._patience, deadline=deadline)
            for start in starts
        ]
        self._kept = len(self._keepers)
        for keeper in self._keepers:
            keeper.start()
        try:
            self.started = self._await_one()  # seconds that the first took
            self.restarting = 0.0
        except BaseException:
            self.close()
            raise

    @property
    def replicas(self) -> Sequence[Replica]:
        """See `Engine`."""
        return [joined.replica for joined in self._there.values()]

    @property
    def stats(self) -> EngineStats:
        """See `Engine`."""
        stats = self._stats.values()
        return EngineStats(sum(one.prefilled for one in stats), sum(one.decoded for one in stats))

    def submit(self, requests: Sequence[Request]) -> None:
        """Hand over requests, each to its replica."""
        by_replica: dict[int, list[Request]] = {}
        for request in requests:
            by_replica.setdefault(request.replica, []).append(request)
        for number, theirs in by_replica.items():
            self._there[number].inbox.put(theirs)

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:
        """Return what has finished in any replica; wait a moment if nothing has. See `Engine`."""
        self._patience = patience
        done: list[Completion | Failure] = []
        try:
            done += self._take(self._news.get(timeout=LOOK))
            while not self._news.empty():
                done += self._take(self._news.get())
        except Empty:
            pass
        return done

    def close(self) -> None:
        """Close every replica; one that is not up yet is left to whoever started it."""
        for joined in self._there.values():
            joined.inbox.put(None)  # at once, and not one after the other
        for keeper in self._keepers:
            keeper.end()

    def _await_one(self) -> float:
        """Wait until a replica is there; return how many seconds that took."""
        began = time.monotonic()
        self._emit(EngineStarting(self._model))
        while not self._there:
            self._take(self._news.get())
        took = time.monotonic() - began
        self._emit(EngineStarted(took))
        return took

    def _take(self, news: News) -> list[Completion | Failure]:
        """Take note of what has happened; return what is finished by it."""
        match news:
            case Did(number, worked):
                self._stats[number] = worked.stats
                return worked.done
            case Joined(replica, limits):
                self.limits = limits  # they are alike
                self._there[replica.number] = news
                if len(self._there) == len(self._keepers):
                    self.complete = time.monotonic()
            case Changed(number, up):
                self.restarts += up
                joined = self._there[number]
                replica = replace(joined.replica, restarts=joined.replica.restarts + up, up=up)
                self._there[number] = replace(joined, replica=replica)
            case Left():
                self._leave(news)
            case Warned():
                self._emit(news)
            case Exception():
                raise news
        self._watch()
        return []

    def _watch(self) -> None:
        """Count the time in which no replica is up."""
        up, now = any(replica.up for replica in self.replicas), time.monotonic()
        if up and self._down is not None:
            self.restarting += now - self._down
        self._down = None if up else self._down or now

    def _leave(self, left: Left) -> None:
        """Take note of a replica that is given up, and go on with the others. Raises its error when there is none."""
        self._kept -= not left.again
        if left.number is not None:
            self.restarts += 1
            del self._there[left.number]
        if not self._kept:
            error = left.error
            if time.monotonic() >= self._deadline:
                raise OutOfTimeError("the deadline came, and no replica is left") from error
            raise error
        others = f"going on with {len(self._there)}" if self._there else "none is there now"
        if (why := first_line(left.error)) != self._told:  # all may fail alike
            self._told = why
            self._emit(Warned(f"a replica is given up, {others}: {why}"))
        if left.number is not None and not self._there:
            self._watch()
            self._await_one()


def supervised(
    starts: Sequence[Callable[..., Engine]], model: str, emit: Emit, deadline: float = math.inf
) -> SupervisedEngine | Fleet:
    """Return the engine that some starts make: one that never dies, or a fleet."""
    if len(starts) == 1:
        return SupervisedEngine(starts[0], model, emit, deadline)
    return Fleet(starts, model, emit, deadline)
