"""Read, tokenise, cost and order a synthetic corpus, as a child of million.py: everything but the engine."""

import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from pipelines import corpus, models, plan
from pipelines.store import Ledger
from pipelines.tasks import TASKS
from pipelines.tokenizer import Tokenizer
from scheduling.policy import POLICIES

source = sys.argv[1]
model = models.find("smollm2-135m", models.cache_folder())
tokenizer = Tokenizer(model.folder)
task = TASKS["sentiment"](tokenizer)
with tempfile.TemporaryDirectory(dir=Path(source).parent) as folder, closing(Ledger(Path(folder))) as ledger:
    began = time.monotonic()
    ledger.begin({})
    plan.fill(
        ledger,
        corpus.read([source], {}),
        task,
        tokenizer.encode_all,
        plan.identity(task, model, {}),
        context=model.context,
        anchors=task.anchors,
        emit=lambda _: None,
    )
    filled = time.monotonic()
    queue = plan.queue(ledger, task, POLICIES["prefill"])
    first = next(ledger.requests(queue.pop().id))
    ended = time.monotonic()
    outlook = ledger.outlook()
print(json.dumps({
    "fill_s": filled - began, "order_s": ended - filled, "rows": outlook.rows, "requests": outlook.requests,
    "jobs": len(queue) + 1, "prompt_tokens": outlook.prompt_tokens, "first": first.id,
}))  # fmt: skip
