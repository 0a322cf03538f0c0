"""The bare script that overhead.py measures against: `LLM.generate`, once, on the same token ids."""

import argparse
import json
import os
import time
from pathlib import Path

from asked import prompts

from cli import screen
from pipelines import cache
from pipelines.engine import vllm_engine
from pipelines.models import catalog

parser = argparse.ArgumentParser()
parser.add_argument("input")
parser.add_argument("limit", type=int)
parser.add_argument("model")
given = parser.parse_args()
began = float(os.environ["BEGAN"])
screen.divert(Path("/dev/null"))
model = catalog.find(given.model, cache.folder("models"))
asked, sampling = prompts(given.input, given.limit, model)
llm = vllm_engine.VllmEngine(model, {})._llm  # noqa: SLF001  the same settings, then nothing but vLLM
up = time.monotonic()
params = vllm_engine._sampling_params(sampling)  # noqa: SLF001
outputs = llm.generate([{"prompt_token_ids": prompt} for prompt in asked], params, use_tqdm=False)
ended = time.monotonic()
screen.data(json.dumps({
    "start_s": up - began,
    "work_s": ended - up,
    "requests": len(outputs),
    "computed_tokens": sum(len(output.prompt_token_ids) - output.num_cached_tokens for output in outputs),
}))  # fmt: skip
