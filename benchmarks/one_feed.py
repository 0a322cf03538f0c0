"""One pass of a task that generates, fed one way or the other, as a child of feeding.py: prints what it took as JSON."""

import argparse
import hashlib
import json
import tempfile
import time
from contextlib import closing
from pathlib import Path

from transformers import AutoTokenizer

from cli import screen
from pipelines import agenda, cache, models, plan, run
from pipelines.engine import Completion, Sampling
from pipelines.order import Order
from pipelines.prompt import Frame
from pipelines.store import Ledger
from pipelines.tasks import Sentiment
from pipelines.tokenizer import Tokenizer
from pipelines.vllm_engine import ENGINES

parser = argparse.ArgumentParser()
parser.add_argument("input")
parser.add_argument("limit", type=int)
parser.add_argument("model")
parser.add_argument("feed")
parser.add_argument("slots", type=int)
given = parser.parse_args()
model = models.find(given.model, cache.folder("models"))


class Gist(Sentiment):
    """The review in one sentence: answers of very different lengths, ended by the model or after 128 tokens."""

    name = "gist"
    anchors = ()

    def __init__(self, _: Tokenizer) -> None:
        turns = [{"role": "user", "content": "What does this review say? Answer in one sentence.\n\nREVIEW"}]
        chat = AutoTokenizer.from_pretrained(model.folder)
        text = chat.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        head, tail = (tuple(chat(part, add_special_tokens=False)["input_ids"]) for part in text.split("REVIEW"))
        self.frame = Frame(head, tail, Sampling(max_tokens=128))

    def parse(self, completion: Completion) -> list[float]:
        """Return the text as a number."""
        digest = hashlib.blake2b(completion.text.encode(), digest_size=6).digest()
        return [float(int.from_bytes(digest))]


arguments = {"max_num_seqs": given.slots}
order = Order(
    task=Gist, sources=[given.input], columns={}, limit=given.limit, model=model, arguments=arguments,
    feed=given.feed, calibration="raw",
)  # fmt: skip
screen.divert(Path("/dev/null"))
with tempfile.TemporaryDirectory() as folder, closing(Ledger(Path(folder))) as ledger:
    ledger.begin({})
    task = plan.fill(ledger, plan.rows(order), order, lambda _: None)
    with closing(ENGINES[given.feed](model, arguments)) as engine:
        todo = agenda.make(ledger, ledger.outlook(), task, order, engine.limits.block, None, time.time())
        done = run.work(ledger, todo, engine, task, order, lambda _: None)
    answers = [answer for *_, answer in ledger.answers(task.name)]
    output, longest = ledger._db.execute("SELECT sum(output_tokens), max(output_tokens) FROM request").fetchone()  # noqa: SLF001
screen.data(json.dumps({
    "makespan_s": done.makespan_s, "steps": done.steps, "dry_steps": done.dry_steps, "requests": len(answers),
    "output_tokens": output, "longest": longest, "answers": hashlib.blake2b(repr(answers).encode()).hexdigest(),
}))  # fmt: skip
