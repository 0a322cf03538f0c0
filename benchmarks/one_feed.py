"""One pass of a task that generates, fed one way or the other, as a child of feeding.py: prints what it took as JSON."""

import argparse
import hashlib
import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from cli import screen
from pipelines import cache
from pipelines.clock import Clock
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.dispatch import backlog
from pipelines.dispatch.backlog import Costing
from pipelines.dispatch.loop import Loop
from pipelines.engine.interface import Completion, Sampling
from pipelines.engine.vllm_engine import ENGINES
from pipelines.ledger.ledger import Ledger
from pipelines.models import catalog
from pipelines.prompts import prompts as prompts_module
from pipelines.prompts.prompts import Prompts
from pipelines.prompts.template import PromptTemplate, TokenizedTemplate
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages
from pipelines.tasks.answer_schema import AnswerSchema
from pipelines.tasks.extraction import Extraction

parser = argparse.ArgumentParser()
parser.add_argument("input")
parser.add_argument("limit", type=int)
parser.add_argument("model")
parser.add_argument("feed")
parser.add_argument("slots", type=int)
given = parser.parse_args()
model = catalog.find(given.model, cache.folder("models"))


class Gist(Extraction):
    """The review in one sentence: answers of very different lengths, ended by the model or after 128 tokens."""

    def parse(self, _: str, completion: Completion) -> dict[str, Any]:
        """Return the text as it is."""
        return {"gist": completion.text}


# The turns of a chat are special tokens, which a form's text cannot hold.
turns = [{"role": "user", "content": "What does this review say? Answer in one sentence.\n\nREVIEW"}]
chat = AutoTokenizer.from_pretrained(model.folder)
parts = chat.apply_chat_template(turns, tokenize=False, add_generation_prompt=True).split("REVIEW")
prefix, suffix = (tuple(chat(part, add_special_tokens=False)["input_ids"]) for part in parts)
spoken = TokenizedTemplate(prefix, suffix, Sampling(128), template=PromptTemplate("", ""))
setattr(prompts_module, "tokenize", lambda *_, **__: spoken)  # noqa: B010
gist = Gist(
    name="gist", about="", unit="review", forms={"ask.en": PromptTemplate("", "")}, columns=(), answer=AnswerSchema(())
)

arguments = {"max_num_seqs": given.slots}
config = Config(
    tasks=[gist], sources=[Source(given.input)], limit=given.limit, model=model, arguments=arguments,
    feed=given.feed, calibration="raw",
)  # fmt: skip
screen.divert(Path("/dev/null"))
with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder)) as ledger:
    prompts = Prompts(config.model, config.arguments, config.templates)
    stages = Stages(ledger, prompts, config)
    rows = ingestion(ledger, prompts, stages, config, emit=lambda _: None)
    rows.begin({})
    rows.fill(lambda _: None)
    with closing(ENGINES[given.feed](model, arguments)) as engine:
        costing = Costing(
            prompts=prompts, config=config, block_size=engine.limits.block_size, speed=None, clock=Clock()
        )
        todo = backlog.make(ledger, costing)
        done = Loop(ledger, stages, todo, engine, answers=ledger.counts().answers).run(lambda _: None)
    answers = [row.value for row in ledger.requests.answered_rows("gist")]
    output, longest = ledger._db.execute("SELECT sum(output_tokens), max(output_tokens) FROM request").fetchone()  # noqa: SLF001
screen.data(json.dumps({
    "makespan_s": done.makespan_s, "steps": done.steps, "dry_steps": done.dry_steps, "requests": len(answers),
    "output_tokens": output, "longest": longest, "answers": hashlib.blake2b(repr(answers).encode()).hexdigest(),
}))  # fmt: skip
