"""A forecast: when each job would be complete under a policy, by letting the queue run in predicted time."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType

from scheduling.job import Job
from scheduling.policy import DEFAULT, POLICIES
from scheduling.queue import JobQueue

AUTO = "auto"  # the policy that picks one, by the forecast
ALIKE = 1.001  # forecasts that differ by less are the same


@dataclass(frozen=True, slots=True)
class Finish:
    """A job with its predicted completion, in seconds since the run's start."""

    job: Job
    end: float


def forecast(queue: JobQueue) -> list[Finish]:
    """Drain the queue in predicted time and return when each job would go and be complete.

    The engine is taken for one machine that works without a pause; a job's last answer takes its `latency`
    besides, while the next jobs are already under way.
    """
    finishes: list[Finish] = []
    now = 0.0
    while queue:
        job = queue.pop(now).job
        finishes.append(Finish(job, now + job.seconds + job.latency))
        now += job.seconds
    return finishes


def completion(finishes: Iterable[Finish]) -> float:
    """Mean seconds until a job is complete."""
    return fmean(f.end - f.job.arrival for f in finishes if not f.job.pinned)


def makespan(finishes: Iterable[Finish]) -> float:
    """Seconds until the last job is complete."""
    return max(f.end for f in finishes)


def lateness(finishes: Iterable[Finish]) -> float:
    """Share of jobs that miss their deadline or SLA."""
    return fmean(f.end > f.job.due for f in finishes if not f.job.pinned)


OBJECTIVES: Mapping[str, Callable[[Iterable[Finish]], float]] = MappingProxyType({
    "completion": completion, "makespan": makespan, "sla": lateness,
})  # fmt: skip


def choose(objective: str, jobs: Sequence[Job], *, ageing: float = 0.0, max_wait: float = math.inf) -> str:
    """Return the policy whose forecast serves the objective best; of those that are alike, whose jobs wait least.

    The jobs need predicted seconds. The default policy wins every tie.
    """
    if all(job.pinned for job in jobs):
        return DEFAULT
    score = OBJECTIVES[objective]
    forecasts = {name: forecast(JobQueue(POLICIES[name], jobs, ageing=ageing, max_wait=max_wait)) for name in POLICIES}
    best = min(map(score, forecasts.values()))
    alike = [name for name, finishes in forecasts.items() if score(finishes) <= best * ALIKE]
    least = min(completion(forecasts[name]) for name in alike)
    return next(name for name in (DEFAULT, *alike) if name in alike and completion(forecasts[name]) <= least * ALIKE)
