"""The page itself: what stands on it, put into its template."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipelines.ledger import history
from pipelines.output.page import answers, facts, foreseen, hours, periods, reasons, template, verdict
from pipelines.output.page.hours import Hours
from pipelines.output.page.template import LENGTH, picture
from pipelines.output.tables import BY_RESTAURANT
from pipelines.output.times import Numbers, Table, Times

ENOUGH = 8  # things, of which a picture shows more than a sentence does, and whose mean says something of others
SLICES, SLOWEST, EXAMPLES = 40, 10, 2
FIXED = frozenset({"program start", "engine start", "engine stop", "other"})  # parts of the time that any run takes


def render(folder: Path, db: sqlite3.Connection, report: Mapping[str, Any], took: Times) -> str:
    """Return the page of the last run in a folder, whose ledger is open, and whose report and times are known."""
    run = report["run"]
    time = hours.of(took, run)
    queries = history.of_queries(db)
    noun, place = ("query", "query") if queries else ("review", "restaurant")
    found = list(verdict.warnings(report))
    rejects = history.reject_examples(db, EXAMPLES, 4 * LENGTH) if report["rows"]["rejected"] else []
    return template.filled(
        "page.html.j2",
        report=report,
        run=run,
        settings=facts.told(run),
        script=template.own("search.js"),
        verdict=verdict.sentence(report, noun, time.wall),
        grade=verdict.grade(report, found),
        warnings=found,
        started=_started(run).strftime("%A, %d %B %Y, %H:%M UTC"),
        noun=noun,
        place=place,
        rejects=reasons.told(report["rows"]["rejects_by_reason"], rejects),
        **_answers(folder, db, report),
        **_machine(db, report, took, time),
    )


def _started(run: Mapping[str, Any]) -> datetime:
    """Return when the command was started, of whose time the page gives account: before the run was."""
    return datetime.fromisoformat(run["started"]) - timedelta(seconds=run.get("program_start_s", 0.0))


def _answers(folder: Path, db: sqlite3.Connection, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows of the answers: the tasks with labels, and restaurants."""
    found = answers.read(folder)
    labelled = [_labelled(db, name, task, found) for name, task in report["tasks"].items() if verdict.has_labels(task)]
    cards, restaurants = answers.cards(found)
    return {
        "labelled": labelled,
        "spoken_of": [(name, of) for name, table in found.items() if (of := answers.aspects(table))],
        "cards": cards,
        "restaurants": restaurants,
        "has_results": bool(found),
    }


def _labelled(
    db: sqlite3.Connection, name: str, task: Mapping[str, Any], found: Mapping[str, pl.LazyFrame]
) -> dict[str, Any]:
    shares = answers.shares(task["labels"])
    rolled_up = found.get(f"{name}{BY_RESTAURANT}")
    scored = None if rolled_up is None else answers.restaurants(rolled_up, list(task["labels"]))
    bars = [(one.label, one.share, one.low, one.high) for one in shares]
    dots = scored.dots if scored and len(scored.dots) >= ENOUGH else []
    dated = periods.of(found[name], task["labels"]) if name in found else None
    return {
        "name": name,
        "shares": shares,
        "restaurants": scored,
        "doubtful": answers.doubtful(db, found[name]) if name in found else [],
        "shares_picture": sum(one.rows for one in shares) >= ENOUGH
        and picture("shares", bars, about=f"{name}: the share of each label, as in the table"),
        "dots_picture": dots
        and picture("dots", dots, about=f"{name}: the mean score of each restaurant by its number of reviews"),
        "periods": dated,
        "periods_picture": dated
        and picture("over_time", dated.names, dated.labels, about=f"{name}: the share of each label {dated.span}"),
    }


def _machine(db: sqlite3.Connection, report: Mapping[str, Any], took: Times, time: Hours) -> dict[str, Any]:
    """Return what the template shows of the machine and its time."""
    run = report["run"]
    # All tokens of a step come at once: a slice should have some steps.
    edges, speed = hours.throughput(db, run["number"], took, max(min(SLICES, run.get("steps", SLICES) // 2), 4))
    name, change = hours.bottleneck(report, time, history.rejected(db, run["number"], hours.OF_NO_USE))
    compared = foreseen.of(took, time)
    ended = time.jobs["last_token"]
    by_start = time.jobs[time.jobs["first_scheduled"].argsort(kind="stable")]
    rows = max((task["reviews"] for task in report["tasks"].values()), default=0)
    drawn = len(time.jobs) >= ENOUGH
    curves = [("in the input's order, simulated", [time.by_input]), ("as it went", [ended])]
    fixed = sum(part.seconds for part in time.parts if part.name in FIXED)
    growing = sum(part.seconds for part in time.parts if part.name not in {*FIXED, "restarts"}) - time.once
    return {
        "wall": time.wall,
        "parts": [part for part in time.parts if part.seconds > 0],
        "bottleneck": name,
        "change": change,
        "fixed": fixed,
        "per_thousand": growing / rows * 1000 if rows >= ENOUGH else None,
        "flow_picture": drawn
        and len(speed)
        and picture("flow", edges, speed, about="prompt tokens computed a second over the run"),
        "foreseen": compared,
        "foreseen_picture": compared
        and picture(
            "foreseen", compared.predicted, compared.took, about="seconds that each job took by those foreseen for it"
        ),
        "mean_speed": float(speed.mean()) if len(speed) else 0.0,
        "order_picture": drawn
        and picture("order", by_start, about="jobs in the order they went, from start to end, and their sizes"),
        "done_picture": drawn
        and len(time.by_input)
        and picture("done_by", curves, about="jobs done by when, and by the order of the input"),
        "jobs": len(time.jobs),
        **_middle("half", "mean_done", ended),
        **_middle("half_by_input", "mean_by_input", time.by_input),
        "slowest": _slowest(db, took.tasks, time.jobs),
    }


def _middle(median: str, mean: str, moments: Numbers) -> dict[str, float | None]:
    some = len(moments) > 0
    return {median: float(np.median(moments)) if some else None, mean: float(moments.mean()) if some else None}


def _slowest(db: sqlite3.Connection, tasks: Sequence[str], jobs: Table) -> list[tuple[str, str, np.void]]:
    """Return the jobs that took longest from their start to their end, each with its task and unit."""
    some = jobs[(jobs["first_scheduled"] - jobs["last_token"]).argsort(kind="stable")[:SLOWEST]]
    units = history.units(db, some["job"].tolist())
    return [(tasks[job["task"]], units[job["job"]], job) for job in some]
