"""The cache key: what an answer depends on besides what is asked about."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.models.catalog import Model
from pipelines.prompts.template import PromptTemplate

# Engine arguments that change the speed of answers and not the answers. Any other, also one of a later vLLM, may
# change them: another value of it is another question.
SPEED_ARGUMENTS = frozenset({
    "async_scheduling", "block_size", "compilation_config", "cpu_offload_gb", "cudagraph_capture_sizes",
    "disable_custom_all_reduce", "distributed_executor_backend", "enable_chunked_prefill", "enable_prefix_caching",
    "enforce_eager", "gpu_memory_utilization", "kv_cache_memory_bytes", "max_model_len", "max_num_batched_tokens",
    "max_num_seqs", "performance_mode", "pipeline_parallel_size", "scheduling_policy", "tensor_parallel_size",
})  # fmt: skip


def key(salt: bytes, parts: Iterable[str]) -> bytes:
    """Return what a question is known by, 16 bytes, of its form's identity and its parts."""
    digest = hashlib.blake2b(key=salt, digest_size=16)
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.digest()


def identity(
    task: str, form: PromptTemplate, model: Model, arguments: Mapping[str, Any], *, chat: bool = False
) -> bytes:
    """Return a digest, 32 bytes, of a prompt's form, the model and what changes its answers.

    `chat` says whether the model is told the form's conversation.
    """
    settings = sorted((name, str(value)) for name, value in arguments.items() if name not in SPEED_ARGUMENTS)
    # Every answer that people's ledgers keep is known by this text: were it worded anew, all would be asked anew.
    template = (
        f"Form(head={form.shared_prefix!r}, tail={form.suffix!r}, max_tokens={form.max_tokens!r}, "
        f"words={form.words!r}, schema={form.schema!r}, penalty={form.penalty!r})"
    )
    text = f"({task!r}, {template}, {model.fingerprint!r}, {settings!r})"
    if form.marks:
        text += f" marks={form.marks!r}"
    if chat and form.chat:
        text += f" chat={form.chat.messages!r}"
    return hashlib.blake2b(text.encode(), digest_size=32).digest()
