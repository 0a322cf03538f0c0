"""The report: where the time went, computed from the ledger. `docs/report.md` describes every field."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.database import NAME, read
from pipelines.errors import LedgerError
from pipelines.files import replacing

SCHEMA = 1
SPANS = {
    "queue_wait_s": "scheduled",
    "ttft_s": "first_token",
    "prefill_s": "first_token - scheduled",
    "decode_s": "last_token - first_token",
}


def write(output: Path) -> dict[str, Any]:
    """Compute the report of the last run in `output`, write it to report.json, and return it."""
    report = build(output)
    with replacing(output / "report.json") as scratch:
        scratch.write_text(json.dumps(report, indent=2) + "\n")
    return report


def build(output: Path) -> dict[str, Any]:
    """Compute the report of the last run in `output`, finished or not.

    Raises LedgerError when there has been none.
    """
    if not (output / NAME).exists():
        raise LedgerError(f"no run in {output}: it holds no {NAME}")
    with closing(read(output / NAME)) as db:
        last = db.execute("SELECT id, started, status, facts FROM run ORDER BY id DESC LIMIT 1").fetchone()
        if last is None:
            raise LedgerError(f"no run in {output}: its {NAME} is empty")
        run, started, status, facts = last
        facts = json.loads(facts)
        rejects = dict(db.execute(_REJECTS))
        ((answered, waiting),) = db.execute(_ROWS)
        return {
            "schema": SCHEMA,
            "run": {"number": run, "status": status, "started": started, **facts},
            "rows": {
                "in": answered + waiting + sum(rejects.values()),
                "answered": answered,
                "rejected": sum(rejects.values()),
                "waiting": waiting,
                "rejects_by_reason": rejects,
            },
            "tasks": {
                task: _task(db, run, task, rows, facts.get("makespan_s")) for task, rows in db.execute(_TASKS, [run])
            },
        }


_ROWS = """
SELECT coalesce(sum(state = 'answered'), 0), coalesce(sum(state = 'waiting'), 0)
FROM ask JOIN request ON request.id = ask.request
"""
_REJECTS = """
SELECT reason, count(*) FROM (
    SELECT reason FROM reject UNION ALL
    SELECT reason FROM ask JOIN request ON request.id = ask.request WHERE state = 'rejected'
) GROUP BY reason ORDER BY count(*) DESC, reason
"""
_TASKS = """
SELECT task, (
    SELECT count(*) FROM ask JOIN request ON request.id = ask.request
    WHERE ask.task = named.task AND run = ? AND state = 'answered'
) FROM (SELECT task FROM ask UNION SELECT task FROM request) AS named
"""
_TOTALS = """
SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(cached_tokens), 0), coalesce(sum(output_tokens), 0),
       coalesce(sum(preemptions), 0), max(last_token)
FROM request WHERE run = ? AND task = ? AND state = 'answered'
"""


def _task(db: sqlite3.Connection, run: int, task: str, reviews: int, makespan: float | None) -> dict[str, Any]:
    totals = db.execute(_TOTALS, (run, task)).fetchone()
    *counts, last_token = totals
    # A run that did not end has no makespan; when its last answer came stands in for it.
    seconds = makespan or last_token
    return {
        "reviews": reviews,
        **dict(
            zip(("requests", "prompt_tokens", "cached_tokens", "output_tokens", "preemptions"), counts, strict=True)
        ),
        **{name: _distribution(db, run, task, formula) for name, formula in SPANS.items()},
        "makespan_s": seconds,
        "reviews_per_s": reviews / seconds if seconds else None,
    }


def _distribution(db: sqlite3.Connection, run: int, task: str, formula: str) -> dict[str, float | None]:
    sql = f"SELECT {formula} FROM request WHERE run = ? AND task = ? AND state = 'answered'"  # noqa: S608
    values = np.fromiter((value for (value,) in db.execute(sql, (run, task))), dtype=np.float64)
    if not len(values):
        return dict.fromkeys(("mean", "p50", "p90", "p99"))
    p50, p90, p99 = np.quantile(values, (0.5, 0.9, 0.99)).tolist()
    return {"mean": float(values.mean()), "p50": p50, "p90": p90, "p99": p99}
