"""Metrics: a report's figures as Prometheus reads them, for a node_exporter's textfile collector.

All are gauges: each is of one run, and the next one's may be lower.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.corpus.spelling import spelled
from pipelines.files import replacing
from pipelines.ledger.records import RunStatus
from pipelines.output import schema
from pipelines.output.times import STATISTICS

# Parts of a report whose keys are no names of figures, and the label they become.
LABELS = {"tasks": "task", "sla": "task", "labels": "label", "languages": "language", "rejects_by_reason": "reason"}
LEFT_OUT = frozenset({"schema", "number", "input", "engine"})
# How names end, and how Prometheus has it: in base units, and what that is times the figure.
UNITS = {"_per_min": ("_per_second", 1 / 60), "_per_s": ("_per_second", 1), "_s": ("_seconds", 1)}
# What ends otherwise than it may, or does not say its unit.
NAMES = {
    "jobs_count": "jobs",
    "jobs_sla_attainment": "jobs_sla_attainment_ratio",
    "reviews_total": "reviews_of_restaurants",
    "run_engine_up": "run_engine_up_timestamp_s",
    "run_exit_at": "last_run_end_timestamp_s",
    "run_exit_status": "last_run_exit_status",
    "run_sla": "run_sla_s",
    "progress_at": "progress_timestamp_s",
    "written_at": "metrics_written_timestamp_s",
}
# What no report has: whether a run goes on, and what is known of it then.
HELPS = {
    "run_info": "how the run stands or ended, of which model it is, and in what order",
    "run_running": "1 while a run goes on, also after it was killed, when the time of writing grows old; else 0",
    "written_at": "when this was written, in seconds since the epoch",
    "progress_at": "when something was last read, computed or answered, in seconds since the epoch",
    "progress_rows_read": "rows read so far",
    "progress_rows_answered": "rows answered since the engine was up, once under each task",
    "progress_rows_rejected": "rows that got no answer since the engine was up, once under each task",
    "progress_rows_waiting": "rows that are still to be answered, once under each task",
    "progress_rows_per_s": "rows answered or rejected a second, in the last minute",
    "progress_eta_s": "in how many seconds all should be answered",
}

Sample = tuple[tuple[str, ...], dict[str, str], float]


def write(folder: Path, report: Mapping[str, Any]) -> None:
    """Write the metrics of a report, or of what there is of one, into a folder."""
    with replacing(folder / "metrics.prom", lasting=False) as scratch:  # a disk that is slow must not hold a run back
        scratch.write_text(text(report), encoding="utf-8")


def text(report: Mapping[str, Any]) -> str:
    """Return every figure of a report in Prometheus's text format.

    A name is the path in the report: `tasks.NAME.jobs.longest_wait_s` becomes
    `reviewbatch_jobs_longest_wait_seconds{task="NAME"}`, and a distribution has a label for its statistic.
    """
    run = report["run"]
    about = {name: str(run[name]) for name in ("status", "model", "policy") if name in run}
    helps = {**HELPS, **_helps()}
    samples: defaultdict[str, list[str]] = defaultdict(list)
    first: list[Sample] = [
        (("run", "info"), about, 1.0),
        (("run", "running"), {}, float(run["status"] == RunStatus.RUNNING)),
        (("written", "at"), {}, time.time()),
    ]
    for path, labels, value in [*first, *_samples((), {}, report)]:
        plain = "_".join(path)
        name, times = named(plain)
        if name not in samples:
            samples[name] += [f"# HELP {name} {helps.get(plain, plain.replace('_', ' '))}\n", f"# TYPE {name} gauge\n"]
        shown = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
        samples[name].append(f"{name}{{{shown}}} {value * times}\n" if shown else f"{name} {value * times}\n")
    return "".join(line for lines in samples.values() for line in lines)


def named(plain: str) -> tuple[str, float]:
    """Return how a figure is called, and by what it is multiplied."""
    name = f"reviewbatch_{NAMES.get(plain, plain)}"
    for end, (unit, times) in UNITS.items():
        if name.endswith(end):
            return name.removesuffix(end) + unit, times
    return name, 1


def _helps() -> dict[str, str]:
    """Return what figures mean, by their paths' names."""
    paths = ((path.removeprefix(f"tasks.{schema.NAME}."), meaning) for path, meaning in schema.fields().items())
    return {path.replace(".", "_"): _help(meaning) for path, meaning in paths}


def _help(meaning: str) -> str:
    return schema.plain(meaning).replace("\\", "\\\\").replace("\n", "\\n")


def _samples(path: tuple[str, ...], labels: dict[str, str], part: Any) -> Iterator[Sample]:
    if isinstance(part, int | float) and not isinstance(part, bool):
        yield path, labels, part
    elif isinstance(part, Mapping):
        label_name = "statistic" if part.keys() == set(STATISTICS) else LABELS.get(path[-1]) if path else None
        # The tasks' own figures go by their names alone, the label says whose they are.
        below = path[:-1] if path == ("tasks",) else path
        for name, value in part.items():
            if label_name:
                yield from _samples(below, {**labels, label_name: name}, value)
            elif name not in LEFT_OUT:
                yield from _samples((*path, name), labels, value)


def _escaped(text: str) -> str:
    """Return a text as a label's value, which may have line breaks."""
    lines = (spelled(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return "\\n".join(lines)
