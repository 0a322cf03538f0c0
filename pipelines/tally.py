"""The tally: how far the work has come."""

from pipelines.engine import Completion, Refusal
from pipelines.events import Progress
from pipelines.outlook import Outlook
from pipelines.records import StoredRequest

# What a request costs besides its own tokens, in tokens: scheduling, sampling, the attention to the
# header that stands before it. Chosen, not fitted; benchmarks/overhead.py prints how far off the ETA is with it.
OVERHEAD = 16


class Tally:
    """Counts what has been done of `outlook`, every request of which begins with `shared` common tokens."""

    def __init__(self, shared: int, outlook: Outlook) -> None:
        self._shared = shared
        self._all_rows = outlook.waiting
        self._all_work = outlook.prompt_tokens - outlook.requests * (shared - OVERHEAD)
        self._work = self._rows = self._rejects = self._prefilled = self._decoded = 0

    def count(self, request: StoredRequest, done: Completion | Refusal) -> None:
        """Count a finished request."""
        self._rows += request.rows
        self._work += request.prompt_tokens - self._shared + OVERHEAD
        if isinstance(done, Refusal):
            self._rejects += request.rows
        else:
            self._prefilled += done.timing.prompt_tokens - done.timing.cached_tokens
            self._decoded += done.timing.output_tokens

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
