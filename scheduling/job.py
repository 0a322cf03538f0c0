"""A job: what somebody waits for, as the scheduler sees it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """One restaurant under one task: the requests that have to be answered before it is complete.

    `cost` is in prompt tokens (see `scheduling.cost`), `arrival` in seconds since the run's start,
    `order` is the position of its first row in the input and makes every ranking total.
    """

    id: int
    task: str
    cost: int
    order: int
    arrival: float = 0.0
