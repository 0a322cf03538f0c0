"""A review, and what takes its place when a row holds none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Review:
    """One usable row; `row` counts from 1 in its `source` file, `deadline` is in seconds since the epoch."""

    review_id: str
    restaurant_id: str
    text: str
    source: str
    row: int
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row or a request that got no answer, and why.

    `reason` is one of a few fixed words, to count by; `detail` is for a person.
    """

    source: str
    row: int
    reason: str
    detail: str
    review_id: str | None = None
    task: str | None = None
    stage: int | None = None
