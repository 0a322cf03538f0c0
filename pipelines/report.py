"""The report: where the time went, computed from the ledger. `docs/report.md` describes every field."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.database import NAME, connect
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
    with closing(connect(output / NAME)) as db:
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
SELECT ask.task, sum(request.run IS ? AND state = 'answered') FROM ask JOIN request ON request.id = ask.request
GROUP BY ask.task ORDER BY ask.task
"""


def _task(db: sqlite3.Connection, run: int, task: str, rows: int, makespan: float | None) -> dict[str, Any]:
    spans = ", ".join(f"{formula} AS {name}" for name, formula in SPANS.items())
    requests = pl.read_database(
        f"SELECT prompt_tokens, cached_tokens, output_tokens, preemptions, last_token, {spans} "  # noqa: S608
        "FROM request WHERE run = ? AND task = ? AND state = 'answered'",
        db,
        execute_options={"parameters": [run, task]},
        infer_schema_length=None,
    )
    seconds = makespan or _last(requests)
    return {
        "requests": len(requests),
        "reviews": rows,
        "prompt_tokens": requests["prompt_tokens"].sum(),
        "cached_tokens": requests["cached_tokens"].sum(),
        "output_tokens": requests["output_tokens"].sum(),
        "preemptions": requests["preemptions"].sum(),
        **{name: _distribution(requests[name]) for name in SPANS},
        "makespan_s": seconds,
        "reviews_per_s": rows / seconds if seconds else None,
    }


def _last(requests: pl.DataFrame) -> float | None:
    """Return when the last answer came, which stands in for the makespan of a run that did not end."""
    return max(requests["last_token"], default=None)


def _distribution(values: pl.Series) -> dict[str, float | None]:
    quantiles = {f"p{q}": values.quantile(q / 100, "linear") for q in (50, 90, 99)}
    return {"mean": values.mean(), **quantiles}  # type: ignore[dict-item]
