"""The report: where the time went, computed from the ledger. `docs/report.md` describes every field."""

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.errors import LedgerError
from pipelines.files import replacing
from pipelines.ledger import counts
from pipelines.ledger.database import NAME, read
from pipelines.output import metrics, page, times

SCHEMA = 1


def write(output: Path) -> dict[str, Any]:
    """Compute the report of the last run in `output`, and write report.json, report.html and metrics.prom."""
    report = build(output)
    with replacing(output / "report.json") as scratch:
        scratch.write_text(json.dumps(report, indent=2) + "\n")
    with replacing(output / "report.html") as scratch:
        scratch.write_text(page.render(report, times.curves(output)), encoding="utf-8")
    with replacing(output / "metrics.prom") as scratch:
        scratch.write_text(metrics.text(report), encoding="utf-8")
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
        told = facts.pop("tasks", {})
        kept = [asdict(found) for found in counts.kept(db)]
        return {
            "schema": SCHEMA,
            "run": {"number": run, "status": status, "started": started, **facts, "kept": kept},
            "rows": counts.rows(db),
            "tasks": {
                task: {**_task(db, run, task, facts), **told.get(task, {})}
                for (task,) in db.execute("SELECT DISTINCT task FROM job ORDER BY id").fetchall()
            },
        }


_ROWS = """
SELECT count(*) FROM ask JOIN request ON request.id = ask.request
WHERE ask.task = ? AND run = ? AND state = 'answered' AND seq >= 0
"""
_TOTALS = """
SELECT count(*) AS requests, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
    coalesce(sum(expected_cached_tokens), 0) AS expected_cached_tokens,
    coalesce(sum(cached_tokens), 0) AS cached_tokens,
    coalesce(sum(output_tokens), 0) AS output_tokens, coalesce(sum(preemptions), 0) AS preemptions,
    coalesce(sum(attempts > 1), 0) AS retried,
    max(last_token) AS makespan_s
FROM request WHERE run = ? AND task = ? AND state = 'answered'
"""


def _task(db: sqlite3.Connection, run: int, task: str, facts: dict[str, Any]) -> dict[str, Any]:
    cursor = db.execute(_TOTALS, (run, task))
    totals = dict(zip((name for name, *_ in cursor.description), cursor.fetchone(), strict=True))
    (reviews,) = db.execute(_ROWS, (task, run)).fetchone()
    seconds = totals["makespan_s"]
    return {
        "outcome": counts.of_task(db, task),
        "reviews": reviews,
        **totals,
        "reviews_per_s": reviews / seconds if seconds else None,
        **times.of_requests(db, run, task),
        "jobs": times.of_jobs(db, facts, task),
    }
