"""The page itself: what stands on it, put into its template."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jinja2 import Environment
from markupsafe import Markup

from pipelines.ledger import history
from pipelines.output.page import answers, hours, reasons, said, verdict
from pipelines.output.page.hours import Hours, Numbers
from pipelines.output.tables import BY_RESTAURANT

ENOUGH = 8  # things, of which a picture shows more than a sentence does
SLICES, SLOWEST, EXAMPLES, LENGTH = 40, 10, 2, 160

# What is shown of the facts of a run, and how it is called.
SETTINGS = {
    "model": "model",
    "fingerprint": "checksum of the model",
    "device": "ran on",
    "vllm": "vLLM",
    "dtype": "number format",
    "context": "tokens a prompt may have",
    "policy": "order asked for",
    "ordered_by": "order it went by",
    "why": "why that one",
    "feed": "feed",
    "engine": "engine arguments",
    "sla": "time promised, s",
    "max_wait_s": "longest wait allowed, s",
    "ageing": "ageing",
    "steps": "engine steps",
    "dry_steps": "of them with a free slot",
    "engine_restarts": "engine restarts",
}


def render(folder: Path, db: sqlite3.Connection, report: Mapping[str, Any]) -> str:
    """Return the page of the last run in a folder, whose ledger is open and whose report is known."""
    run = report["run"]
    time = hours.of(db, run["number"], run)
    queries = history.of_queries(db)
    noun, place = ("query", "query") if queries else ("review", "restaurant")
    found = list(verdict.warnings(report))
    rejects = history.reject_examples(db, EXAMPLES, 4 * LENGTH) if report["rows"]["rejected"] else []
    template = _environment().from_string(_file("page.html.j2"))
    return template.render(
        report=report,
        run=run,
        style=_own("style.css"),
        script=_own("search.js"),
        verdict=verdict.sentence(report, noun, time.wall),
        grade=verdict.grade(report, found),
        warnings=found,
        started=datetime.fromisoformat(run["started"]).strftime("%A, %d %B %Y, %H:%M UTC"),
        noun=noun,
        place=place,
        rejects=reasons.told(report["rows"]["rejects_by_reason"], rejects),
        **_answers(folder, db, report),
        **_machine(db, report, time),
    )


def _answers(folder: Path, db: sqlite3.Connection, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows of the answers: the tasks with labels, and restaurants."""
    found = answers.read(folder)
    labelled = [_labelled(db, name, task, found) for name, task in report["tasks"].items() if _has_labels(task)]
    cards, restaurants = answers.cards(found)
    return {"labelled": labelled, "cards": cards, "restaurants": restaurants, "has_results": bool(found)}


def _has_labels(task: Mapping[str, Any]) -> bool:
    """Say whether a task's answers are labels: those alone are calibrated."""
    return "calibration" in task and sum((task.get("labels") or {}).values()) > 0


def _labelled(
    db: sqlite3.Connection, name: str, task: Mapping[str, Any], found: Mapping[str, pl.LazyFrame]
) -> dict[str, Any]:
    shares = answers.shares(task["labels"])
    rolled_up = found.get(f"{name}{BY_RESTAURANT}")
    scored = None if rolled_up is None else answers.restaurants(rolled_up, list(task["labels"]))
    bars = [(one.label, one.share, one.low, one.high) for one in shares]
    dots = scored.dots if scored and len(scored.dots) >= ENOUGH else []
    return {
        "name": name,
        "shares": shares,
        "restaurants": scored,
        "doubtful": answers.doubtful(db, found[name]) if name in found else [],
        "shares_picture": sum(one.rows for one in shares) >= ENOUGH
        and _picture("shares", bars, about=f"{name}: the share of each label, as in the table"),
        "dots_picture": dots
        and _picture("dots", dots, about=f"{name}: the mean score of each restaurant by its number of reviews"),
    }


def _machine(db: sqlite3.Connection, report: Mapping[str, Any], time: Hours) -> dict[str, Any]:
    """Return what the template shows of the machine and its time."""
    run = report["run"]
    # All tokens of a step come at once: a slice should have some steps.
    edges, speed = hours.throughput(db, run["number"], max(min(SLICES, run.get("steps", SLICES) // 2), 4))
    name, change = hours.bottleneck(report, time)
    ended = np.array([span["last_token"] for span in time.spans])
    by_start = sorted(time.spans, key=lambda span: span["first_scheduled"])
    rows = max((task["reviews"] for task in report["tasks"].values()), default=0)
    drawn = len(time.spans) >= ENOUGH
    fixed = sum(part.seconds for part in time.parts if part.name in {"engine start", "other"})
    return {
        "wall": time.wall,
        "parts": [part for part in time.parts if part.seconds > 0],
        "bottleneck": name,
        "change": change,
        "fixed": fixed,
        "per_thousand": (time.wall - fixed) / rows * 1000 if rows else None,
        "flow_picture": drawn
        and len(speed)
        and _picture("flow", edges, speed, about="prompt tokens computed a second over the run"),
        "mean_speed": float(speed.mean()) if len(speed) else 0.0,
        "order_picture": drawn
        and _picture("order", by_start, about="jobs in the order they went, from start to end, and their sizes"),
        "done_picture": drawn
        and len(time.by_input)
        and _picture("done_by", ended, time.by_input, about="jobs done by when, and by the order of the input"),
        "jobs": len(time.spans),
        **_middle("half", "mean_done", ended),
        **_middle("half_by_input", "mean_by_input", time.by_input),
        "slowest": sorted(time.spans, key=_took, reverse=True)[:SLOWEST],
    }


def _middle(median: str, mean: str, moments: Numbers) -> dict[str, float | None]:
    some = len(moments) > 0
    return {median: float(np.median(moments)) if some else None, mean: float(moments.mean()) if some else None}


def _took(span: Mapping[str, Any]) -> float:
    return float(span["last_token"] - span["first_scheduled"])


def _picture(name: str, *data: Any, about: str) -> Markup:
    """Return one of the pictures; its words have been escaped where it was drawn."""
    from pipelines.output.page import pictures  # noqa: PLC0415  matplotlib takes a second to import

    return Markup(getattr(pictures, name)(*data, about))  # noqa: S704


def _environment() -> Environment:
    # What a run has not written down yet is as good as empty.
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    filters: dict[str, Callable[..., Any]] = {
        "seconds": said.seconds,
        "number": said.number,
        "cut": lambda text: said.cut(text or "", LENGTH),
        "settings": _settings,
    }
    environment.filters |= filters
    environment.globals |= {"share": said.share, "many": said.many}
    return environment


def _settings(run: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return the settings and versions of a run, those that are there."""
    return [
        (title, ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value))
        for name, title in SETTINGS.items()
        if (value := run.get(name)) not in (None, "", {})
    ]


def _own(name: str) -> Markup:
    return Markup(_file(name))  # noqa: S704  it is this package's own


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
