"""Policies: the order in which waiting jobs go. Each is a pure function from a job to its rank."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from scheduling.job import Job

TASK_ORDER: Mapping[str, int] = MappingProxyType({"query-expansion": 1, "sentiment": 2, "summary": 3, "strengths": 4})

Rank = tuple[float, ...]
Policy = Callable[[Job], Rank]


def fifo(job: Job) -> Rank:
    """Arrival, then input order."""
    return (job.arrival, job.order)


def prefill(job: Job) -> Rank:
    """Smallest prefill cost first, ties in input order.

    Shortest job first minimises the mean completion time on one machine
    (Smith, "Various optimizers for single-stage production", 1956).
    """
    return (job.cost, job.order)


def task(job: Job) -> Rank:
    """Light kinds of task first, smallest prefill cost within a kind; a task of one's own goes last."""
    return (TASK_ORDER.get(job.task, len(TASK_ORDER) + 1), job.cost, job.order)


POLICIES: Mapping[str, Policy] = MappingProxyType({"fifo": fifo, "prefill": prefill, "task": task})
DEFAULT = "prefill"


def named_by_switches(*, priority_queue: bool, by_prefill_cost: bool) -> str | None:
    """Return the policy that the two environment switches ask for, None when they ask for none."""
    if not priority_queue:
        return "fifo"
    return None if by_prefill_cost else "task"
