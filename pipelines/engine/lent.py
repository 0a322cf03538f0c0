"""An engine that is lent to several runs, one after the other; none of them closes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.engine.interface import Completion, Engine, EngineStats, Failure, Limits, Request


@dataclass(frozen=True, slots=True)
class LentEngine:
    """See `Engine`."""

    engine: Engine

    @property
    def limits(self) -> Limits:
        """See `Engine`."""
        return self.engine.limits

    @property
    def kv_cache_tokens(self) -> int:
        """See `Engine`."""
        return self.engine.kv_cache_tokens

    @property
    def stats(self) -> EngineStats:
        """See `Engine`."""
        return self.engine.stats

    @property
    def restarts(self) -> int:
        """See `Engine`."""
        return self.engine.restarts

    def submit(self, requests: Sequence[Request]) -> None:
        """See `Engine`."""
        self.engine.submit(requests)

    def step(self, patience: float) -> list[Completion | Failure]:
        """See `Engine`."""
        return self.engine.step(patience)

    def close(self) -> None:
        """Leave it open: it is somebody else's."""
