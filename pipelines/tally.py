"""The tally: how far the work has come, and how fast it goes."""

from pipelines.engine import Completion, Refusal
from pipelines.events import Progress
from pipelines.outlook import Outlook
from pipelines.records import StoredRequest
from scheduling.speed import REQUEST


class Tally:
    """Counts what has been done of `outlook`, every request of which begins with `shared` common tokens.

    Work is counted in prompt tokens that are not shared, and what a request costs besides them. All of it is
    `predicted` to take so many seconds, 0 when nobody knows.
    """

    def __init__(self, shared: int, outlook: Outlook, predicted: float = 0.0) -> None:
        self._shared = shared
        self._all_rows = outlook.waiting
        self._all_work = outlook.prompt_tokens - outlook.requests * (shared - REQUEST)
        self._pace = predicted / self._all_work if self._all_work else 0.0  # seconds for each of it
        self._work = self._in_flight = 0.0
        self._rows = self._rejects = self._prefilled = self._decoded = 0

    def admit(self, request: StoredRequest) -> None:
        """Count a request that goes to the engine."""
        self._in_flight += self._of(request)

    def count(self, request: StoredRequest, done: Completion | Refusal) -> None:
        """Count a finished request."""
        self._work += self._of(request)
        self._in_flight -= self._of(request)
        if isinstance(done, Completion):
            self._prefilled += done.timing.prompt_tokens - done.timing.cached_tokens
            self._decoded += done.timing.output_tokens

    def settle(self, answered: int, rejected: int) -> None:
        """Count the rows that finished requests stood for."""
        self._rows += answered + rejected
        self._rejects += rejected

    def expected(self, request: StoredRequest, seconds: float) -> float:
        """Return the seconds until a request would be done that is admitted now, at the pace of the `seconds` so far.

        What is in flight goes before it. Before anything is done the predicted pace stands in.
        """
        pace = seconds / self._work if self._work else self._pace
        return (self._in_flight + self._of(request)) * pace

    def progress(self, seconds: float, in_flight: int) -> Progress:
        """Return the state after `seconds`."""
        return Progress(
            seconds=seconds,
            rows=self._rows,
            all_rows=self._all_rows,
            rejects=self._rejects,
            in_flight=in_flight,
            prefilled=self._prefilled,
            decoded=self._decoded,
            share=self._work / self._all_work,
        )

    def _of(self, request: StoredRequest) -> float:
        return request.prompt_tokens - self._shared + REQUEST
