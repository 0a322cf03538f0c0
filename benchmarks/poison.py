"""What one poison row costs: asking suspects in groups, against asking each by itself, as one engine after another dies.

Real vLLM with the tiny model, each request generates some tokens. Death is played: an engine stops when the poison is in
it. Starting another is real.
"""

import argparse
import math
import time
from pathlib import Path
from statistics import median

from cli import screen
from pipelines import cache
from pipelines.engine import supervised
from pipelines.engine.interface import Completion, Failure, Request, Sampling
from pipelines.engine.vllm_engine import VllmEngine
from pipelines.errors import EngineDied
from pipelines.models import catalog

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--in-flight", type=int, default=1024)
parser.add_argument("--tokens", type=int, default=16, help="generated for each request")
parser.add_argument("--repeat", type=int, default=3)
given = parser.parse_args()
POISON, SPLIT = 7, supervised.SPLIT


class Mortal(VllmEngine):
    """Dies of the poison."""

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:
        """Stop when the poison is in it."""
        if any(POISON in request.prompt for request in self._ours.values()):
            raise EngineDied("poison")
        return super().step(patience)


def seconds(split: int) -> tuple[float, float, int]:
    """Return how long it takes until all have an answer but one, how much of it is starting, and the deaths."""
    supervised.SPLIT = split
    starting = 0.0

    def start(patience: float) -> Mortal:
        nonlocal starting
        began = time.monotonic()
        made = Mortal(model, {"kv_cache_memory_bytes": 1 << 28, "max_num_seqs": 256}, patience)
        starting += time.monotonic() - began
        return made

    engine = supervised.SupervisedEngine(start, "tiny", lambda _: None)
    place = given.in_flight * 2 // 3
    requests = [
        Request(n, [100 + n % 800, *range(20, 50), POISON if n == place else 8], Sampling(given.tokens))
        for n in range(given.in_flight)
    ]
    starting, began, done = 0.0, time.monotonic(), 0
    engine.submit(requests)
    while done < given.in_flight:
        done += len(engine.step())
    took = time.monotonic() - began
    engine.close()
    return took, starting, engine.restarts


screen.divert(Path("/dev/null"))
model = catalog.find("tiny", cache.folder("models"))
ratios, asking = [], []
for _ in range(given.repeat):
    (grouped, starts, deaths), (single, start, twice) = seconds(SPLIT), seconds(given.in_flight)
    ratios.append(grouped / single)
    asking.append((grouped - starts) / (single - start))
    screen.say(
        f"in {SPLIT} groups {grouped:.1f} s, of it {starts:.1f} s for {deaths} starts; "
        f"one at a time {single:.1f} s, of it {start:.1f} s for {twice} starts"
    )
screen.say(
    f"one poison row among {given.in_flight:,} in flight: {median(ratios):.2f}x the time of asking singly, "
    f"{median(asking):.2f}x without the starts"
)
