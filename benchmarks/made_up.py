"""An engine that makes its answers up, at the speed that it is told, in this process or another."""

import json
import math
import time
from collections.abc import Sequence

from pipelines.engine.interface import Completion, EngineStats, Failure, Limits, Replica, Request, Timing


class MadeUp:
    """Computes `speed` prompt tokens a second, of so many `sequences` at once, and has nothing to say about them."""

    replicas = (Replica(0, 1_000_000),)
    restarts = 0

    def __init__(self, speed: float, sequences: int) -> None:
        self._speed = speed
        self.limits = Limits(max_num_seqs=sequences, max_num_batched_tokens=8192, block_size=16)
        self._waiting: list[Request] = []
        self.stats = EngineStats()

    def submit(self, requests: Sequence[Request]) -> None:
        """See `Engine`."""
        self._waiting += requests

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:  # noqa: ARG002
        """Answer what one step of an engine can compute."""
        began, tokens, most = time.monotonic(), 0, self.limits.max_num_batched_tokens
        batch: list[Request] = []
        for request in self._waiting[: self.limits.max_num_seqs]:
            tokens += len(request.prompt)
            if batch and tokens > most:
                tokens -= len(request.prompt)
                break
            batch.append(request)
        del self._waiting[: len(batch)]
        time.sleep(tokens / self._speed)
        self.stats = EngineStats(self.stats.prefilled + tokens, self.stats.decoded + len(batch))
        return [_answered(request, began, time.monotonic()) for request in batch]

    def close(self) -> None:
        """See `Engine`."""


def _answered(request: Request, began: float, ended: float) -> Completion:
    timing = Timing(
        began, began, ended, ended, prompt_tokens=len(request.prompt), cached_tokens=0, output_tokens=1, preemptions=0
    )
    return Completion(request.id, _says(request.sampling.schema), dict.fromkeys(request.sampling.score, -1.0), timing)


def _says(schema: str | None) -> str:
    """Return an answer that a schema takes: of a review that its food is good, or nothing."""
    return json.dumps([["the food", "food", "good"]]) if schema and json.loads(schema).get("type") == "array" else ""


def start(speed: float, sequences: int, *, context: int, patience: float) -> MadeUp:  # noqa: ARG001
    """Start one."""
    return MadeUp(speed, sequences)
