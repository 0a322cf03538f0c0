"""What a run tells while it goes on. The CLI draws these; nothing below it knows how."""

from collections.abc import Callable
from dataclasses import dataclass

from scheduling.speed import Prediction


@dataclass(frozen=True, slots=True)
class Reading:
    """The corpus is being read: rows so far."""

    rows: int


@dataclass(frozen=True, slots=True)
class Asking:
    """What is to be asked about restaurants as a whole is being worked out: so many of them are done."""

    restaurants: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The corpus has been read and the work is known: its rows, and the requests left to answer, some for anchors."""

    rows: int
    answered: int
    rejected: int
    requests: int
    anchors: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """So many answers are kept of another vLLM, or another number format, than this run's; None where unknown."""

    answers: int
    vllm: str | None
    dtype: str | None


@dataclass(frozen=True, slots=True)
class Ordered:
    """So many jobs have been put in order: by which policy, why by that one, and what it should take."""

    jobs: int
    policy: str
    why: str
    prediction: Prediction | None


@dataclass(frozen=True, slots=True)
class Passing:
    """A comparison does the work once more: under which policy, and for the how-manieth time of how many."""

    policy: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Unpacking:
    """A model is being made ready, which happens once."""

    model: str


@dataclass(frozen=True, slots=True)
class Examining:
    """A model is being examined, which happens once: a part of it begins."""

    part: str


@dataclass(frozen=True, slots=True)
class EngineStarting:
    """The engine is being loaded, the longest wait."""

    model: str


@dataclass(frozen=True, slots=True)
class EngineStarted:
    """The engine is up, after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class JobName:
    """A job as people call it: a restaurant as the input has it or a query's text, and its task if there are several.

    So many different `reviews` of it have no answer yet, if it asks about each by itself.
    """

    name: str
    task: str = ""
    reviews: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The work so far, in totals since the engine was up.

    Of `all_answers`, one for each row and task, `answers` are there or rejected, `rejects` of them rejected.
    `prefilled` counts prompt tokens computed (cached ones are not), `decoded` output tokens. `share` of the planned
    work is done, and the rest takes `eta` seconds at the pace of late, as predicted before there is one, or None.
    A few jobs are named: those that were `done` last, the latest first, and those that should be `next`.
    """

    seconds: float
    answers: int
    all_answers: int
    rejects: int
    in_flight: int
    prefilled: int
    decoded: int
    share: float
    eta: float | None
    restarts: int = 0
    done: tuple[JobName, ...] = ()
    next: tuple[JobName, ...] = ()


@dataclass(frozen=True, slots=True)
class WritingResults:
    """The work has ended, and tables and report are being written."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that was decided for a person who has not said it."""

    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know, though the run goes on."""

    text: str


Event = (
    Reading | Asking | Planned | KeptAnswers | Ordered | Passing | Unpacking | Examining | EngineStarting
    | EngineStarted | Progress | WritingResults | Noted | Warned
)  # fmt: skip
Emit = Callable[[Event], None]
