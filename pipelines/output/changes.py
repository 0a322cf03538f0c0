"""Changes: two runs side by side. `docs/report.md` describes every field."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.ledger import history
from pipelines.ledger.history import Run
from pipelines.ledger.records import RunStatus
from pipelines.output import flips, report, tables, times

SCHEMA = 1
# What of a run is a setting, or decided by one.
SETTINGS = (
    "model", "fingerprint", "device", "vllm", "dtype", "engine", "policy", "ordered_by", "feed", "sla", "ageing",
    "max_wait_s", "lang", "context",
)  # fmt: skip
NO_FIGURES = frozenset(
    {*SETTINGS, "schema", "number", "input", "engine_up", "kept", "predicted", "corpus", "shard", "shards", "exit"}
)
REPEATED = ("makespan_s", "engine_start_s", "plan_s", "order_s")  # what a ledger knows of earlier runs, too
ALIKE = 0.1  # by how much of its engine steps one that did the same work may differ


def between(a: Path, b: Path) -> dict[str, Any]:
    """Return what differs between the last runs of two output folders: settings, figures and answers.

    Raises LedgerError when there has been no run in one of them.
    """
    with history.opened(a) as (db_a, run_a), history.opened(b) as (db_b, run_b):
        reports = _report(db_a, run_a), _report(db_b, run_b)
        common = [task for task in reports[0]["tasks"] if task in reports[1]["tasks"]]
        # A task of fields may call two of them label and confidence; what has labels is calibrated.
        labelled = {task for task in common if all("calibration" in built["tasks"][task] for built in reports)}
        return {
            "schema": SCHEMA,
            "a": _named(a, run_a, reports[0], common),
            "b": _named(b, run_b, reports[1], common),
            "settings": _differing(*map(_settings, reports)),
            "figures": _figures(reports, (_repeated(db_a, run_a), _repeated(db_b, run_b))),
            "answers": {
                task: flips.between(db_a, db_b, task, paths, labels=task in labelled)
                if (paths := _results((a, b), (run_a, run_b), task))
                else None
                for task in common
            },
        }


def _report(db: sqlite3.Connection, run: Run) -> dict[str, Any]:
    return report.of(db, run, times.read(db, run.number))


def _named(output: Path, run: Run, built: Mapping[str, Any], common: Sequence[str]) -> dict[str, Any]:
    return {
        "output": str(output),
        "number": run.number,
        "status": run.status,
        "started": run.started,
        "model": built["run"].get("model"),
        "tasks_of_its_own": [task for task in built["tasks"] if task not in common],
    }


def _settings(built: Mapping[str, Any]) -> dict[str, Any]:
    calibrations = {f"calibration of {name}": task.get("calibration") for name, task in built["tasks"].items()}
    return {**{name: built["run"].get(name) for name in SETTINGS}, **calibrations}


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"a": a.get(name), "b": b.get(name)} for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name)
    }


def _figures(reports: Sequence[Mapping[str, Any]], repeated: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, Any]:
    """Return every figure that both reports have, by its path, and its size in the second over that in the first.

    What earlier runs of the same work took tells the noise, where there have been some in both folders: a difference is
    more than that when no run of the one reaches into the range of the other's. Otherwise nobody can tell.
    """
    before, after = (dict(_paths(built)) for built in reports)
    found = {}
    for path, value in before.items():
        if path in after:
            a, b = ([*runs.get(path, [])] for runs in repeated)
            told = len(a) > 1 and len(b) > 1
            found[path] = {
                "a": value,
                "b": after[path],
                "ratio": after[path] / value if value else None,
                "runs": [max(len(a), 1), max(len(b), 1)],
                "more_than_noise": (max(a) < min(b) or max(b) < min(a)) if told else None,
            }
    return found


def _paths(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, float]]:
    """Yield the figures of a report by their paths."""
    if isinstance(part, Mapping):
        for name, below in part.items():
            if name not in NO_FIGURES:
                yield from _paths(below, (*path, name))
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield ".".join(path), part


def _repeated(db: sqlite3.Connection, last: Run) -> dict[str, list[float]]:
    """Return what the last run took, and those that had its settings and did its work, by the figure's path."""
    alike = [run.facts for run in history.runs(db) if _alike(run, last)]
    return {f"run.{name}": [facts[name] for facts in alike if name in facts] for name in REPEATED}


def _alike(run: Run, last: Run) -> bool:
    steps, as_many = (other.facts.get("steps", 0) for other in (run, last))
    return (
        run.status is RunStatus.DONE
        and all(run.facts.get(name) == last.facts.get(name) for name in (*SETTINGS, "input"))
        and run.facts.get("tasks", {}).keys() == last.facts.get("tasks", {}).keys()
        and abs(steps - as_many) <= ALIKE * as_many
    )


def _results(outputs: tuple[Path, Path], runs: tuple[Run, Run], task: str) -> tuple[Path, Path] | None:
    """Return where a task's results are in both folders, None where a run has not written them."""
    if any(run.status not in {RunStatus.DONE, RunStatus.DEADLINE} for run in runs):
        return None
    first, second = (tables.of(output, task) for output in outputs)
    return (first, second) if first and second else None
