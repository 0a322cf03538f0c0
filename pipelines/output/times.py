"""Times: how long requests and jobs took, out of the ledger. All are in seconds since the engine was up."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.ledger import history

# What a request's times are from, and to: columns of `history.request_times`.
ARRIVAL, SCHEDULED, FIRST_TOKEN, LAST_TOKEN = range(4)
SPANS = {
    "queue_wait_s": (ARRIVAL, SCHEDULED),
    "ttft_s": (ARRIVAL, FIRST_TOKEN),
    "prefill_s": (SCHEDULED, FIRST_TOKEN),
    "decode_s": (FIRST_TOKEN, LAST_TOKEN),
    "completion_s": (ARRIVAL, LAST_TOKEN),
}
TITLES = {
    "queue wait": "queue_wait_s",
    "TTFT": "ttft_s",
    "prefill": "prefill_s",
    "decode": "decode_s",
    "completion": "completion_s",
}
STATISTICS = ("mean", "p50", "p90", "p99")

Distribution = dict[str, float | None]


def of_requests(db: sqlite3.Connection, run: int, task: str | None = None) -> dict[str, Distribution]:
    """Return how each of a request's times is distributed over those answered in the run, of a task or of all."""
    times = _table(history.request_times(db, run, task), 4)
    return {name: _distribution(times[:, to] - times[:, since]) for name, (since, to) in SPANS.items()}


def of_jobs(db: sqlite3.Connection, facts: Mapping[str, Any], task: str | None = None) -> dict[str, Any]:
    """Return when the jobs of the last run were complete, of a task or of all, and how many of them in time.

    Every job arrived when the engine was up. One is complete with its last answer, also where another job sent
    the request; in time if that was within the task's SLA and before the deadline of its rows, where it has either.
    """
    slas = facts.get("sla", {})
    # A job that is not there yet has no number in its place.
    rows = [(slas.get(name, np.inf), *moments) for name, *moments in history.job_times(db, task)]
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    sla, scheduled, ended, incomplete, deadline = table.T
    ended = np.where(incomplete > 0, np.nan, ended)
    due = np.fmin(sla, deadline - facts.get("engine_up", 0.0))
    promised = np.isfinite(due)
    promises, met = int(promised.sum()), int((ended <= due)[promised].sum())
    makespan = facts.get("makespan_s") or float(np.nanmax(ended, initial=0.0))
    waits = scheduled[np.isfinite(scheduled)]
    return {
        "count": len(table),
        "completed": int(np.isfinite(ended).sum()),
        "completion_s": _distribution(ended[np.isfinite(ended)]),
        "wait_s": _distribution(waits),
        "longest_wait_s": float(waits.max()) if len(waits) else None,
        "promised": promises,
        "met": met,
        "sla_attainment": met / promises if promises else None,
        "goodput_per_min": met / makespan * 60 if promises and makespan else None,
    }


def _table(rows: Iterable[tuple[float, ...]], columns: int) -> NDArray[np.float64]:
    return np.fromiter(rows, dtype=np.dtype((np.float64, columns)))


def _distribution(values: NDArray[np.float64]) -> Distribution:
    if not len(values):
        return dict.fromkeys(STATISTICS)
    p50, p90, p99 = np.quantile(values, (0.5, 0.9, 0.99)).tolist()
    return {"mean": float(values.mean()), "p50": p50, "p90": p90, "p99": p99}
