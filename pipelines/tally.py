"""The tally: how far the work has come, and how fast it goes."""

from pipelines.engine import Completion, Refusal
from pipelines.events import Progress
from scheduling.speed import Load


class Tally:
    """Counts what has been done of `work`, which should give so many `answers` to rows.

    All of it is `predicted` to take so many seconds, 0 when nobody knows.
    """

    def __init__(self, answers: int, work: Load, predicted: float = 0.0) -> None:
        self._all_answers = answers
        self._all_work = work.size
        self._pace = predicted / self._all_work if self._all_work else 0.0  # seconds for each of it
        self._work = self._in_flight = 0.0
        self._answers = self._rejects = self._prefilled = self._decoded = 0

    def admit(self, load: Load) -> None:
        """Count a request that goes to the engine."""
        self._in_flight += load.size

    def count(self, load: Load, done: Completion | Refusal) -> None:
        """Count a finished request."""
        self._work += load.size
        self._in_flight -= load.size
        if isinstance(done, Completion):
            self._prefilled += done.timing.prompt_tokens - done.timing.cached_tokens
            self._decoded += done.timing.output_tokens

    def settle(self, answered: int, rejected: int) -> None:
        """Count the rows that finished requests stood for."""
        self._answers += answered + rejected
        self._rejects += rejected

    def correct(self, foreseen: Load, found: Load) -> None:
        """Count work that turned out to be another than was foreseen."""
        self._all_work += found.size - foreseen.size

    def expected(self, load: Load, seconds: float) -> float:
        """Return the seconds until a request would be done that is admitted now, at the pace of the `seconds` so far.

        What is in flight goes before it. Before anything is done the predicted pace stands in.
        """
        pace = seconds / self._work if self._work else self._pace
        return (self._in_flight + load.size) * pace

    def progress(self, seconds: float, in_flight: int) -> Progress:
        """Return the state after `seconds`."""
        return Progress(
            seconds=seconds,
            answers=self._answers,
            all_answers=self._all_answers,
            rejects=self._rejects,
            in_flight=in_flight,
            prefilled=self._prefilled,
            decoded=self._decoded,
            share=min(1.0, self._work / self._all_work),
        )
