"""Records: what goes into the ledger and comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.engine import Timing


@dataclass(frozen=True, slots=True)
class Question:
    """A review as one task asks it: the same `key` is the same question. A task's own have no `seq`."""

    seq: int | None
    key: bytes
    job: int
    text: str


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request that waits: the tokens of its own part of the prompt, and how many rows it answers."""

    id: int
    body: list[int]
    prompt_tokens: int
    rows: int


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job with requests that wait: how many, and the sum of their prompt tokens."""

    id: int
    task: str
    unit: str
    requests: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answered request: what the task read out of it, and its times in seconds since the run's start."""

    request: int
    value: Sequence[float]
    admitted: float
    timing: Timing
