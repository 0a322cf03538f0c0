"""Read, tokenise, cost and order a synthetic corpus, as a child of million.py: everything but the engine."""

import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from pipelines import agenda, cache, models, plan
from pipelines.agenda import Costing
from pipelines.desk import Desk
from pipelines.feed import Feed
from pipelines.order import Order
from pipelines.store import Ledger
from pipelines.tasks import TASKS

source = sys.argv[1]
model = models.find("smollm2-135m", cache.folder("models"))
order = Order(tasks=[TASKS["sentiment"]], sources=[source], columns={}, limit=None, model=model, arguments={})
with tempfile.TemporaryDirectory(dir=Path(source).parent) as folder, closing(Ledger(Path(folder))) as ledger:
    began = time.monotonic()
    ledger.begin({})
    desk = Desk(ledger, order)
    plan.fill(ledger, desk, plan.rows(order), order, lambda _: None)
    filled = time.monotonic()
    todo = agenda.make(ledger, Costing(desk, order, 32, None, time.time()))
    first = Feed(todo.queue(), ledger.requests).peek(0.0)
    ended = time.monotonic()
    outlook = ledger.outlook()
print(json.dumps({
    "fill_s": filled - began, "order_s": ended - filled, "rows": outlook.rows, "requests": outlook.requests,
    "jobs": len(todo.jobs), "prompt_tokens": outlook.prompt_tokens, "first": first is not None and first[0].id,
}))  # fmt: skip
