"""The engine: vLLM, offline, fed continuously. The only module that imports vllm.

Written against `vllm.LLM.enqueue` and `LLMEngine.step` of vLLM 0.25 to 0.33.
"""

import ctypes
import gc
import importlib.util
import logging
import math
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.engine import Completion, Refusal, Request, Sampling, Timing
from pipelines.errors import EngineDied, EngineError
from pipelines.models import Model

# An engine process that is forked inherits the ledger's lock and file, and threads half-way through something.
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
# Names that belong to this program, and of which vLLM would warn as unknown to it.
OUR_SWITCHES = ("VLLM_USE_PRIORITY_QUEUE", "VLLM_PRIORITY_BY_PREFILL_COST")


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
    kind = current_platform.device_type
    name = current_platform.get_device_name()
    return Device(kind, name, __version__)


def hide_switches() -> None:
    """Take this program's own VLLM_ names out of the environment, once they have been read."""
    for name in OUR_SWITCHES:
        os.environ.pop(name, None)


class VllmEngine:
    """`vllm.LLM`, stepped by hand. See `pipelines.engine.Engine`.

    `arguments` are any of vLLM's own engine arguments and win over the defaults for the device.
    Raises EngineError, with vLLM's reason in one line, when it does not start.
    """

    def __init__(self, model: Model, arguments: Mapping[str, Any]) -> None:
        if taken := sorted(set(OURS) & arguments.keys()):
            raise EngineError(f"--engine {taken[0]} is not to be set: the program decides it (--model names the model)")
        on = device()
        hide_switches()
        for name, value in (ENVIRONMENT | (CPU_ENVIRONMENT if on.kind == "cpu" else {})).items():
            os.environ.setdefault(name, value)
        if on.kind == "cpu":
            _keep_freed_memory()
        import torch
        from vllm import LLM

        settings = {
            "model": str(model.folder),
            "max_model_len": model.context,
            "disable_log_stats": False,  # the timings of each request come from these
            **(CPU_ARGUMENTS if on.kind == "cpu" else {}),
            **arguments,
        }
        if on.kind == "cpu" and settings["enforce_eager"]:
            # Eager is meant whole: left alone, torch compiles a helper of vLLM's sampler on the first answer, for
            # longer than the helper could ever save here.
            torch.compiler.set_stance("force_eager")
        try:
            self._llm: Any = LLM(**settings)
        except Exception as error:  # vLLM raises whatever its parts raise
            raise EngineError(f"vLLM did not start: {_first_line(error)}") from error
        core = self._llm.llm_engine.engine_core
        if hasattr(core, "outputs_queue"):  # the engine is another process
            threading.Thread(target=_wake_on_death, args=(core,), daemon=True).start()
        self._guard = _guard_children()
        config = self._llm.llm_engine.vllm_config
        self.slots: int = config.scheduler_config.max_num_seqs
        self.kv_tokens: int = config.cache_config.num_gpu_blocks * config.cache_config.block_size
        self._ours: dict[str, Request] = {}
        self._refused: list[Refusal] = []

    def submit(self, requests: Sequence[Request]) -> None:
        """Hand over requests; one that vLLM will not take comes back as a refusal."""
        from vllm.v1.engine.exceptions import EngineDeadError

        for request in requests:
            try:
                (theirs,) = self._llm.enqueue(
                    {"prompt_token_ids": request.prompt},
                    _sampling_params(request.sampling),
                    use_tqdm=False,
                )
            except EngineDeadError as error:
                raise EngineDied("vLLM's engine process died") from error
            except _refusals() as error:
                self._refused.append(Refusal(request.id, "engine-refused", _first_line(error)))
            else:
                # enqueue returns ids like 42-86c85a86; the outputs carry 42.
                self._ours[theirs.partition("-")[0]] = request

    def step(self) -> list[Completion | Refusal]:
        """Run one scheduler step; return what finished in it."""
        from vllm.v1.engine.exceptions import EngineDeadError

        done: list[Completion | Refusal] = [*self._refused]
        self._refused.clear()
        if self._ours:
            try:
                outputs = self._llm.llm_engine.step()
            except EngineDeadError as error:
                raise EngineDied("vLLM's engine process died") from error
            except Exception as error:
                raise EngineDied(f"vLLM stopped: {_first_line(error)}") from error
            done += [_completion(self._ours.pop(output.request_id), output) for output in outputs if output.finished]
        return done

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


def listen(tell: Callable[[str], None]) -> None:
    """Call `tell` with what vLLM logs and a person should know; the rest is for its log alone."""
    logging.getLogger("vllm").addHandler(_Ear(tell))


class _Ear(logging.Handler):
    # Of vLLM's many warnings these cost time or answers; the others are about itself.
    MATTERS = re.compile("preempt|out of memory|KV cache (space|memory)|truncat", re.IGNORECASE)

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno < logging.ERROR and self.MATTERS.search(message):
            self._tell(message)


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


def _guard_children() -> subprocess.Popen[bytes] | None:
    """Have vLLM's processes killed when this one dies in any way; return the guard, None when there are none.

    An engine whose parent was killed with -9 lives on and holds the GPU's memory, so that the next run could not start.
    The guard reads from a pipe that nobody writes to, and which ends with this process.
    """
    children = [str(child.pid) for child in multiprocessing.active_children()]
    if not children:
        return None
    script = "import os, sys; sys.stdin.read(); [os.kill(int(pid), 9) for pid in sys.argv[1:]]"
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", script, *children],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _keep_freed_memory() -> None:
    """Have glibc keep the large buffers that torch frees after every operation, and not fault them in again.

    The first full step takes half as long for it, the others some 6 % less.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


def _sampling_params(sampling: Sampling) -> Any:
    from vllm import SamplingParams

    return SamplingParams(
        temperature=0.0,
        max_tokens=sampling.max_tokens,
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
