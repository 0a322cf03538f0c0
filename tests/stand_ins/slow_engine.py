"""An engine that takes its time, in this process or another, and has no model."""

import math
import os
import signal
import time

from pipelines.engine.interface import Completion, EngineStats, Limits, Replica, Timing
from pipelines.errors import EngineDied, EngineError


class SlowEngine:
    """Works on so many tokens a second, four requests at a time.

    The first token of a prompt may ask for a death (1), for one of the process (2), for being stopped (3), or for nothing to come of it (4).
    """

    limits = Limits(max_num_seqs=4, max_num_batched_tokens=4096, block_size=32, dtype="float32")
    replicas = (Replica(0, 100_000),)
    restarts = 0

    def __init__(self, speed: float = math.inf) -> None:
        self.speed, self.left, self.stats, self.closed = speed, [], EngineStats(), False

    def submit(self, requests):
        self.left += requests

    def step(self, patience=math.inf):
        began = time.monotonic()
        batch, self.left = self.left[:4], self.left[4:]
        for request in batch:
            match request.prompt[0]:
                case 1:
                    raise EngineDied("it was deadly")
                case 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                case 3:
                    os.kill(os.getpid(), signal.SIGSTOP)
                case 4:
                    self.left = [request]
                    return []
        tokens = sum(len(request.prompt) for request in batch)
        time.sleep(tokens / self.speed)
        self.stats = EngineStats(self.stats.prefilled + tokens, self.stats.decoded + len(batch))
        now = time.monotonic()
        return [
            Completion(
                request.id, f"{os.getpid()}", dict.fromkeys(request.sampling.score, -1.0),
                Timing(began, began, now, now, prompt_tokens=len(request.prompt), cached_tokens=0, output_tokens=1, preemptions=0),
            )
            for request in batch
        ]  # fmt: skip

    def close(self):
        self.closed = True


def start(speed=math.inf, *, context, patience):
    """Start one."""
    return SlowEngine(speed)


def fail(*, context, patience):
    """Start none."""
    raise EngineError("no card is left")
