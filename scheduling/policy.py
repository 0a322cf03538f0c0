"""Policies: the order in which waiting jobs go. Each is a pure function from a job to its rank."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scheduling.job import Job

SMALL = 4096  # prompt tokens; what one step of the engine computes, or half of it
NEAR = 60.0  # seconds of slack below which a deadline is near


# Where a job stands: a group, a key within it, and the input order for ties; lower goes first.
Rank = tuple[int, float, int]


def never(_: Job) -> float:
    """No job is urgent."""
    return math.inf


@dataclass(frozen=True, slots=True)
class Policy:
    """An order: the rank of a job, and the moment from which it goes before all that are not urgent."""

    rank: Callable[[Job], Rank]
    urgent_at: Callable[[Job], float] = never


def fifo(job: Job) -> Rank:
    """Arrival, then input order."""
    return 0, job.arrival, job.position


def prefill(job: Job) -> Rank:
    """Smallest prefill cost first, ties in input order.

    Shortest job first minimises the mean completion time on one machine
    (Smith, "Various optimizers for single-stage production", 1956).
    """
    return 0, job.cost, job.position


def task(job: Job) -> Rank:
    """Lowest rank of the task first, which light ones have; smallest prefill cost within a task."""
    return job.task_rank, job.cost, job.position


def hybrid(job: Job) -> Rank:
    """Small prefill first, smallest first; then the rest, first come first served. See also `near_deadline`."""
    return (0, job.cost, job.position) if job.cost <= SMALL else (1, job.arrival, job.position)


def near_deadline(job: Job) -> float:
    """When the job's slack (time to its deadline, less the time it takes) falls below `NEAR`."""
    return job.deadline - job.seconds - NEAR


def cost(job: Job) -> Rank:
    """Shortest predicted time first, prefill and decode together: `prefill`'s reason, with measured seconds."""
    return 0, job.seconds, job.position


def longest(job: Job) -> Rank:
    """Largest prefill cost first, so that nothing large is left over for an engine that is nearly empty.

    Longest processing time first is within 4/3 of the best makespan on machines side by side
    (Graham, "Bounds on multiprocessing timing anomalies", 1969), which an engine's slots resemble.
    """
    return 0, -job.cost, job.position


POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "prefill": Policy(prefill),
        "fifo": Policy(fifo),
        "task": Policy(task),
        "hybrid": Policy(hybrid, near_deadline),
        "cost": Policy(cost),
        "longest": Policy(longest),
    }
)
DEFAULT = "prefill"


def named_by_switches(*, priority_queue: bool, by_prefill_cost: bool) -> str | None:
    """Return the policy that the two environment switches ask for, None when they ask for none."""
    if not priority_queue:
        return "fifo"
    return None if by_prefill_cost else "task"
