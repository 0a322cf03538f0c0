"""Read, tokenise, cost and order a synthetic corpus, as a child of million.py: everything but the engine."""

import gc
import json
import sys
import tempfile
import time
from pathlib import Path

from cli.main import OBJECTS
from pipelines import cache
from pipelines.clock import Clock
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.dispatch import backlog
from pipelines.dispatch.backlog import Costing
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.ledger.ledger import Ledger
from pipelines.models import catalog
from pipelines.prompts.prompts import Prompts
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages
from pipelines.tasks import TASKS

gc.set_threshold(OBJECTS)
source = sys.argv[1]
model = catalog.find("smollm2-135m", cache.folder("models"))
config = Config(tasks=[TASKS["sentiment"]], sources=[Source(source)], model=model)
with tempfile.TemporaryDirectory(dir=Path(source).parent) as folder, Ledger(Path(folder)) as ledger:
    began = time.monotonic()
    prompts = Prompts(config.model, config.arguments, config.templates)
    stages = Stages(ledger, prompts, config)
    rows = ingestion(ledger, prompts, stages, config, emit=lambda _: None)
    rows.begin({})
    rows.fill(lambda _: None)
    filled = time.monotonic()
    costing = Costing(prompts=prompts, config=config, block_size=32, speed=None, clock=Clock())
    todo = backlog.make(ledger, costing)
    first = RequestQueue(todo.queue(), ledger.requests.waiting).peek(0.0)
    ended = time.monotonic()
    counts = ledger.counts()
print(json.dumps({
    "fill_s": filled - began, "order_s": ended - filled, "rows": counts.rows, "requests": counts.requests,
    "jobs": len(todo.jobs), "prompt_tokens": counts.prompt_tokens, "first": first is not None and first[0].id,
}))  # fmt: skip
