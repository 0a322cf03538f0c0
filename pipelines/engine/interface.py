"""What the run needs of an engine, and what goes in and out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Protocol, TypeVar

from pipelines.corpus.reject import Reason


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a request is to be answered.

    `score` lists token ids whose log probabilities are wanted for the first output position;
    with `max_tokens=1` that is a single forward pass and nothing is generated. What is generated follows `schema`,
    a JSON Schema as text. Tokens lose `penalty` for every time they have been said (vLLM's `frequency_penalty`).
    `marked` lists token ids whose log probabilities are wanted wherever one of them is said.
    """

    max_tokens: int
    score: tuple[int, ...] = ()
    schema: str | None = None
    penalty: float = 0.0
    _: KW_ONLY
    marked: tuple[int, ...] = ()

    def roomier(self) -> "Sampling":
        """Return the same with four times the room for the answer."""
        return replace(self, max_tokens=4 * self.max_tokens)


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt to the engine, as token ids; of those that wait in it, the lowest `priority` goes first.

    Of an engine of several replicas, the one of this number is to answer it.
    """

    id: int
    prompt: list[int]
    sampling: Sampling
    _: KW_ONLY
    priority: int = 0
    replica: int = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """When a request was where, in seconds on the engine's monotonic clock, and what it used."""

    queued: float
    scheduled: float
    first_token: float
    last_token: float
    _: KW_ONLY
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    preemptions: int

    def since(self, zero: float) -> "Timing":
        """Return the same with its times counted from `zero`."""
        return Timing(
            self.queued - zero,
            self.scheduled - zero,
            self.first_token - zero,
            self.last_token - zero,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            output_tokens=self.output_tokens,
            preemptions=self.preemptions,
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in an answer where a marked token was said: which of them, and the natural-log probability of each.

    They are numbered as `Sampling.marked` has them. Where the answer follows a schema, the probabilities are among what
    that allows there.
    """

    said: int
    logprobs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished request: its text, the natural-log probabilities of the scored token ids, and its marks in order."""

    id: int
    text: str
    scores: Mapping[int, float]
    timing: Timing
    _: KW_ONLY
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that got no answer: the engine would not take it, or what it said, `raw`, is no answer."""

    id: int
    reason: Reason
    detail: str
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What an engine is set up for.

    As in vLLM, `max_num_seqs` sequences run at once, `max_num_batched_tokens` prompt tokens are computed in one step,
    and the prefix cache keeps KV blocks of `block_size` tokens, 0 where it is off. Numbers have the format `dtype`:
    bfloat16, float32, ...
    """

    max_num_seqs: int
    max_num_batched_tokens: int
    block_size: int
    dtype: str = ""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Prompt tokens computed and output tokens decoded since an engine was started, of unfinished requests, too."""

    prefilled: int = 0
    decoded: int = 0


@dataclass(frozen=True, slots=True)
class Replica:
    """One of the engines that an engine is made of: its number, and the tokens that fit its KV cache.

    It may have been started again so many times, which empties its prefix cache, and is not `up` meanwhile.
    """

    number: int
    kv_cache_tokens: int
    restarts: int = 0
    up: bool = True


E_co = TypeVar("E_co", bound="Engine", covariant=True)


class Start(Protocol[E_co]):
    """Starts an engine for prompts and answers of so many tokens together, in `patience` seconds at most.

    Raises EngineError when it does not start.
    """

    def __call__(self, *, context: int, patience: float) -> E_co:
        """Return the engine."""


class Engine(Protocol):
    """A started engine."""

    @property
    def limits(self) -> Limits:
        """What it is set up for."""

    @property
    def replicas(self) -> Sequence[Replica]:
        """The engines that it is made of, one or more; what a replica that is not there any more had is dropped."""

    @property
    def stats(self) -> EngineStats:
        """What it has done."""

    @property
    def restarts(self) -> int:
        """How often it died and was started again."""

    def submit(self, requests: Sequence[Request]) -> None:
        """Hand over requests; they finish, or are refused, in later steps."""

    def step(self, patience: float) -> list[Completion | Failure]:
        """Let the engine work once; return what finished.

        Raises EngineDied when it has stopped, or has had nothing to tell for `patience` seconds.
        """

    def close(self) -> None:
        """Give its memory back; requests in flight are dropped."""
