"""Records: what goes into the ledger and comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.engine import Timing


@dataclass(frozen=True, slots=True)
class Question:
    """A review as one task asks it: the same `key` is the same question.

    A task's own questions have a `seq` below 0. `deadline` is in seconds since the epoch.
    """

    seq: int
    key: bytes
    job: int
    text: str
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request that waits: the tokens of its own part of the prompt, and whether more than one job asks it."""

    id: int
    body: list[int]
    prompt_tokens: int
    shared: bool


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job with requests that wait: how many, and the sum of their prompt tokens.

    `deadline` is the earliest of its rows', in seconds since the epoch.
    """

    id: int
    task: str
    unit: str
    deadline: float | None
    requests: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Flight:
    """A request in the engine: for which job, since when, and how many of its tokens should be in the cache."""

    request: StoredRequest
    job: int
    admitted: float
    expected_cached: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answered request: what the task read out of it, and its times in seconds since the run's start."""

    flight: Flight
    value: Sequence[float]
    timing: Timing
