"""Records: what goes into the ledger and comes out of it."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from enum import StrEnum
from typing import Any

from pipelines.corpus import language
from pipelines.engine.interface import Timing
from scheduling.queue import Turn
from scheduling.speed import Work

ANCHORS = ""  # the unit of the job that holds a task's anchors; no restaurant is called that
NOBODY = -1  # the job of what is asked for the sake of other jobs alone
APART = "apart"  # the fact of a run that says what others need to know of a shard
ELSEWHERE = -(1 << 60)  # what is added to the numbers of rows that are another shard's: all are below 0 then


class RequestState(StrEnum):
    """What has become of a request."""

    WAITING = "waiting"
    ANSWERED = "answered"
    REJECTED = "rejected"


class RunStatus(StrEnum):
    """How a run stands: it works, or it has ended for one of these reasons."""

    RUNNING = "running"
    DONE = "done"
    DEADLINE = "deadline"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a form of a task asks about some rows: the same `key` is the same question.

    `seqs` are the rows, or a number below 0 where none is answered by it alone. `body` has the tokens of its own part
    of the prompt, None where the ledger knows the question. Of its `prompt_tokens`, `shared_prefix` begin every prompt
    of the form and `reviews_prefix` those about the same reviews. `expected_output_tokens` counts those after the
    first, which follow `schema` where the form's own is not enough. `too_long` says why it cannot be asked.
    """

    key: bytes
    job: int
    seqs: Sequence[int]
    form: str
    body: list[int] | None = None
    prompt_tokens: int = 0
    shared_prefix: int = 0
    reviews_prefix: int = 0
    expected_output_tokens: float = 0.0
    schema: str | None = None
    too_long: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """A request that waits (see `Question`); `shared` says whether other jobs may ask it, too.

    `again` is true of one that was answered with something that is no answer.
    """

    id: int
    task: str
    form: str
    body: list[int]
    prompt_tokens: int
    shared_prefix: int
    reviews_prefix: int
    expected_output_tokens: float
    schema: str | None
    shared: bool
    again: bool = False

    def work(self, block_size: int, *, after_sibling: bool) -> Work:
        """Return the work that it is; `after_sibling`, the reviews have been computed for another task's job."""
        prefix = self.reviews_prefix if after_sibling else self.shared_prefix
        cached = prefix // block_size * block_size if block_size else 0
        return Work(self.prompt_tokens - cached, 1, self.expected_output_tokens)

    def once_more(self) -> "StoredRequest":
        """Return it as it is asked a second time."""
        return replace(self, again=True)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to add; the rows of a `whole` one are answered together, of another each by itself."""

    id: int
    task: str
    unit: str
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job with requests that wait: of which stage, how many, and the tokens to compute.

    `cost` leaves out the whole KV blocks of what stands before every prompt of a form, `cost_after_sibling` also those
    of the reviews, which another task over the same reviews has in its prompts. `expected_output_tokens` counts those
    after each answer's first. `deadline` is the earliest of its rows', in seconds since the epoch.
    """

    id: int
    task: str
    unit: str
    stage: int
    deadline: float | None
    requests: int
    cost: int
    cost_after_sibling: int
    expected_output_tokens: float


@dataclass(frozen=True, slots=True)
class RestaurantJob:
    """A job about a restaurant as a whole."""

    id: int
    task: str
    unit: str


@dataclass(frozen=True, slots=True)
class Asker:
    """A job that asks a request, and for how many rows it does."""

    job: int
    task: str
    unit: str
    rows: int


@dataclass(frozen=True, slots=True)
class StageRequest:
    """A request of a job as it stands: its answer if it has one, and how many rows it is about."""

    stage: int
    state: RequestState
    answer: Any
    rows: int


@dataclass(frozen=True, slots=True)
class AnsweredRow:
    """A review or a query, in a language, with the answer to it, as the model gave it."""

    id: str
    unit: str
    text: str
    value: Any
    _: KW_ONLY
    lang: str = language.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRow:
    """A row, of an `id` and a `text`, and what it asks: a request of this `key`; `unit` is that of its job.

    What no row of the input asks by itself, an anchor or a question of a later stage, has a `seq` below 0 and neither.
    """

    key: bytes
    form: str
    stage: int
    unit: str
    seq: int
    id: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Flight:
    """A request in the engine: whose turn it was, since when, and how many of its tokens should be in the cache.

    It is in the `replica` of this number, for which it is so much `work`.
    """

    request: StoredRequest
    turn: Turn
    admitted: float
    expected_cached: int
    _: KW_ONLY
    replica: int = 0
    work: Work


@dataclass(frozen=True, slots=True)
class Answer:
    """An answered request: what the task read out of it, and its times in seconds since the engine was up."""

    flight: Flight
    value: Any
    timing: Timing
