"""Sizing: how many replicas some work is worth."""

from collections.abc import Mapping
from typing import Any

from pipelines.dispatch.backlog import Backlog
from pipelines.output.page import said
from scheduling.scaling import Bound, Scaling, numbers

SHARED = "replicas on processors share them: only a run can show how fast so many are together"


def figures(
    todo: Backlog, requests: int, start: float | None, names: Mapping[int, str], *, apart: bool
) -> dict[str, Any]:
    """Return what of so many requests each replica does, and what more of them or fewer would make of the work.

    One takes `start` seconds to start. Of those that are not `apart` nobody knows how fast more would be together.
    """
    speeds, (seconds, job) = todo.costing.speeds, todo.longest
    count = len(speeds)
    found: dict[str, Any] = {
        "count": count,
        "speeds": [*speeds],
        "requests_each": requests / count,
        "jobs_each": todo.size / count,
        "engine_start_s": start,
        "longest_request": {"job": names[job], "seconds": seconds} if seconds else None,
        "scaling": [],
        "enough": None,
        "why": "" if apart else SHARED,
    }
    if not apart or not todo.alone or not requests:
        return found
    scaling = Scaling(alone=todo.alone, requests=requests, longest=seconds, start=start, speeds=speeds)
    enough, bound = scaling.enough
    return {
        **found,
        "scaling": [_scaled(scaling, number) for number in numbers(count)],
        "enough": enough,
        "why": f"more than {said.many(enough, 'replica')} would not pay: {_why(scaling, enough, bound)}",
    }


def _scaled(scaling: Scaling, replicas: int) -> dict[str, Any]:
    """Return what so many replicas make of the work."""
    takes, start = scaling.on(replicas).figures(), scaling.start
    return {
        "replicas": replicas,
        **{name: takes[name] for name in ("makespan_s", "low_s", "high_s")},
        "with_start_s": None if start is None else start + takes["makespan_s"],
        "bound_by": scaling.bound(replicas),
    }


def _why(scaling: Scaling, enough: int, bound: Bound) -> str:
    """Return why more replicas than are enough would not pay."""
    if bound == Bound.START:
        takes = said.seconds(scaling.on(enough).makespan)
        return f"the work takes {takes} then, and an engine {said.seconds(scaling.start)} to start"
    if enough >= scaling.requests:
        return f"there are no more than {said.many(enough, 'request')}"
    return f"the longest request takes {said.seconds(scaling.longest)}, and is not divided"
