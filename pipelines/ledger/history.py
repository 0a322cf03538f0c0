"""The history: what the runs of a ledger's file did and took, to be read, also while a run writes it.

Times are in seconds since the run's engine was up.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.corpus.reject import Reason
from pipelines.errors import LedgerError
from pipelines.ledger import damage
from pipelines.ledger.cursor import plain
from pipelines.ledger.database import NAME
from pipelines.ledger.records import RunStatus


@dataclass(frozen=True, slots=True)
class Run:
    """A run, by its number; `facts` are what it has written down about itself."""

    number: int
    status: RunStatus
    started: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTotals:
    """What a run did for one task: answered requests and rows, tokens, and seconds until the last answer, if any."""

    reviews: int
    requests: int
    prompt_tokens: int
    expected_cached_tokens: int
    cached_tokens: int
    output_tokens: int
    preemptions: int
    retried: int
    makespan_s: float | None


@dataclass(frozen=True, slots=True)
class TaskDecode:
    """The output tokens after the first of some answered requests of a task, and the seconds that they took."""

    task: str
    requests: int
    output_tokens: int
    seconds: float


@contextmanager
def opened(output: Path) -> Iterator[tuple[sqlite3.Connection, Run]]:
    """Open the ledger of an output folder to read, as it is at one moment, and its last run.

    Raises LedgerError when there has been none.
    """
    if not (output / NAME).exists():
        raise LedgerError(f"no run in {output}: it holds no {NAME}")
    with damage.opened(output / NAME) as db:
        if (run := last_run(db)) is None:
            raise LedgerError(f"no run in {output}: its {NAME} is empty")
        yield db, run


def last_run(db: sqlite3.Connection) -> Run | None:
    """Return the last run, None when there has been none."""
    row = db.execute("SELECT id, status, started, facts FROM run ORDER BY id DESC LIMIT 1").fetchone()
    return row and Run(row["id"], RunStatus(row["status"]), row["started"], json.loads(row["facts"]))


def runs(db: sqlite3.Connection) -> list[Run]:
    """Return all runs, the first one first."""
    rows = db.execute("SELECT id, status, started, facts FROM run ORDER BY id")
    return [Run(row["id"], RunStatus(row["status"]), row["started"], json.loads(row["facts"])) for row in rows]


def last_start(db: sqlite3.Connection) -> float | None:
    """Return the seconds that the engine took to start the last time, None when it has not been started here."""
    row = db.execute(
        "SELECT facts ->> 'engine_start_s' AS took FROM run WHERE took NOT NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return row and float(row["took"])


def tasks(db: sqlite3.Connection) -> list[str]:
    """Return the tasks of the last run's jobs, in the order in which they were asked for."""
    return [row["task"] for row in db.execute("SELECT DISTINCT task FROM job ORDER BY id")]


def totals(db: sqlite3.Connection, run: int, task: str) -> TaskTotals:
    """Return what a run did for a task."""
    (reviews,) = db.execute(
        "SELECT count(*) FROM ask JOIN request ON request.id = ask.request "
        "WHERE ask.task = ? AND run = ? AND state = 'answered' AND seq >= 0",
        (task, run),
    ).fetchone()
    row = db.execute(
        "SELECT count(*) AS requests, coalesce(sum(prompt_tokens), 0) AS prompt_tokens, "
        "coalesce(sum(expected_cached_tokens), 0) AS expected_cached_tokens, "
        "coalesce(sum(cached_tokens), 0) AS cached_tokens, coalesce(sum(output_tokens), 0) AS output_tokens, "
        "coalesce(sum(preemptions), 0) AS preemptions, coalesce(sum(attempts > 1), 0) AS retried, "
        "max(last_token) AS makespan_s FROM request WHERE run = ? AND task = ? AND state = 'answered'",
        (run, task),
    ).fetchone()
    return TaskTotals(reviews=reviews, **row)


def request_times(db: sqlite3.Connection, run: int, tasks: Sequence[str]) -> Iterator[tuple[float, ...]]:
    """Yield each request that was answered in a run under one of some tasks.

    Of each the place of its task among them, the job that sent it, its arrival, first scheduling, first and last token,
    the prompt tokens that were computed, and the output tokens after the first.
    """
    return plain(db).execute(_REQUESTS, (json.dumps(tasks), run))


def job_times(db: sqlite3.Connection, tasks: Sequence[str]) -> Iterator[tuple[float | None, ...]]:
    """Yield the last run's jobs that somebody waits for, under one of some tasks, in input order.

    Of each the place of its task among them, its id, requests, cost in prompt tokens, predicted seconds, deadline in
    seconds since the epoch, first scheduling and last token, and whether it lacks an answer; None for what has not
    happened or is not there.
    """
    return plain(db).execute(_JOBS, (json.dumps(tasks),))


def units(db: sqlite3.Connection, jobs: Sequence[int]) -> dict[int, str]:
    """Return what some jobs are about, by their ids."""
    rows = db.execute("SELECT id, unit FROM job WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(jobs),))
    return dict(rows.fetchall())


def answered_between(db: sqlite3.Connection, run: int, since: float = 0.0) -> tuple[int, float, float]:
    """Return how many requests a run answered `since` a moment, when the first was admitted, and the last token.

    What was admitted before counts from that moment. All are 0 when none was answered.
    """
    requests, began, ended = db.execute(
        "SELECT count(*), coalesce(max(min(admitted), :since), 0.0), coalesce(max(last_token), 0.0) FROM request "
        "WHERE run = :run AND state = 'answered' AND first_token >= :since",
        {"run": run, "since": since},
    ).fetchone()
    return requests, began, ended


def work_by_slice(
    db: sqlite3.Connection, run: int, began: float, ended: float, *, slices: int
) -> list[tuple[int, int, int]]:
    """Return the prompt tokens computed, requests, and output tokens after the first, in each slice of a run.

    The slices are of equal length between two moments. A request's prefill counts where its first token is, its
    decode where its last is.
    """
    about = {"run": run, "began": began, "seconds": ended - began, "slices": slices}
    prefilled = {row["slice"]: row for row in db.execute(_SLICES.format(moment="first_token"), about)}
    decoded = {row["slice"]: row for row in db.execute(_SLICES.format(moment="last_token"), about)}
    return [
        (
            prefilled[n]["prefilled"] if n in prefilled else 0,
            prefilled[n]["requests"] if n in prefilled else 0,
            decoded[n]["decoded"] if n in decoded else 0,
        )
        for n in range(slices)
    ]


def decode_by_task(db: sqlite3.Connection, run: int) -> list[TaskDecode]:
    """Return how long answers were, and what they took, of each task that a run has answers for."""
    rows = db.execute(
        "SELECT task, count(*) AS requests, sum(output_tokens - 1) AS output_tokens, "
        "sum(last_token - first_token) AS seconds FROM request WHERE run = ? AND state = 'answered' GROUP BY task",
        (run,),
    )
    return [TaskDecode(**row) for row in rows]


def rejected(db: sqlite3.Connection, run: int, reasons: Sequence[Reason]) -> int:
    """Return how many requests of a run came to nothing for one of some reasons."""
    found: int = db.execute(
        "SELECT count(*) FROM request "
        "WHERE run = ? AND state = 'rejected' AND reason IN (SELECT value FROM json_each(?))",
        (run, json.dumps(reasons)),
    ).fetchone()[0]
    return found


def of_queries(db: sqlite3.Connection) -> bool:
    """Say whether the rows are queries, each its own unit, and no reviews."""
    # A review and its restaurant may have one number, but not all.
    (all_,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM item) AND NOT EXISTS (SELECT 1 FROM item WHERE unit <> id)"
    ).fetchone()
    return bool(all_)


def reject_examples(db: sqlite3.Connection, each: int, length: int) -> list[dict[str, Any]]:
    """Return some rejected rows of each reason, with the beginning of their text where there is one."""
    return [dict(row) for row in db.execute(_EXAMPLES, {"each": each, "length": length})]


# A run has a few tasks, so the ledger is gone through once for each of them.
_REQUESTS = """
SELECT asked.key, coalesce(job, -1), arrival, scheduled, first_token, last_token, prompt_tokens - cached_tokens,
    max(output_tokens - 1, 0)
FROM json_each(?) AS asked CROSS JOIN request ON request.task = asked.value WHERE run = ? AND state = 'answered'
"""
_JOBS = """
WITH asked AS MATERIALIZED (SELECT key, value FROM json_each(?))
SELECT asked.key, job, requests, coalesce(cost, 0), predicted_s, deadline, first_scheduled, last_token,
    waiting OR failed
FROM job_times JOIN asked ON asked.value = job_times.task WHERE unit <> '' ORDER BY job
"""
_EXAMPLES = """
SELECT reason, source, row, detail, id, substr(text, 1, :length) AS text FROM (
    SELECT *, row_number() OVER (PARTITION BY reason) AS place FROM (
        SELECT reason, source, row, detail, id, NULL AS text FROM reject
        UNION ALL
        SELECT reason, source, row, detail, id, text FROM outcome JOIN item USING (seq) WHERE state = 'rejected'
    )
) WHERE place <= :each
"""
_SLICES = """
SELECT min(CAST(({moment} - :began) / :seconds * :slices AS INTEGER), :slices - 1) AS slice, count(*) AS requests,
    sum(prompt_tokens - cached_tokens) AS prefilled, sum(output_tokens - 1) AS decoded
FROM request WHERE run = :run AND state = 'answered' AND {moment} >= :began GROUP BY slice
"""
