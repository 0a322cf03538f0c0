"""One run of the program, as a child of overhead.py: prints what it took as JSON."""

import argparse
import json
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path

from etas import Etas

from cli import screen
from pipelines import cache, run
from pipelines.config import Config
from pipelines.corpus import sources
from pipelines.engine import vllm_engine
from pipelines.events import EngineStarted, Event, Progress
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.models import catalog
from pipelines.tasks import TASKS

parser = argparse.ArgumentParser()
parser.add_argument("input")
parser.add_argument("limit", type=int)
parser.add_argument("model")
parser.add_argument("--measurements", type=Path)
given = parser.parse_args()
began = float(os.environ["BEGAN"])
up = first = 0.0
etas = Etas()


def note(event: Event) -> None:
    global up, first  # noqa: PLW0603
    now = time.monotonic()
    if isinstance(event, EngineStarted):
        up = now
    if isinstance(event, Progress) and event.answers:
        first = first or now
    etas(event)


with tempfile.TemporaryDirectory() as folder:
    output = Path(folder)
    with closing(Ledger(output)) as ledger:
        screen.divert(output / "engine.log")
        model = catalog.find(given.model, cache.folder("models"))
        config = Config(
            tasks=[TASKS["sentiment"]],
            sources=sources.find([given.input], output=output).sources,
            limit=given.limit,
            model=model,
            arguments={},
        )
        kept = Measurements(given.measurements or output / "measurements.jsonl")
        report = run.run(ledger, config, vllm_engine.VllmEngine.starter(model, {}), kept, facts={}, emit=note)

makespan = report["run"]["makespan_s"]
task = report["tasks"]["sentiment"]
screen.data(json.dumps({
    "start_s": up - began,
    "first_answer_s": first - began,
    "makespan_s": makespan,
    **etas.errors(makespan),
    "requests": task["requests"],
    "computed_tokens": task["prompt_tokens"] - task["cached_tokens"],
    "cached_tokens": task["cached_tokens"],
    "expected_cached_tokens": task["expected_cached_tokens"],
    "predicted": report["run"].get("predicted"),
    "steps": report["run"]["steps"],
    "dry_steps": report["run"]["dry_steps"],
}))  # fmt: skip
