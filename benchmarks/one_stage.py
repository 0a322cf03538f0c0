"""A bare script that asks what one_pass.py kept, one `LLM.generate` a stage, as a child of passes.py."""

import json
import os
import pickle
import sys
import time
from pathlib import Path

from cli import screen
from pipelines import process, vllm_engine

screen.divert(Path("/dev/null"))
folder, requests = pickle.loads(Path(sys.argv[1]).read_bytes())
for name, value in vllm_engine.CPU_ENVIRONMENT.items():
    os.environ.setdefault(name, value)
process.keep_freed_memory()
import torch  # noqa: E402
from vllm import LLM  # noqa: E402

torch.compiler.set_stance("force_eager")
llm = LLM(
    model=str(folder), max_model_len=8192, disable_log_stats=False, **vllm_engine.CPU_ARGUMENTS,
    structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
)  # fmt: skip
began = time.monotonic()
for stage in sorted({stage for stage, *_ in requests}):
    asked = [(prompt, sampling) for of, prompt, sampling in requests if of == stage]
    llm.generate(
        [{"prompt_token_ids": prompt} for prompt, _ in asked],
        [vllm_engine._sampling_params(sampling) for _, sampling in asked],  # noqa: SLF001
        use_tqdm=False,
    )
screen.data(json.dumps({"makespan_s": time.monotonic() - began}))
