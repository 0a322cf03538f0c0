"""The driver: everything of a run but its engines. A ledger to ask, and engines that make their answers up."""

import gc
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import synthetic

from cli.main import OBJECTS
from pipelines import cache
from pipelines.clock import Clock
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.dispatch import backlog
from pipelines.dispatch.backlog import Costing
from pipelines.dispatch.loop import Loop
from pipelines.engine.fleet import Fleet
from pipelines.engine.interface import Engine
from pipelines.events import Event, Progress
from pipelines.ledger.database import NAME
from pipelines.ledger.ledger import Ledger
from pipelines.models import catalog
from pipelines.output import results
from pipelines.prompts.prompts import Prompts
from pipelines.questions.corpus import Corpus
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages
from pipelines.tasks import TASKS

CORPUS = "reviews.parquet"
gc.set_threshold(OBJECTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What a ledger's work took: seconds by the clock, and by the processor for this process and for the loop.

    The prompts have so many tokens, the `longest` of them so many. Writing the results took `write_s`. `peaks` are this
    process's peak resident memory in MiB after each tenth of the answers.
    """

    replicas: int
    requests: int
    tokens: int
    longest: int
    seconds: float
    processor_s: float
    loop_s: float
    write_s: float
    peaks: Sequence[float]


class Peaks:
    """Notes the peak memory of this process after each tenth of a run's answers."""

    def __init__(self) -> None:
        self.mib: list[float] = []

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Progress) and event.answers >= (len(self.mib) + 1) / 10 * event.all_answers:
            self.mib.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def fill(folder: Path, rows: int) -> float:
    """Fill a ledger with the questions of so many made-up reviews; return the seconds that took once they were written."""
    folder.mkdir()
    synthetic.write(folder / CORPUS, rows)
    config = _config(folder)
    prompts = Prompts(config.model, config.arguments, config.templates)
    began = time.monotonic()
    with Ledger(folder) as ledger:
        taken = ingestion(ledger, prompts, Stages(ledger, prompts, config), config, emit=lambda _: None)
        taken.begin({})
        taken.fill(lambda _: None)
    return time.monotonic() - began


def read(folder: Path) -> float:
    """Read the rows of a filled ledger's corpus and do nothing with them; return the seconds that took."""
    began = time.monotonic()
    for _ in Corpus(_config(folder)):
        pass
    return time.monotonic() - began


def drive(filled: Path, starts: Sequence[Callable[..., Engine]]) -> Driven:
    """Do the work of a copy of a filled ledger with replicas that are all there when it begins."""
    config = _config(filled)
    prompts = Prompts(config.model, config.arguments, config.templates)
    made = [partial(start, context=prompts.context) for start in starts]
    with tempfile.TemporaryDirectory(dir=filled) as copy:
        shutil.copy(filled / NAME, copy)
        with Ledger(Path(copy)) as ledger, closing(Fleet(made, config.model.name, lambda _: None)) as fleet:
            while len(fleet.replicas) < len(starts):
                fleet.step()
            counts, peaks = ledger.counts(), Peaks()
            block_size = fleet.limits.block_size
            costing = Costing(prompts=prompts, config=config, block_size=block_size, speed=None, clock=Clock())
            todo = backlog.make(ledger, costing)
            stages = Stages(ledger, prompts, config)
            loop = Loop(ledger, stages, todo, fleet, answers=counts.answers)
            ordered, process, thread = costing.clock.now(), time.process_time(), time.thread_time()
            stats = loop.run(peaks)
            ended, process_ended, thread_ended = time.monotonic(), time.process_time(), time.thread_time()
            results.write(ledger, stages, prompts, config, emit=lambda _: None)
            return Driven(
                replicas=len(starts),
                requests=counts.requests,
                tokens=counts.prompt_tokens,
                longest=max(counts.longest.values()),
                seconds=stats.makespan_s - ordered,
                processor_s=process_ended - process,
                loop_s=thread_ended - thread,
                write_s=time.monotonic() - ended,
                peaks=peaks.mib,
            )


def _config(folder: Path) -> Config:
    model = catalog.find("smollm2-135m", cache.folder("models"))
    return Config(tasks=[TASKS["sentiment"]], sources=[Source(str(folder / CORPUS))], model=model)
