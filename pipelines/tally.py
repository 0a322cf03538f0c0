"""The tally: how far the work has come, and how fast it goes."""

from pipelines.engine import Completion, Refusal
from pipelines.events import Progress
from pipelines.outlook import Outlook
from pipelines.records import StoredRequest
from scheduling.speed import REQUEST


class Tally:
    """Counts what has been done of `outlook`, every request of which begins with `shared` common tokens.

    Work is counted in prompt tokens that are not shared, and what a request costs besides them.
    """

    def __init__(self, shared: int, outlook: Outlook) -> None:
        self._shared = shared
        self._all_rows = outlook.waiting
        self._all_work = outlook.prompt_tokens - outlook.requests * (shared - REQUEST)
        self._work = self._in_flight = 0.0
        self._rows = self._rejects = self._prefilled = self._decoded = 0

    def admit(self, request: StoredRequest) -> None:
        """Count a request that goes to the engine."""
        self._in_flight += self._of(request)

    def count(self, request: StoredRequest, done: Completion | Refusal) -> None:
        """Count a finished request."""
        self._rows += request.rows
        self._work += self._of(request)
        self._in_flight -= self._of(request)
        if isinstance(done, Refusal):
            self._rejects += request.rows
        else:
            self._prefilled += done.timing.prompt_tokens - done.timing.cached_tokens
            self._decoded += done.timing.output_tokens

    def expected(self, request: StoredRequest, seconds: float) -> float:
        """Return the seconds until a request would be done that is admitted now, at the pace of the `seconds` so far.

        What is in flight goes before it. Before anything is done there is no pace, and 0 is returned.
        """
        return (self._in_flight + self._of(request)) * seconds / self._work if self._work else 0.0

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
