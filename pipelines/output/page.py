"""The page: a report as one HTML file that needs nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from pipelines.ledger.records import RunStatus
from pipelines.output.times import STATISTICS, TITLES

WIDTH, HEIGHT, MARGIN = 640, 180, 64
STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --dim: #6a7683; --line: #d7dde3; --mark: #1f7a8c; --paper: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8ee; --dim: #93a0ad; --line: #36414d; --mark: #58b7c9; --paper: #161c23; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; } p { margin: .2rem 0; color: var(--dim); }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; } dt { color: var(--dim); font-size: .85rem; }
dd { margin: 0; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--line); font-weight: normal; }
th { color: var(--dim); } th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 11px; }
.axis { stroke: var(--line); } .curve { fill: none; stroke: var(--mark); stroke-width: 2; }
"""
Points = Sequence[tuple[float, float]]


def render(report: Mapping[str, Any], curves: Mapping[str, Points]) -> str:
    """Return the page of a report; `curves` has (seconds, value) points by their title."""
    run = report["run"]
    title = f"reviewbatch, run {run['number']}: {run['status']}"
    about = f"{', '.join(report['tasks']) or 'nothing'} by {run.get('model', '')} on {run.get('device', '')}, policy {run.get('policy', '')}, started {run['started']}"
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(about)}</p>", _tiles(_totals(report))]
    right = max((x for points in curves.values() for x, _ in points), default=0.0) or 1.0
    parts += [f"<h2>{escape(name)}</h2>{_chart(points, right)}" for name, points in curves.items() if len(points) > 1]
    for name, task in report["tasks"].items():
        parts += [f"<h2>{escape(name)}</h2>", _tiles(_figures(task)), _table(_spans(task), ("seconds", *STATISTICS))]
    if report["rows"]["rejects_by_reason"]:
        parts += ["<h2>rejects</h2>", _table(report["rows"]["rejects_by_reason"].items(), ("reason", "rows"))]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>{"".join(parts)}</html>\n'
    )


def _totals(report: Mapping[str, Any]) -> dict[str, Any]:
    run, rows = report["run"], report["rows"]
    predicted = run.get("predicted") if run["status"] == RunStatus.DONE else None
    return {
        **{f"rows {name}": rows[name] for name in ("in", "answered", "rejected", "waiting")},
        "engine start, s": run.get("engine_start_s"),
        "makespan, s": run.get("makespan_s"),
        "planned, s": predicted and predicted["makespan_s"],
    }


def _figures(task: Mapping[str, Any]) -> dict[str, Any]:
    jobs = task["jobs"]
    return {
        **_own(task),
        "requests": task["requests"],
        "asked twice": task["retried"] or None,
        "rows/s": task["reviews_per_s"],
        "prompt tokens": task["prompt_tokens"],
        "of them cached": task["cached_tokens"],
        "output tokens": task["output_tokens"],
        "jobs complete": jobs["completed"],
        "longest wait, s": jobs["longest_wait_s"],
        "in time": jobs["met"] if jobs["promised"] else None,
        "goodput, jobs/min": jobs["goodput_per_min"],
        "preemptions": task["preemptions"],
    }


def _own(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures that are this task's alone, by title."""
    own: dict[str, Any] = {}
    for name in task.get("figures", ()):
        own |= task[name] if isinstance(task[name], Mapping) else {name.replace("_", " "): task[name]}
    return own


def _spans(task: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    spreads = {**{f"request: {title}": task[name] for title, name in TITLES.items()},
          "job: wait": task["jobs"]["wait_s"], "job: completion": task["jobs"]["completion_s"]}  # fmt: skip
    return [(title, *(spread[column] for column in STATISTICS)) for title, spread in spreads.items()]


def _tiles(figures: Mapping[str, Any]) -> str:
    shown = ((name, value) for name, value in figures.items() if value is not None)
    return "<dl>" + "".join(f"<div><dt>{escape(n)}</dt><dd>{_said(value)}</dd></div>" for n, value in shown) + "</dl>"


def _table(rows: Iterable[Sequence[Any]], head: Sequence[str]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{_said(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{body}</table>"


def _chart(points: Points, right: float) -> str:
    points = [*points, (right, points[-1][1])]
    top = max(y for _, y in points) or 1.0
    scaled = (
        (MARGIN + x / right * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN / 2 - y / top * (HEIGHT - MARGIN))
        for x, y in points
    )
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in scaled)
    base = HEIGHT - MARGIN / 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><line class="axis" x1="{MARGIN}" y1="{base}" x2="{WIDTH - MARGIN}" '
        f'y2="{base}"/><polyline class="curve" points="{curve}"/>'
        f'<text x="{MARGIN - 6}" y="{MARGIN / 2 + 4}" text-anchor="end">{_said(top)}</text>'
        f'<text x="{MARGIN - 6}" y="{base}" text-anchor="end">0</text>'
        f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 6}" text-anchor="end">{right:,.0f} s</text></svg>'
    )


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"  # noqa: PLR2004  three digits either way
    return f"{value:,}" if isinstance(value, int) else "" if value is None else escape(str(value))
