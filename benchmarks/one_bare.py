"""The bare script that overhead.py measures against: `LLM.generate`, once, on the same token ids."""

import argparse
import json
import os
import time
from itertools import chain
from pathlib import Path

from cli import screen
from pipelines import cache, corpus, models, vllm_engine
from pipelines.item import REVIEWS, Item
from pipelines.prompt import frame
from pipelines.tasks.sentiment import SENTIMENT
from pipelines.tasks.task import one_line
from pipelines.tokenizer import Tokenizer

parser = argparse.ArgumentParser()
parser.add_argument("input")
parser.add_argument("limit", type=int)
parser.add_argument("model")
given = parser.parse_args()
began = float(os.environ["BEGAN"])
screen.divert(Path("/dev/null"))
model = models.find(given.model, cache.folder("models"))
tokenizer = Tokenizer(model.folder)
task = SENTIMENT
asked = frame(task.forms["ask.en"], tokenizer)
rows = chain.from_iterable(corpus.read([given.input], REVIEWS, {}, given.limit))
reviews = [row.text for row in rows if isinstance(row, Item)]
texts = dict.fromkeys(f" {one_line(text)}" for text in chain(reviews, *task.anchors))
prompts = [{"prompt_token_ids": asked.around(body)} for body in tokenizer.encode_all(list(texts))]
llm = vllm_engine.VllmEngine(model, {})._llm  # noqa: SLF001  the same settings, then nothing but vLLM
up = time.monotonic()
params = vllm_engine._sampling_params(asked.sampling)  # noqa: SLF001
outputs = llm.generate(prompts, params, use_tqdm=False)
ended = time.monotonic()
screen.data(json.dumps({
    "start_s": up - began,
    "work_s": ended - up,
    "requests": len(outputs),
    "computed_tokens": sum(len(output.prompt_token_ids) - output.num_cached_tokens for output in outputs),
}))  # fmt: skip
