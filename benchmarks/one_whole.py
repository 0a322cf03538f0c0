"""The whole program over a corpus, from its rows to its report, as a child of million.py: prints what it took as JSON."""

import argparse
import gc
import json
import math
import os
import resource
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import made_up
from driver import Peaks

from cli import screen
from cli.main import OBJECTS
from pipelines import cache, run
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.engine.vllm_engine import VllmEngine
from pipelines.events import Event, Progress
from pipelines.ledger.database import NAME
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.models import catalog
from pipelines.tasks import QUOTES, built_in

SEQUENCES = 128  # requests that the made-up engine runs at once


class Watch:
    """Notes when the loop was first and last heard of, and the peaks of memory.

    Stops at a share of the answers, unless the last of them, those about one great restaurant, came all at once.
    """

    def __init__(self, until: float) -> None:
        self._until = until
        self.peaks = Peaks()
        self.first = self.last = math.nan
        self.began_s = self.loop_s = 0.0  # of the processor
        self.answers = 0

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        self.peaks(event)
        if not isinstance(event, Progress):
            return
        self.last, used = time.monotonic(), time.process_time()
        if math.isnan(self.first):
            self.first, self.began_s = self.last, used
        self.answers, self.loop_s = event.answers, used - self.began_s
        if self._until * event.all_answers <= event.answers < event.all_answers:
            raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("output", type=Path)
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--until", type=float, default=math.inf, help="stop when so much of the answers is there")
    parser.add_argument("--real", action="store_true", help="with vLLM and the model tiny")
    given = parser.parse_args()
    gc.set_threshold(OBJECTS)
    began, watch, finished = float(os.environ["BEGAN"]), Watch(given.until), False
    with Ledger(given.output) as ledger, suppress(KeyboardInterrupt):
        screen.divert(given.output / "engine.log")
        model = catalog.find("tiny" if given.real else "smollm2-135m", cache.folder("models"))
        known = built_in(style=QUOTES)
        config = Config(tasks=[known[name] for name in given.tasks], sources=[Source(given.source)], model=model)
        start = VllmEngine.starter(model, {}) if given.real else partial(made_up.start, math.inf, SEQUENCES)
        kept = Measurements(given.output / "measurements.jsonl")
        run.run(ledger, config, [start], kept, facts={}, emit=watch)
        finished = True
    ended = time.monotonic()
    screen.data(json.dumps({
        "finished": finished,
        "answers": watch.answers,
        "seconds": ended - began,
        "processor_s": time.process_time(),
        "first_s": watch.first - began,
        "first_processor_s": watch.began_s,
        "loop_s": watch.last - watch.first,
        "loop_processor_s": watch.loop_s,
        "after_s": ended - watch.last,
        "peaks": watch.peaks.mib,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "bytes": (given.output / NAME).stat().st_size,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
