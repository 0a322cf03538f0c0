"""The engine: vLLM, offline, fed continuously. The only module that imports vllm.

Written against `vllm.LLM.enqueue` and `LLMEngine.step` of vLLM 0.25 to 0.33.
"""

import gc
import importlib.util
import math
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines import process
from pipelines.engine import Completion, Counted, Limits, Refusal, Request, Sampling, Timing
from pipelines.errors import EngineDied, EngineError
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
# vLLM's counters of prompt tokens computed, with their source, and of output tokens.
COMPUTED, GENERATED = ("vllm:prompt_tokens_by_source", "local_compute"), "vllm:generation_tokens"
FRESH = 0.25  # seconds that vLLM's counters are good for: reading them takes about two milliseconds
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
        raise EngineError(f"vLLM cannot be imported: {_first_line(error)}; see `reviewbatch doctor`") from error
    return Device(current_platform.device_type, current_platform.get_device_name(), __version__)


def limits(model: Model, arguments: Mapping[str, Any]) -> Limits:
    """Say what an engine of this model would be set up for, without loading its weights.

    Raises EngineError when vLLM does not take the arguments.
    """
    settings = _prepare(model, arguments)
    from vllm.engine.arg_utils import EngineArgs
    from vllm.usage.usage_lib import UsageContext

    try:
        config = EngineArgs(**settings).create_engine_config(UsageContext.LLM_CLASS)
    except Exception as error:  # vLLM raises whatever its parts raise
        raise EngineError(f"vLLM would not start: {_first_line(error)}") from error
    return _limits(config)


class VllmEngine:
    """`vllm.LLM`, stepped by hand. See `pipelines.engine.Engine`.

    `arguments` are any of vLLM's own engine arguments and win over the defaults for the device.
    Raises EngineError, with vLLM's reason in one line, when it does not start.
    """

    def __init__(self, model: Model, arguments: Mapping[str, Any]) -> None:
        settings = _prepare(model, arguments)
        from vllm import LLM

        try:
            self._llm: Any = LLM(**settings)
        except Exception as error:  # vLLM raises whatever its parts raise
            raise EngineError(f"vLLM did not start: {_first_line(error)}") from error
        core = self._llm.llm_engine.engine_core
        if hasattr(core, "outputs_queue"):  # the engine is another process
            threading.Thread(target=_wake_on_death, args=(core,), daemon=True).start()
        self._guard = process.guard_children()
        config = self._llm.llm_engine.vllm_config
        self.limits, self.restarts = _limits(config), 0
        self.kv_tokens: int = config.cache_config.num_gpu_blocks * config.cache_config.block_size
        self._counted, self._read = Counted(), 0.0
        self._ours: dict[str, Request] = {}
        self._refused: list[Refusal] = []

    @property
    def counted(self) -> Counted:
        """What vLLM had counted a moment ago."""
        if time.monotonic() - self._read > FRESH:
            counters = [(m.name, m.labels.get("source"), m) for m in self._llm.get_metrics()]
            self._counted = Counted(
                sum(m.value for name, source, m in counters if (name, source) == COMPUTED),
                sum(m.value for name, _, m in counters if name == GENERATED),
            )
            self._read = time.monotonic()
        return self._counted

    def submit(self, requests: Sequence[Request]) -> None:
        """Hand over requests; one that vLLM will not take comes back as a refusal."""
        for request in requests:
            try:
                (theirs,) = self._llm.enqueue(
                    {"prompt_token_ids": request.prompt},
                    _sampling_params(request.sampling),
                    priority=[request.priority],
                    use_tqdm=False,
                )
            except _refusals() as error:
                self._refused.append(Refusal(request.id, "engine-refused", _first_line(error)))
            except Exception as error:
                raise _death(error) from error
            else:
                # enqueue returns ids like 42-86c85a86; the outputs carry 42.
                self._ours[theirs.partition("-")[0]] = request

    def step(self) -> list[Completion | Refusal]:
        """Run one scheduler step; return what finished in it."""
        done: list[Completion | Refusal] = [*self._refused]
        self._refused.clear()
        if self._ours:
            try:
                outputs = self._llm.llm_engine.step()
            except Exception as error:
                raise _death(error) from error
            done += [_completion(self._ours.pop(output.request_id), output) for output in outputs if output.finished]
        return done

    def forget(self) -> None:
        """Empty the prefix cache, so that what follows is as good as the first. Nothing may be in flight.

        Raises EngineError when vLLM still holds on to a part of it.
        """
        for _ in range(10):
            if self._llm.reset_prefix_cache():
                return
            time.sleep(0.1)
        raise EngineError("vLLM did not empty its prefix cache: passes cannot be compared")

    def close(self) -> None:
        """Shut vLLM down and give its memory back; closing again does nothing."""
        self._ours.clear()
        if self._llm is not None:
            self._llm.llm_engine.engine_core.shutdown()
            self._llm = None
            gc.collect()
        if self._guard:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None


class GenerateEngine(VllmEngine):
    """vLLM the plain way: what was submitted is one call of `LLM.generate`, which returns when all of it is done."""

    def __init__(self, model: Model, arguments: Mapping[str, Any]) -> None:
        super().__init__(model, arguments)
        self._batch: list[Request] = []

    def submit(self, requests: Sequence[Request]) -> None:
        """Put requests into the batch of the next step."""
        self._batch += requests

    def step(self) -> list[Completion | Refusal]:
        """Answer the whole batch."""
        batch, self._batch = self._batch, []
        return self._generate(batch) if batch else []

    def _generate(self, batch: Sequence[Request]) -> list[Completion | Refusal]:
        try:
            outputs = self._llm.generate(
                [{"prompt_token_ids": request.prompt} for request in batch],
                [_sampling_params(request.sampling) for request in batch],
                priority=[request.priority for request in batch],
                use_tqdm=False,
            )
        except _refusals() as error:
            if self._llm.llm_engine.has_unfinished_requests():  # it was not about taking them
                raise _death(error) from error
            if len(batch) == 1:
                return [Refusal(batch[0].id, "engine-refused", _first_line(error))]
            # vLLM refuses all for one. Which one shows when each is asked by itself.
            return [done for request in batch for done in self._generate([request])]
        except Exception as error:
            raise _death(error) from error
        return [_completion(request, output) for request, output in zip(batch, outputs, strict=True)]


ENGINES: Mapping[str, type[VllmEngine]] = {"continuous": VllmEngine, "generate": GenerateEngine}


def _prepare(model: Model, arguments: Mapping[str, Any]) -> dict[str, Any]:
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


def _limits(config: Any) -> Limits:
    scheduler, cache = config.scheduler_config, config.cache_config
    return Limits(
        slots=scheduler.max_num_seqs,
        batch_tokens=scheduler.max_num_batched_tokens,
        block=cache.block_size if cache.enable_prefix_caching else 0,
    )


def _death(error: Exception) -> EngineDied:
    from vllm.v1.engine.exceptions import EngineDeadError

    return EngineDied(
        "vLLM's engine process died" if isinstance(error, EngineDeadError) else f"vLLM stopped: {_first_line(error)}"
    )


def _refusals() -> tuple[type[Exception], ...]:
    """Return what vLLM raises about one prompt: a ValueError, in later versions an error of its own."""
    from vllm import exceptions

    return ValueError, getattr(exceptions, "VLLMClientError", ValueError)


def _wake_on_death(core: Any) -> None:
    """Have `step` raise when the engine's process is killed.

    vLLM (0.25 to 0.32) notices and marks the engine as dead, but leaves whoever waits for its output waiting.
    """
    from vllm.v1.engine.exceptions import EngineDeadError

    while not core.resources.engine_dead:
        time.sleep(0.2)
    core.outputs_queue.put(EngineDeadError())


def _sampling_params(sampling: Sampling) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    return SamplingParams(
        temperature=0.0,
        max_tokens=sampling.max_tokens,
        frequency_penalty=sampling.penalty,
        structured_outputs=StructuredOutputsParams(json=sampling.schema) if sampling.schema else None,
        logprob_token_ids=list(sampling.score) or None,
        detokenize=not sampling.score,
    )


def _completion(request: Request, output: Any) -> Completion | Refusal:
    answer, stats = output.outputs[0], output.metrics
    first = answer.logprobs[0] if answer.logprobs else {}
    scores = {token: first[token].logprob for token in request.sampling.score if token in first}
    if len(scores) < len(request.sampling.score) or not all(map(math.isfinite, scores.values())):
        return Refusal(
            request.id, "no-scores", f"vLLM ended it ({answer.finish_reason}) without a number for every word"
        )
    return Completion(
        request.id,
        answer.text,
        scores,
        Timing(
            queued=stats.queued_ts,
            scheduled=stats.scheduled_ts,
            first_token=stats.first_token_ts,
            last_token=stats.last_token_ts,
            prompt_tokens=len(request.prompt),
            cached_tokens=output.num_cached_tokens or 0,
            output_tokens=len(answer.token_ids),
            preemptions=stats.num_preemptions,
        ),
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
