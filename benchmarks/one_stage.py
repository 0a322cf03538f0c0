"""A bare script that asks what one_pass.py kept, one `LLM.generate` a stage, as a child of passes.py."""

import json
import pickle
import sys
import time
from pathlib import Path

from cli import screen
from pipelines.engine import vllm_engine

screen.divert(Path("/dev/null"))
model, requests = pickle.loads(Path(sys.argv[1]).read_bytes())
llm = vllm_engine.VllmEngine(model, {})._llm  # noqa: SLF001  the same settings, then nothing but vLLM
began = time.monotonic()
for stage in sorted({stage for stage, *_ in requests}):
    asked = [(prompt, sampling) for of, prompt, sampling in requests if of == stage]
    llm.generate(
        [{"prompt_token_ids": prompt} for prompt, _ in asked],
        [vllm_engine._sampling_params(sampling) for _, sampling in asked],  # noqa: SLF001
        use_tqdm=False,
    )
screen.data(json.dumps({"makespan_s": time.monotonic() - began}))
