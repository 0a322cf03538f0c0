"""The engine: vLLM, offline, fed continuously. Only this module and `vllm_setup` import vllm.

Written against `vllm.LLM.enqueue` and `LLMEngine.step` of vLLM 0.25 to 0.33.
"""

import gc
import math
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Self

from pipelines.corpus.reject import Reason
from pipelines.engine import process, root_cause, vllm_setup
from pipelines.engine.interface import Completion, EngineStats, Failure, Mark, Replica, Request, Sampling, Start, Timing
from pipelines.engine.watchdog import Watchdog
from pipelines.errors import EngineDied, EngineError, first_line
from pipelines.models.catalog import Model

# vLLM's counters of prompt tokens computed, with their source, and of output tokens.
COMPUTED, GENERATED = ("vllm:prompt_tokens_by_source", "local_compute"), "vllm:generation_tokens"
IDLE = 0.0005  # seconds: no step that computes anything is as short
FRESH = 0.25  # seconds that vLLM's counters are good for: reading them takes about two milliseconds
CLOSING = 15.0  # seconds that vLLM's processes are given to end by themselves


class VllmEngine:
    """`vllm.LLM`, stepped by hand. See `pipelines.engine.interface.Engine`.

    `arguments` are any of vLLM's own engine arguments and win over the defaults for the device.
    Raises EngineError, with the root cause and what to do about it in one line, when it does not start, or not within
    `patience` seconds.
    """

    def __init__(self, model: Model, arguments: Mapping[str, Any], patience: float = math.inf) -> None:
        settings = vllm_setup.prepare(model, arguments)
        from vllm import LLM

        self._watchdog, logged = Watchdog(apart=vllm_setup.apart()), process.log_size()
        try:
            with self._watchdog.within(patience):
                self._llm: Any = LLM(**settings)
        except Exception as error:  # vLLM raises whatever its parts raise
            self._watchdog.dismiss()
            why, log = root_cause.explain(error, process.logged_since(logged)), process.log()
            if self._watchdog.bitten:
                why = f"it took more than {patience:,.0f} s"
            raise EngineError(f"vLLM did not start: {why}{f'; more in {log}' if log else ''}") from error
        except BaseException:  # a signal
            self._watchdog.dismiss()
            raise
        core = self._llm.llm_engine.engine_core
        if hasattr(core, "outputs_queue"):  # the engine is another process
            threading.Thread(target=_wake_on_death, args=(core,), daemon=True).start()
        config = self._llm.llm_engine.vllm_config
        self.limits, self.restarts = vllm_setup.limits_of(config), 0
        self.replicas = [Replica(0, config.cache_config.num_gpu_blocks * config.cache_config.block_size)]
        self._stats, self._read = EngineStats(), 0.0
        self._logged = process.log_size()  # why it may die is logged from here on
        self._heard = time.monotonic()  # when it had something to tell
        self._ours: dict[str, Request] = {}
        self._refused: list[Failure] = []

    @classmethod
    def starter(cls, model: Model, arguments: Mapping[str, Any]) -> Start[Self]:
        """Return what starts an engine of the model, with a context that is the arguments' own if they have one."""
        return partial(cls._start, model, arguments)  # which another process can be handed

    @classmethod
    def _start(cls, model: Model, arguments: Mapping[str, Any], *, context: int, patience: float) -> Self:
        return cls(model, {"max_model_len": context, **arguments}, patience)

    @property
    def stats(self) -> EngineStats:
        """What vLLM had counted a moment ago."""
        if time.monotonic() - self._read > FRESH:
            counters = [(m.name, m.labels.get("source"), m) for m in self._llm.get_metrics()]
            self._stats = EngineStats(
                sum(m.value for name, source, m in counters if (name, source) == COMPUTED),
                sum(m.value for name, _, m in counters if name == GENERATED),
            )
            self._read = time.monotonic()
        return self._stats

    def submit(self, requests: Sequence[Request]) -> None:
        """Hand over requests; one that vLLM will not take comes back as a refusal."""
        if not self._ours:
            self._heard = time.monotonic()
        for request in requests:
            try:
                (theirs,) = self._llm.enqueue(
                    {"prompt_token_ids": request.prompt},
                    _sampling_params(request.sampling),
                    priority=[request.priority],
                    use_tqdm=False,
                )
            except _refusals() as error:
                self._refused.append(Failure(request.id, Reason.ENGINE_REFUSED, first_line(error)))
            except Exception as error:
                raise self._death(error) from error
            else:
                # enqueue returns ids like 42-86c85a86; the outputs carry 42.
                self._ours[theirs.partition("-")[0]] = request

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:
        """Run one scheduler step; return what finished in it. See `Engine`."""
        done: list[Completion | Failure] = [*self._refused]
        self._refused.clear()
        if self._ours:
            began = time.monotonic()
            try:
                with self._watchdog.within(patience):
                    outputs = self._llm.llm_engine.step()
            except Exception as error:
                raise self._death(error) from error
            now = time.monotonic()
            if outputs:
                self._heard = now
            elif now - self._heard > patience:
                raise self._silence()
            elif now - began < IDLE:
                time.sleep(IDLE)  # all that is in flight waits for its grammar, which another thread compiles
            done += [_completion(self._ours.pop(output.request_id), output) for output in outputs if output.finished]
        return done

    def reset_prefix_cache(self) -> None:
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
            with self._watchdog.within(CLOSING):
                self._llm.llm_engine.engine_core.shutdown()
            self._llm = None
            gc.collect()
        self._watchdog.dismiss()

    def _silence(self) -> EngineDied:
        return EngineDied("vLLM had nothing to tell for far longer than its work can take")

    def _death(self, error: Exception) -> EngineDied:
        from vllm.v1.engine.exceptions import EngineDeadError

        if self._watchdog.bitten:
            return self._silence()
        logged = process.logged_since(self._logged)
        if not isinstance(error, EngineDeadError):
            return EngineDied(f"vLLM stopped: {root_cause.explain(error, logged)}")
        why = root_cause.find(logged)
        return EngineDied(f"vLLM's engine process died{why and f': {why}'}")


class GenerateEngine(VllmEngine):
    """vLLM the plain way: what was submitted is one call of `LLM.generate`, which returns when all of it is done."""

    def __init__(self, model: Model, arguments: Mapping[str, Any], patience: float = math.inf) -> None:
        super().__init__(model, arguments, patience)
        self._batch: list[Request] = []

    def submit(self, requests: Sequence[Request]) -> None:
        """Put requests into the batch of the next step."""
        self._batch += requests

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:
        """Answer the whole batch."""
        batch, self._batch = self._batch, []
        with self._watchdog.within(patience):
            return self._generate(batch) if batch else []

    def _generate(self, batch: Sequence[Request]) -> list[Completion | Failure]:
        try:
            outputs = self._llm.generate(
                [{"prompt_token_ids": request.prompt} for request in batch],
                [_sampling_params(request.sampling) for request in batch],
                priority=[request.priority for request in batch],
                use_tqdm=False,
            )
        except _refusals() as error:
            if self._llm.llm_engine.has_unfinished_requests():  # it was not about taking them
                raise self._death(error) from error
            if len(batch) == 1:
                return [Failure(batch[0].id, Reason.ENGINE_REFUSED, first_line(error))]
            # vLLM refuses all for one. Which one shows when each is asked by itself.
            return [done for request in batch for done in self._generate([request])]
        except Exception as error:
            raise self._death(error) from error
        return [_completion(request, output) for request, output in zip(batch, outputs, strict=True)]


ENGINES: Mapping[str, type[VllmEngine]] = {"continuous": VllmEngine, "generate": GenerateEngine}


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
        logprob_token_ids=list(sampling.score or sampling.marked) or None,
        detokenize=not sampling.score,
    )


def _completion(request: Request, output: Any) -> Completion | Failure:
    answer, stats = output.outputs[0], output.metrics
    if answer.finish_reason == "abort":  # nobody here asked for that: the engine's process is told to end
        raise EngineDied("vLLM dropped what it was asked")
    first = answer.logprobs[0] if answer.logprobs else {}
    scores = {token: first[token].logprob for token in request.sampling.score if token in first}
    if len(scores) < len(request.sampling.score) or not all(map(math.isfinite, scores.values())):
        return Failure(
            request.id, Reason.NO_SCORES, f"vLLM ended it ({answer.finish_reason}) without a number for every word"
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
            preemptions=getattr(stats, "num_preemptions", 0),  # vLLM 0.25 does not count them by request
        ),
        marks=_marks(request.sampling.marked, answer),
    )


def _marks(marked: Sequence[int], answer: Any) -> list[Mark]:
    places = zip(answer.token_ids, answer.logprobs, strict=True) if marked and answer.logprobs else ()
    return [
        Mark(marked.index(said), tuple(logprobs[token].logprob if token in logprobs else -math.inf for token in marked))
        for said, logprobs in places
        if said in marked
    ]
