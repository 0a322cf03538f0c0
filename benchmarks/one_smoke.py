"""The bare script that smoke.py measures against: vLLM imported, loaded and asked once. Prints when it was where."""

import json
import sys
import time
from pathlib import Path


def now(what: str) -> None:
    print(f"{what} {time.monotonic()}", flush=True)


given = json.loads(Path(sys.argv[1]).read_text())
from vllm import LLM, SamplingParams  # noqa: E402  what is timed

now("imports")
llm = LLM(**given["settings"])
now("engine")
params = SamplingParams(temperature=0.0, max_tokens=1, logprob_token_ids=given["score"], detokenize=False)
prompts = [{"prompt_token_ids": prompt} for prompt in given["prompts"]]
llm.generate(prompts[:1], params, use_tqdm=False)
now("first")
llm.generate(prompts[1:], params, use_tqdm=False)
now("work")
