"""Times: what the ledger says of how long requests and jobs took. All are in seconds since the engine was up."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.ledger.database import NAME, read
from pipelines.measurements import Measured
from scheduling.speed import Slice

SPANS = {
    "queue_wait_s": "scheduled - arrival",
    "ttft_s": "first_token - arrival",
    "prefill_s": "first_token - scheduled",
    "decode_s": "last_token - first_token",
    "completion_s": "last_token - arrival",
}
TITLES = {
    "queue wait": "queue_wait_s",
    "TTFT": "ttft_s",
    "prefill": "prefill_s",
    "decode": "decode_s",
    "completion": "completion_s",
}
STATISTICS = ("mean", "p50", "p90", "p99")
# A slice of a run has at least so many engine steps and requests, or it says little.
STEPS, REQUESTS, SLICES = 16, 64, 16
POINTS = 300  # of a curve

Distribution = dict[str, float | None]


def of_requests(db: sqlite3.Connection, run: int, task: str | None = None) -> dict[str, Distribution]:
    """Return how each of a request's times is distributed over those answered in the run, of a task or of all."""
    return {name: _distribution(_column(db, formula, run, task)) for name, formula in SPANS.items()}


def of_last_run(db: sqlite3.Connection) -> tuple[dict[str, Distribution], dict[str, Any]]:
    """Return the times of the last run's requests and jobs, whatever their task."""
    run, facts = db.execute("SELECT id, facts FROM run ORDER BY id DESC LIMIT 1").fetchone()
    return of_requests(db, run), of_jobs(db, json.loads(facts))


def of_jobs(db: sqlite3.Connection, facts: Mapping[str, Any], task: str | None = None) -> dict[str, Any]:
    """Return when the jobs of the last run were complete, of a task or of all, and how many of them in time.

    Every job arrived when the engine was up. One is complete with its last answer, also where another job sent
    the request; in time if that was within the task's SLA and before the deadline of its rows, where it has either.
    """
    slas = facts.get("sla", {})
    rows = db.execute(
        "SELECT task, first_scheduled, last_token, waiting OR failed, deadline FROM job_times "
        "WHERE task = coalesce(?, task) AND unit <> ''",
        (task,),
    )
    # A job that is not there yet has no number in its place.
    numbers = [(slas.get(of, np.inf), *row) for of, *row in rows]
    table = np.array(numbers, dtype=np.float64).reshape(-1, 5)
    sla, scheduled, ended, without, deadline = table.T
    ended = np.where(without > 0, np.nan, ended)
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


def usual_start(folder: Path) -> float:
    """Return the seconds that the engine took to start the last time, 0 when it has not been started here."""
    with closing(read(folder / NAME)) as db:
        found = db.execute(
            "SELECT facts ->> 'engine_start_s' AS took FROM run WHERE took NOT NULL ORDER BY id DESC LIMIT 1"
        ).fetchone()
    return float(found[0]) if found else 0.0


def curves(folder: Path) -> dict[str, list[tuple[float, float]]]:
    """Return how the last run went, as (seconds, value) points: jobs complete, and prompt tokens computed, by then."""
    with closing(read(folder / NAME)) as db:
        (run,) = db.execute("SELECT max(id) FROM run").fetchone()
        jobs = db.execute(
            "SELECT last_token, 1 FROM job_times "
            "WHERE unit <> '' AND NOT waiting AND NOT failed AND last_token NOT NULL"
        )
        requests = db.execute(
            "SELECT first_token, prompt_tokens - cached_tokens FROM request WHERE run = ? AND state = 'answered'",
            (run,),
        )
        return {"jobs complete": _by_then(jobs), "prompt tokens computed": _by_then(requests)}


def measured(folder: Path, steps: int) -> Measured | None:
    """Return what the last run of the folder tells of the engine's speed, None when it was too short to tell."""
    with closing(read(folder / NAME)) as db:
        (run,) = db.execute("SELECT max(id) FROM run").fetchone()
        of_run = "FROM request WHERE run = ? AND state = 'answered'"
        requests, seconds = db.execute(f"SELECT count(*), max(last_token) {of_run}", (run,)).fetchone()
        if requests < REQUESTS:
            return None
        count = max(1, min(SLICES, steps // STEPS, requests // REQUESTS))
        done = np.zeros((count, 3))
        for of, sums in (
            ("first_token", "sum(prompt_tokens - cached_tokens), count(*), 0"),
            ("last_token", "0, 0, sum(output_tokens - 1)"),
        ):
            part = f"min(CAST({of} / ? * ? AS INTEGER), ? - 1)"
            for n, *work in db.execute(
                f"SELECT {part} AS part, {sums} {of_run} GROUP BY part", (seconds, count, count, run)
            ):
                done[n] += work
        answers = db.execute(
            f"SELECT task, count(*), sum(output_tokens - 1), sum(last_token - first_token) {of_run} GROUP BY task",
            (run,),
        ).fetchall()
    return Measured(
        [Slice(seconds / count, *work) for work in done.tolist()],
        {task: (requests, decoded) for task, requests, decoded, _ in answers},
        sum(seconds for *_, seconds in answers),
    )


def _column(db: sqlite3.Connection, formula: str, run: int, task: str | None) -> NDArray[np.float64]:
    sql = f"SELECT {formula} FROM request WHERE run = ? AND task = coalesce(?, task) AND state = 'answered'"
    return _array(value for (value,) in db.execute(sql, (run, task)))


def _by_then(moments: Iterable[tuple[float, int]]) -> list[tuple[float, float]]:
    """Return the running total of (seconds, amount) pairs, as few points as draw the same curve."""
    table = np.fromiter(moments, dtype=np.dtype((np.float64, 2)))
    table = table[table[:, 0].argsort()]
    places = np.unique(np.linspace(0, len(table) - 1, min(len(table), POINTS)).astype(int))
    return [(0.0, 0.0), *zip(table[places, 0].tolist(), table[:, 1].cumsum()[places].tolist(), strict=True)]


def _array(values: Iterable[float]) -> NDArray[np.float64]:
    return np.fromiter(values, dtype=np.float64)


def _distribution(values: NDArray[np.float64]) -> Distribution:
    if not len(values):
        return dict.fromkeys(STATISTICS)
    p50, p90, p99 = np.quantile(values, (0.5, 0.9, 0.99)).tolist()
    return {"mean": float(values.mean()), "p50": p50, "p90": p90, "p99": p99}
