"""A keeper: a thread that keeps one replica of a fleet going, and tells what becomes of it."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from threading import Event as Flag
from threading import Thread

from pipelines.engine.interface import Engine, Limits, Replica
from pipelines.engine.replica import CLOSING, Inbox, Worked, work
from pipelines.engine.supervised import SupervisedEngine
from pipelines.errors import EngineError
from pipelines.events import EngineStarted, EngineStarting, Event, Warned

LIVES = 3  # how often a replica is tried from the start
PAUSE = 5.0  # seconds between two of them


@dataclass(frozen=True, slots=True)
class Joined:
    """A replica is there, of some limits; what is put into its inbox is answered."""

    replica: Replica
    limits: Limits
    inbox: Inbox


@dataclass(frozen=True, slots=True)
class Changed:
    """A replica is being started again, and is not `up`, or is so again."""

    number: int
    up: bool


@dataclass(frozen=True, slots=True)
class Did:
    """A replica has worked."""

    number: int
    worked: Worked


@dataclass(frozen=True, slots=True)
class Left:
    """The replica of this number is given up, None where it has never been there; the keeper tries `again`, or not."""

    number: int | None
    error: EngineError
    again: bool


News = Joined | Changed | Did | Left | Warned | Exception


class Keeper(Thread):
    """Keeps going what `start` makes, as a single engine is, and puts what happens into `news`.

    What it makes anew after having given one up gets the next of the `numbers`.
    """

    def __init__(
        self,
        start: Callable[..., Engine],
        model: str,
        news: "SimpleQueue[News]",
        numbers: Iterator[int],
        *,
        patience: Callable[[], float],
        deadline: float = math.inf,
    ) -> None:
        super().__init__(daemon=True)
        self._make, self._model, self._news, self._numbers = start, model, news, numbers
        self._patience, self._deadline = patience, deadline
        self._ended = Flag()
        self._number: int | None = None  # of the replica that is there
        self._inbox: Inbox = SimpleQueue()

    def run(self) -> None:
        """Keep a replica going until it is to end, or cannot be."""
        for life in range(LIVES):
            self._number = None
            try:
                self._live()
            except EngineError as error:
                # What has never been up would not be the next time.
                lives = life + 1 < LIVES and (life > 0 or self._number is not None)
                again = lives and time.monotonic() < self._deadline and not self._ended.is_set()
                self._news.put(Left(self._number, error, again))
                if again and not self._ended.wait(PAUSE):
                    continue
            except Exception as error:  # noqa: BLE001  a bug is no less one in a thread
                self._news.put(error)
            return

    def end(self) -> None:
        """Have the replica closed, and wait for that if it is there."""
        self._ended.set()
        self._inbox.put(None)
        if self._number is not None:
            self.join(2 * CLOSING)

    def _live(self) -> None:
        """Keep one replica going. Raises EngineError when that is not possible, or is not any more."""
        with closing(SupervisedEngine(self._make, self._model, self._hear, self._deadline)) as engine:
            if self._ended.is_set():
                return
            self._number, self._inbox = next(self._numbers), SimpleQueue()
            replica = replace(engine.replicas[0], number=self._number)
            self._news.put(Joined(replica, engine.limits, self._inbox))
            work(engine, self._inbox, partial(self._tell, self._number), self._patience)

    def _tell(self, number: int, worked: Worked) -> None:
        self._news.put(Did(number, worked))

    def _hear(self, event: Event) -> None:
        """Pass on what the replica's supervisor tells."""
        match event:
            case EngineStarting() if self._number is not None:
                self._news.put(Changed(self._number, up=False))
            case EngineStarted() if self._number is not None:
                self._news.put(Changed(self._number, up=True))
            case Warned(text):
                who = "a replica" if self._number is None else f"replica {self._number}"
                self._news.put(Warned(f"{who}: {text}"))
