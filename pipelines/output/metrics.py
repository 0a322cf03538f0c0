"""Metrics: a report's figures as Prometheus reads them, for a node_exporter's textfile collector."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.output.times import STATISTICS

# Parts of a report whose keys are no names of figures, and the label they become.
LABELS = {"tasks": "task", "sla": "task", "labels": "label", "rejects_by_reason": "reason"}
LEFT_OUT = frozenset({"schema", "number", "input", "engine"})

Sample = tuple[tuple[str, ...], dict[str, str], float]


def text(report: Mapping[str, Any]) -> str:
    """Return every figure of a report in Prometheus's text format.

    A name is the path in the report: `tasks.NAME.jobs.longest_wait_s` becomes
    `reviewbatch_jobs_longest_wait_seconds{task="NAME"}`, and a distribution has a label for its statistic.
    """
    run = report["run"]
    about = {name: str(run[name]) for name in ("status", "model", "policy") if name in run}
    samples: defaultdict[str, list[str]] = defaultdict(list)
    for path, labels, value in [(("run", "info"), about, 1.0), *_samples((), {}, report)]:
        name = "_".join(("reviewbatch", *path))
        name = f"{name.removesuffix('_s')}_seconds" if name.endswith("_s") else name
        shown = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
        samples[name].append(f"{name}{{{shown}}} {value}\n" if shown else f"{name} {value}\n")
    return "".join(f"# TYPE {name} gauge\n{''.join(lines)}" for name, lines in samples.items())


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
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
