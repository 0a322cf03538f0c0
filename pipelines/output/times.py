"""Times: how long requests and jobs took, out of the ledger. All are in seconds since the engine was up."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.ledger import history

Numbers = NDArray[np.float64]
Table = NDArray[np.void]
# The columns of `history.request_times` and `history.job_times`; a time that is not there is no number.
REQUEST = np.dtype([
    ("task", np.int64), ("job", np.int64), ("arrival", np.float64), ("scheduled", np.float64),
    ("first_token", np.float64), ("last_token", np.float64), ("computed", np.float64), ("decoded", np.float64),
])  # fmt: skip
JOB = np.dtype([
    ("task", np.int64), ("job", np.int64), ("requests", np.int64), ("cost", np.int64), ("predicted_s", np.float64),
    ("deadline", np.float64), ("first_scheduled", np.float64), ("last_token", np.float64), ("incomplete", np.bool_),
])  # fmt: skip
# What a request's times are from, and to.
SPANS = {
    "queue_wait_s": ("arrival", "scheduled"),
    "ttft_s": ("arrival", "first_token"),
    "prefill_s": ("scheduled", "first_token"),
    "decode_s": ("first_token", "last_token"),
    "completion_s": ("arrival", "last_token"),
}
TITLES = {
    "queue wait": "queue_wait_s",
    "TTFT": "ttft_s",
    "prefill": "prefill_s",
    "decode": "decode_s",
    "completion": "completion_s",
}
STATISTICS = ("mean", "p50", "p90", "p99")
PARTS = 200  # as many as a picture can show

Distribution = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Times:
    """What a run took, read once: a line for each request answered in it, and one for each of its jobs, in input order.

    Both have their `task` by its place among the `tasks`.
    """

    tasks: list[str]
    requests: Table
    jobs: Table

    def of(self, task: str) -> Self:
        """Return those of one task."""
        place = self.tasks.index(task)
        return replace(
            self,
            requests=self.requests[self.requests["task"] == place],
            jobs=self.jobs[self.jobs["task"] == place],
        )

    @property
    def complete(self) -> Table:
        """The jobs that have their last answer, also where another job sent the request."""
        jobs: Table = self.jobs[~self.jobs["incomplete"] & np.isfinite(self.jobs["last_token"])]
        return jobs


def read(db: sqlite3.Connection, run: int) -> Times:
    """Return what the last run took, whose number this is."""
    tasks = history.tasks(db)
    return Times(
        tasks,
        requests=np.fromiter(history.request_times(db, run, tasks), REQUEST),
        jobs=np.fromiter(history.job_times(db, tasks), JOB),
    )


def of_requests(times: Times) -> dict[str, Distribution]:
    """Return how each of a request's times is distributed."""
    return {name: _distribution(times.requests[to] - times.requests[since]) for name, (since, to) in SPANS.items()}


def of_jobs(times: Times, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return when the jobs were complete, and how many of them in time.

    Every job arrived when the engine was up. One is in time if it was complete within its task's SLA and before the
    deadline of its rows, where it has either.
    """
    jobs, slas = times.jobs, facts.get("sla", {})
    ended = np.where(jobs["incomplete"], np.nan, jobs["last_token"])
    sla = np.array([slas.get(task, np.inf) for task in times.tasks], dtype=np.float64)[jobs["task"]]
    due = np.fmin(sla, jobs["deadline"] - facts.get("engine_up", 0.0))
    promised = np.isfinite(due)
    promises, met = int(promised.sum()), int((ended <= due)[promised].sum())
    makespan = facts.get("makespan_s") or float(np.nanmax(ended, initial=0.0))
    completions = times.complete["last_token"]
    waits = jobs["first_scheduled"][np.isfinite(jobs["first_scheduled"])]
    return {
        "count": len(jobs),
        "completed": len(completions),
        "completion_s": _distribution(completions),
        "wait_s": _distribution(waits),
        "longest_wait_s": float(waits.max()) if len(waits) else None,
        "promised": promises,
        "met": met,
        "sla_attainment": met / promises if promises else None,
        "goodput_per_min": met / makespan * 60 if promises and makespan else None,
    }


def parts(moments: Numbers, most: int = PARTS) -> Numbers:
    """Return when each of so many equal parts of some things was done, the first one first; of fewer things, each."""
    count = min(len(moments), most)
    ends = -(-np.arange(1, count + 1) * len(moments) // max(count, 1))  # rounded up
    done: Numbers = np.sort(moments)[ends - 1]
    return done


def _distribution(values: Numbers) -> Distribution:
    if not len(values):
        return dict.fromkeys(STATISTICS)
    p50, p90, p99 = np.quantile(values, (0.5, 0.9, 0.99)).tolist()
    return {"mean": float(values.mean()), "p50": p50, "p90": p90, "p99": p99}
