"""The report: where the time went, computed from the ledger. `docs/report.md` describes every field."""

import json
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.files import replacing
from pipelines.ledger import counts, history
from pipelines.ledger.history import Run
from pipelines.ledger.records import RunStatus
from pipelines.ledger.standing import FILLED
from pipelines.output import metrics, times
from pipelines.output.times import Times

SCHEMA = 1
OF_OTHERS = ("files", "apart", "made", FILLED, "tasks")  # facts that other runs, commands and parts need


def write(output: Path) -> dict[str, Any]:
    """Compute the report of the last run in `output`, and write report.json, report.html and metrics.prom.

    While a run goes on its metrics are its own to write, and those of one that was killed tell just that.
    """
    from pipelines.output.page import page  # noqa: PLC0415  what draws is no part of what computes

    with history.opened(output) as (db, run):
        if run.status is RunStatus.STOPPED:  # first, for a signal leaves few seconds, and who watches counts on it
            metrics.write(output, {"run": _noted(run)})
        took = times.read(db, run.number)
        report = of(db, run, took)
        with replacing(output / "report.json") as scratch:
            scratch.write_text(json.dumps(report, indent=2) + "\n")
        if run.status is not RunStatus.RUNNING:
            metrics.write(output, report)
        with replacing(output / "report.html") as scratch:
            scratch.write_text(page.render(output, db, report, took), encoding="utf-8")
    return report


def build(output: Path) -> dict[str, Any]:
    """Compute the report of the last run in `output`, finished or not.

    Raises LedgerError when there has been none.
    """
    with history.opened(output) as (db, run):
        return of(db, run, times.read(db, run.number))


def of(db: sqlite3.Connection, run: Run, took: Times) -> dict[str, Any]:
    """Compute the report of a run, the last of its ledger, which took so long."""
    figures = run.facts.get("tasks", {})  # what each task says of its results
    return {
        "schema": SCHEMA,
        "run": {**_noted(run), "kept": [asdict(kept) for kept in counts.kept(db)]},
        "rows": counts.rows(db),
        "tasks": {task: {**_task(db, run, task, took.of(task)), **figures.get(task, {})} for task in took.tasks},
    }


def _noted(run: Run) -> dict[str, Any]:
    """Return what a run has noted of itself."""
    facts = {name: fact for name, fact in run.facts.items() if name not in OF_OTHERS}
    return {"number": run.number, "status": run.status, "started": run.started, **facts}


def _task(db: sqlite3.Connection, run: Run, task: str, took: Times) -> dict[str, Any]:
    totals = history.totals(db, run.number, task)
    return {
        "outcome": counts.of_task(db, task),
        **asdict(totals),
        "reviews_per_s": totals.reviews / totals.makespan_s if totals.makespan_s else None,
        **times.of_requests(took),
        "jobs": times.of_jobs(took, run.facts),
    }
