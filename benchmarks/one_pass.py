"""One pass over some tasks, as a child of passes.py: prints what it took as JSON, and keeps what it asked."""

import argparse
import json
import pickle
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from etas import Etas

from cli import screen
from pipelines import cache
from pipelines.clock import Clock
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.dispatch import backlog
from pipelines.dispatch.backlog import Costing
from pipelines.dispatch.loop import Loop
from pipelines.engine.interface import Request
from pipelines.engine.vllm_engine import VllmEngine
from pipelines.ledger.ledger import Ledger
from pipelines.models import catalog
from pipelines.prompts.prompts import Prompts
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages
from pipelines.tasks import QUOTES, WRITTEN, built_in

parser = argparse.ArgumentParser()
parser.add_argument("input")
parser.add_argument("model")
parser.add_argument("tasks", nargs="+")
parser.add_argument("--keep", type=Path)
given = parser.parse_args()


class Watched(VllmEngine):
    """Remembers what it was asked."""

    asked: ClassVar[list[Request]] = []

    def submit(self, requests: Sequence[Request]) -> None:
        """See `VllmEngine`."""
        self.asked.extend(requests)
        super().submit(requests)


def distinct_blocks(prompts: Sequence[list[int]], block_size: int) -> int:
    """Return the tokens of the blocks of the prefix tree, a last one that is not full counted as far as it goes."""
    nodes, tokens = set(), 0
    for prompt in prompts:
        for start in range(0, len(prompt), block_size):
            end = min(start + block_size, len(prompt))
            node = hash((len(prompt[:start]), tuple(prompt[:end])))
            if node not in nodes or end - start < block_size:
                tokens += end - start
            nodes.add(node)
    return tokens


screen.divert(Path("/dev/null"))
model = catalog.find(given.model, cache.folder("models"))
known = built_in(style=WRITTEN if model.writes else QUOTES)
tasks = [known[name] for name in given.tasks]
etas = Etas()
config = Config(tasks=tasks, sources=[Source(given.input)], model=model)
began = time.monotonic()
with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder)) as ledger:
    prompts = Prompts(config.model, config.arguments, config.templates)
    stages = Stages(ledger, prompts, config)
    rows = ingestion(ledger, prompts, stages, config, emit=lambda _: None)
    rows.begin({})
    rows.fill(lambda _: None)
    planned = time.monotonic()
    with closing(Watched(model, {})) as engine:
        up = time.monotonic()
        costing = Costing(
            prompts=prompts, config=config, block_size=engine.limits.block_size, speed=None, clock=Clock()
        )
        todo = backlog.make(ledger, costing)
        done = Loop(ledger, stages, todo, engine, answers=ledger.counts().answers).run(etas)
        block_size = engine.limits.block_size
    count, prompt_tokens, cached, output = ledger._db.execute(  # noqa: SLF001
        "SELECT count(*), sum(prompt_tokens), sum(cached_tokens), sum(output_tokens) FROM request"
    ).fetchone()
    stage_of = dict(ledger._db.execute("SELECT id, stage FROM request"))  # noqa: SLF001
    parsed = ledger._db.execute(  # noqa: SLF001
        "SELECT task, form, count(*), sum(state = 'answered'), sum(attempts > 1) FROM request GROUP BY form"
    ).fetchall()
if given.keep:
    requests = [(stage_of[r.id], r.prompt, r.sampling) for r in Watched.asked]
    given.keep.write_bytes(pickle.dumps((model, requests)))
screen.data(json.dumps({
    "plan_s": planned - began, "start_s": up - planned, "makespan_s": done.makespan_s, "steps": done.steps,
    "requests": count, "prompt_tokens": prompt_tokens, "computed": prompt_tokens - cached, "output_tokens": output,
    **etas.errors(done.makespan_s), "least": distinct_blocks([r.prompt for r in Watched.asked], block_size), "parsed": [*map(tuple, parsed)],
}))  # fmt: skip
