"""Identity: what an answer depends on besides what is asked about."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pipelines.models.catalog import Model
from pipelines.prompts.template import Form

# Engine arguments that change the speed of answers and not the answers. Any other, also one of a later vLLM, may
# change them: another value of it is another question.
SPEED_ARGUMENTS = frozenset({
    "async_scheduling", "block_size", "compilation_config", "cpu_offload_gb", "cudagraph_capture_sizes",
    "disable_custom_all_reduce", "distributed_executor_backend", "enable_chunked_prefill", "enable_prefix_caching",
    "enforce_eager", "gpu_memory_utilization", "kv_cache_memory_bytes", "max_model_len", "max_num_batched_tokens",
    "max_num_seqs", "performance_mode", "pipeline_parallel_size", "scheduling_policy", "tensor_parallel_size",
})  # fmt: skip


def identity(task: str, form: Form, model: Model, arguments: Mapping[str, Any]) -> bytes:
    """Return a digest, 32 bytes, of a prompt's form, the model and what changes its answers."""
    settings = sorted((name, str(value)) for name, value in arguments.items() if name not in SPEED_ARGUMENTS)
    known = repr((task, form, model.fingerprint, settings))
    return hashlib.blake2b(known.encode(), digest_size=32).digest()
