"""A job: what somebody waits for, as the scheduler sees it."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One restaurant under one task: the requests that have to be answered before it is complete.

    `cost` is the prompt tokens that no earlier prompt has computed. `seconds` is what it is predicted to take of the
    engine's time and `latency` what its last answer takes at the least however idle the engine is; both are
    0 while nothing has been measured. `arrival` and `deadline` are seconds since the engine was up, `sla`
    seconds since the arrival. `position` is that of its first row in the input and makes every ranking
    total; `task_rank` is its task's under the policy `task`. A job with a `prefix_sibling` is over the same reviews,
    and goes right after it under every policy. Nobody waits for a `pinned` job: it goes before all others (-1) or
    after them (1), whatever the policy.
    """

    id: int
    task: str
    cost: int
    position: int
    task_rank: int = 0
    arrival: float = 0.0
    seconds: float = 0.0
    latency: float = 0.0
    deadline: float = math.inf
    sla: float = math.inf
    pinned: int = 0
    prefix_sibling: "Job | None" = None

    @property
    def due(self) -> float:
        """The moment by which it should be complete: its deadline or its SLA, whichever is earlier."""
        return min(self.deadline, self.arrival + self.sla)
