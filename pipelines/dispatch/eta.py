"""The ETA: how far the work has come, and how fast it goes."""

from collections import deque

from pipelines.engine.interface import Completion, EngineStats, Failure
from pipelines.events import Progress
from scheduling.speed import DECODED, Work

# The pace is that of the last quarter of the run, and of no less than so many seconds: one task may follow another.
QUARTER, SECONDS = 0.25, 10.0
# An engine that is silent for so many times as long as all that is in it should take is hung, and never sooner than so
# many seconds: a step may compile what it needs.
TIMES, LEAST_PATIENCE = 20.0, 120.0


class Eta:
    """Counts what has been done of `work`, which should give so many `answers` to rows.

    The engine has `stats` so much before. All of it is `predicted` to take so many seconds, 0 when nobody knows.
    What is asked of it is asked with the work `in_flight`, as the size of `Work`, and the `seconds` since the engine
    was up.
    """

    def __init__(self, answers: int, work: Work, stats: EngineStats, predicted: float = 0.0) -> None:
        self._all_answers = answers
        self._all_work = work.size
        self._predicted = predicted / self._all_work if self._all_work else 0.0  # seconds for each of it
        self._zero = self._stats = stats
        self._finished = 0.0
        self._answers = self._rejects = self._prefilled = self._decoded = 0
        self._marks: deque[tuple[float, float]] = deque()  # what had been done after so many seconds

    def finish(self, work: Work, done: Completion | Failure) -> None:
        """Count a finished request."""
        self._finished += work.size
        if isinstance(done, Completion):
            self._prefilled += done.timing.prompt_tokens - done.timing.cached_tokens
            self._decoded += done.timing.output_tokens

    def observe(self, stats: EngineStats) -> None:
        """Take note of what the engine has counted, in which requests under way show."""
        self._stats = stats

    def settle(self, answered: int, rejected: int) -> None:
        """Count the rows that finished requests stood for."""
        self._answers += answered + rejected
        self._rejects += rejected

    def correct(self, foreseen: Work, actual: Work) -> None:
        """Count work that turned out to be another than was foreseen."""
        self._all_work += actual.size - foreseen.size

    def expected(self, work: Work, in_flight: float, seconds: float) -> float:
        """Return the seconds until a request would be done that is admitted now.

        What is in flight goes before it. Before anything is done the predicted pace stands in.
        """
        done = self._done(in_flight)
        pace = self._pace(done, seconds) or (seconds / done if done else self._predicted)
        return (self._under_way(in_flight) + work.size) * pace

    def left(self, in_flight: float, seconds: float) -> float | None:
        """Return the seconds until all is done, None while there is no pace."""
        done = self._done(in_flight)
        pace = self._pace(done, seconds)
        return None if pace is None else max(0.0, self._all_work - done) * pace

    def patience(self, in_flight: float, seconds: float, most: float) -> float:
        """Return how many seconds the engine may be silent; `most` while there is no pace."""
        pace = self._pace(self._done(in_flight), seconds)
        return most if pace is None else min(most, max(LEAST_PATIENCE, TIMES * self._under_way(in_flight) * pace))

    def progress(self, requests: int, in_flight: float, seconds: float) -> Progress:
        """Return how far the work has come, with so many requests in flight.

        Nobody knows how long it takes where more is to be done than was foreseen.
        """
        done = self._done(in_flight)
        left = self._all_work - done
        pace = self._pace(done, seconds) or self._predicted
        if done and (not self._marks or seconds - self._marks[-1][0] > seconds / 100):
            self._marks.append((seconds, done))
        return Progress(
            seconds=seconds,
            answers=self._answers,
            all_answers=self._all_answers,
            rejects=self._rejects,
            in_flight=requests,
            prefilled=max(self._prefilled, self._stats.prefilled - self._zero.prefilled),
            decoded=max(self._decoded, self._stats.decoded - self._zero.decoded),
            share=done / max(self._all_work, done, 1.0),
            eta=max(0.0, left) * pace if pace and (left > 0 or self._answers >= self._all_answers) else None,
        )

    def _under_way(self, in_flight: float) -> float:
        """Return what is in the engine and not done yet."""
        return self._finished + in_flight - self._done(in_flight)

    def _done(self, in_flight: float) -> float:
        """Return what has been done, that of requests under way with it."""
        prefilled = self._stats.prefilled - self._zero.prefilled - self._prefilled
        decoded = self._stats.decoded - self._zero.decoded - self._decoded
        return self._finished + min(in_flight, max(0.0, prefilled) + DECODED * max(0.0, decoded))

    def _pace(self, done: float, seconds: float) -> float | None:
        """Return the seconds that a piece of the work has taken of late, None until there is something to go by.

        The first answer is that of a request alone in an engine that is still warming up, and does not count.
        """
        since = seconds - max(SECONDS, QUARTER * seconds)
        while len(self._marks) > 1 and self._marks[1][0] <= since:
            self._marks.popleft()
        if not self._marks or done <= self._marks[0][1]:
            return None
        then, before = self._marks[0]
        return (seconds - then) / (done - before)
