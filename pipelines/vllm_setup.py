"""The set-up: what vLLM runs on here, and what it is told."""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines import process, root_cause
from pipelines.engine import Limits
from pipelines.errors import EngineError, first_line
from pipelines.models import Model

# An engine process that is forked inherits the ledger's lock and file, and half-finished threads.
ENVIRONMENT = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn"}
# Measured on a 2-core CPU: in one process, with threads left to the OS, prefill is twice as fast and
# the start takes 17 s in place of 44 s. They are read when the engine is made; what a person sets wins.
CPU_ENVIRONMENT = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
CPU_ARGUMENTS: Mapping[str, Any] = {
    "enforce_eager": True,  # compiling takes longer than most jobs do
    "block_size": 32,  # the smallest it takes: finer blocks share more of a common prefix
    "gpu_memory_utilization": 0.5,  # a share of the free memory, also on CPU; 0.92 fails on a machine in use
    "kv_cache_memory_bytes": 4 << 30,
}
# What this program decides itself: the model is known by its files, the scores by what they are.
OURS = ("model", "tokenizer", "skip_tokenizer_init", "runner", "convert", "logprobs_mode", "disable_log_stats")


@dataclass(frozen=True, slots=True)
class Device:
    """What vLLM found: `kind` is cpu, cuda, rocm, ...; `name` is the device's own."""

    kind: str
    name: str
    vllm: str


def device() -> Device:
    """Ask vLLM what it runs on. Raises EngineError when vLLM is missing or cannot be imported."""
    if importlib.util.find_spec("vllm") is None:
        raise EngineError(
            "vLLM is not installed: pip install 'reviewbatch[gpu]' on a CUDA machine, `make venv` for the CPU set"
        )
    try:
        from vllm import __version__
        from vllm.platforms import current_platform
    except (ImportError, RuntimeError) as error:
        raise EngineError(f"vLLM cannot be imported: {first_line(error)}; see `reviewbatch doctor`") from error
    return Device(current_platform.device_type, current_platform.get_device_name(), __version__)


def limits(model: Model, arguments: Mapping[str, Any]) -> Limits:
    """Say what an engine of this model would be set up for, without loading its weights.

    Raises EngineError when vLLM does not take the arguments.
    """
    settings = prepare(model, arguments)
    from vllm.engine.arg_utils import EngineArgs
    from vllm.usage.usage_lib import UsageContext

    try:
        config = EngineArgs(**settings).create_engine_config(UsageContext.LLM_CLASS)
    except Exception as error:  # vLLM raises whatever its parts raise
        raise EngineError(f"vLLM would not start: {root_cause.explain(error, '')}") from error
    return limits_of(config)


def prepare(model: Model, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Set the process up for vLLM on its device, and return what vLLM is to be told."""
    if taken := sorted(set(OURS) & arguments.keys()):
        raise EngineError(f"--engine {taken[0]} is not to be set: the program decides it (--model names the model)")
    on = device()
    process.hide_switches()
    for name, value in (ENVIRONMENT | (CPU_ENVIRONMENT if on.kind == "cpu" else {})).items():
        os.environ.setdefault(name, value)
    settings = {
        "model": str(model.folder),
        "max_model_len": model.context,
        "disable_log_stats": False,  # the timings of each request come from these
        # Left free to, a small model fills JSON with white space.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "scheduling_policy": "priority",  # of what is in flight, too, the best goes first and the worst is preempted
        **(CPU_ARGUMENTS if on.kind == "cpu" else {}),
        **arguments,
    }
    if on.kind == "cpu":
        process.keep_freed_memory()
        if settings["enforce_eager"]:
            import torch

            # Eager is meant whole: left alone, torch compiles a helper of vLLM's sampler on the first answer, for
            # longer than the helper could ever save here.
            torch.compiler.set_stance("force_eager")
    return settings


def limits_of(config: Any) -> Limits:
    """Return what a configuration of vLLM's sets an engine up for."""
    scheduler, cache = config.scheduler_config, config.cache_config
    return Limits(
        slots=scheduler.max_num_seqs,
        batch_tokens=scheduler.max_num_batched_tokens,
        block=cache.block_size if cache.enable_prefix_caching else 0,
    )
