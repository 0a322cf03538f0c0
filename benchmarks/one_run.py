"""One run of the program, as a child of overhead.py: prints what it took as JSON."""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import busy
from etas import Etas

from cli import screen
from pipelines import cache, run
from pipelines.config import Config
from pipelines.corpus import sources
from pipelines.engine import vllm_setup
from pipelines.engine.interface import Engine, Start
from pipelines.engine.local import Local
from pipelines.engine.vllm_engine import VllmEngine
from pipelines.events import EngineStarted, Event, Progress
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.models import catalog
from pipelines.models.catalog import Model
from pipelines.tasks import TASKS


class Moments:
    """When the engine was up, and when the first answer was there."""

    def __init__(self) -> None:
        self.up = self.first = 0.0
        self.etas = Etas()

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        now = time.monotonic()
        if isinstance(event, EngineStarted):
            self.up = now
        if isinstance(event, Progress) and event.answers:
            self.first = self.first or now
        self.etas(event)


def engines(model: Model, replicas: int, timed: Path, after: ExitStack) -> Sequence[Start[Engine]]:
    if not replicas:
        return [partial(busy.start, VllmEngine.starter(model, {}), timed)]
    told, places = vllm_setup.apart_from_each_other(model, {}, replicas)
    starter = partial(busy.start, VllmEngine.starter(model, told), timed)
    return after.enter_context(closing(Local(starter, places))).starts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("input")
    parser.add_argument("limit", type=int)
    parser.add_argument("model")
    parser.add_argument("--measurements", type=Path)
    parser.add_argument("--replicas", type=int, default=0, help="in processes of their own; 0 is one in this process")
    given = parser.parse_args()
    began, moments = float(os.environ["BEGAN"]), Moments()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as timed:
        output = Path(folder)
        with Ledger(output) as ledger, ExitStack() as after:
            screen.divert(output / "engine.log")
            model = catalog.find(given.model, cache.folder("models"))
            config = Config(
                tasks=[TASKS["sentiment"]],
                sources=sources.find([given.input], output=output).sources,
                limit=given.limit,
                model=model,
                arguments={},
            )
            starts = engines(model, given.replicas, Path(timed), after)
            kept = Measurements(given.measurements or output / "measurements.jsonl")
            report = run.run(ledger, config, starts, kept, facts={}, emit=moments)
        lost = busy.lost(Path(timed))

    makespan = report["run"]["makespan_s"]
    task = report["tasks"]["sentiment"]
    screen.data(json.dumps({
        "start_s": moments.up - began,
        "first_answer_s": moments.first - began,
        "makespan_s": makespan,
        "lost": lost,
        **moments.etas.errors(makespan),
        "requests": task["requests"],
        "computed_tokens": task["prompt_tokens"] - task["cached_tokens"],
        "cached_tokens": task["cached_tokens"],
        "expected_cached_tokens": task["expected_cached_tokens"],
        "predicted": report["run"].get("predicted"),
        "steps": report["run"]["steps"],
        "dry_steps": report["run"]["dry_steps"],
    }))  # fmt: skip


if __name__ == "__main__":  # a replica imports it again
    main()
