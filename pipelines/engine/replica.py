"""A replica: an engine somewhere else, which works on while requests and what it has done with them travel."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Protocol

from pipelines.engine.interface import Completion, Engine, EngineStats, Failure, Limits, Replica, Request
from pipelines.errors import EngineDied, EngineError

BEAT = 0.25  # seconds after which a replica that works says that it does
LOOK = 0.05  # seconds that a look at what it has done takes at most, so that more can be handed over
CLOSING = 15.0  # seconds that it is given to end by itself
SAME_CLOCK = 0.005  # seconds by which two readings of one clock may be apart


@dataclass(frozen=True, slots=True)
class Up:
    """An engine is up: what it is set up for, the tokens its KV cache has, and its monotonic clock's zero."""

    limits: Limits
    kv_cache_tokens: int
    zero: float


@dataclass(frozen=True, slots=True)
class Worked:
    """It has worked: what has finished, and what it has done so far."""

    done: list[Completion | Failure]
    stats: EngineStats


@dataclass(frozen=True, slots=True)
class Ended:
    """It has not started, or has died: why."""

    why: str


Told = Up | Worked | Ended
Inbox = SimpleQueue[Sequence[Request] | None]  # None has the replica end


class Channel(Protocol):
    """The way to a replica and back."""

    def send(self, requests: Sequence[Request] | None) -> None:
        """Hand over requests, or None for it to end. Raises EOFError when nobody is there any more."""

    def receive(self, seconds: float) -> Told | None:
        """Return what the replica tells next, None when that is nothing for so long.

        Raises EOFError, which may say why, when nobody is there any more.
        """

    def kill(self) -> None:
        """End the replica and all that is below it, whatever it does; again does nothing."""


def serve(start: Callable[[], Engine], inbox: Inbox, tell: Callable[[Told], None]) -> None:
    """Start an engine, have it work on what comes, and tell what it does, until it is to end or has died."""
    try:
        engine = start()
    except EngineError as error:
        tell(Ended(str(error)))
        return
    try:
        (here,) = engine.replicas
        tell(Up(engine.limits, here.kv_cache_tokens, time.time() - time.monotonic()))
        work(engine, inbox, tell)
    except EngineError as error:
        tell(Ended(str(error)))
    finally:
        engine.close()


def work(
    engine: Engine, inbox: Inbox, tell: Callable[[Worked], None], patience: Callable[[], float] = lambda: math.inf
) -> None:
    """Have an engine work on what comes until it is to end; it is given so much `patience` for each step."""
    under_way, told = 0, 0.0
    while True:
        while not under_way or not inbox.empty():
            if (requests := inbox.get()) is None:
                return
            engine.submit(requests)
            under_way += len(requests)
        done = engine.step(patience())
        under_way -= len(done)
        if done or time.monotonic() - told > BEAT:
            tell(Worked(done, engine.stats))
            told = time.monotonic()


class RemoteEngine:
    """The engine of a replica, to be driven through a channel. See `pipelines.engine.interface.Engine`.

    Raises EngineError when it is not up within `patience` seconds.
    """

    def __init__(self, channel: Channel, patience: float) -> None:
        self._channel = channel
        try:
            up = self._up(patience)
        except BaseException:
            channel.kill()
            raise
        self.limits, self.restarts = up.limits, 0
        self.replicas = [Replica(0, up.kv_cache_tokens)]
        self.stats = EngineStats()
        behind = (time.time() - time.monotonic()) - up.zero
        self._behind = behind if abs(behind) > SAME_CLOCK else 0.0  # its clock is, of another machine's than ours
        self._heard = time.monotonic()
        self._under_way = 0

    def submit(self, requests: Sequence[Request]) -> None:
        """Hand over requests. Raises EngineDied when nobody is there any more."""
        if not self._under_way:
            self._heard = time.monotonic()
        self._under_way += len(requests)
        with _there_or(EngineDied):
            self._channel.send(requests)

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:
        """Return what has finished since; wait for it a moment. See `Engine`."""
        with _there_or(EngineDied):
            told = self._channel.receive(LOOK)
        if isinstance(told, Ended):
            raise EngineDied(told.why)
        if not isinstance(told, Worked):
            if self._under_way and time.monotonic() - self._heard > patience:
                self._channel.kill()  # it would not hear that it is to end
                raise EngineDied("a replica had nothing to tell for far longer than its work can take")
            return []
        if told.done or told.stats != self.stats:  # or it is up, and at nothing
            self._heard, self.stats = time.monotonic(), told.stats
        self._under_way -= len(told.done)
        return [self._here(done) for done in told.done] if self._behind else told.done

    def close(self) -> None:
        """End the replica; again does nothing."""
        until = time.monotonic() + CLOSING
        with suppress(EOFError, OSError):  # it has ended, which is what it was to do
            self._channel.send(None)
            while time.monotonic() < until:
                self._channel.receive(LOOK)
        self._channel.kill()

    def _up(self, patience: float) -> Up:
        until = time.monotonic() + patience
        while time.monotonic() < until:
            with _there_or(EngineError):
                told = self._channel.receive(min(1.0, patience))
            match told:
                case Up() as up:
                    return up
                case Ended(why):
                    raise EngineError(why)
        raise EngineError(f"a replica was not up within {patience:,.0f} s")

    def _here(self, done: Completion | Failure) -> Completion | Failure:
        """Return what is finished with the times of this machine's clock."""
        return replace(done, timing=done.timing.since(self._behind)) if isinstance(done, Completion) else done


@contextmanager
def _there_or(kind: type[EngineError]) -> Iterator[None]:
    """Raise an error of a kind where nobody is at the other end any more."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise kind(f"a replica's process died{f': {error}' if str(error) else ''}") from error
