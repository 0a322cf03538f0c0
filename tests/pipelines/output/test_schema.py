"""Reports of real runs, held against the published schema, and their figures against Prometheus's conventions."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.output import metrics, report
from pipelines.tasks import TASKS

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())
# As promtool has them: units that are not the base one, and endings that are another type's.
NO_BASE = {
    "milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "weeks", "kilobytes", "megabytes", "gigabytes", "bits",
    "percent", "celsius", "fahrenheit", "miles", "kilometers", "grams", "kilograms",
}  # fmt: skip
ABBREVIATED = {"s", "ms", "us", "ns", "sec", "min", "m", "h", "d", "b", "kb", "mb", "gb", "tb", "pb"}
RESERVED = ("_total", "_count", "_sum", "_bucket")
TYPES = {"gauge", "counter", "histogram", "summary", "untyped"}


def check(found):
    """Hold a report against the schema, and its figures against the conventions."""
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(found, allow_nan=False)))
    text = metrics.text(found)
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert len(names) == text.count("# TYPE ") == text.count("# HELP ")
    for family in families:
        assert re.fullmatch(r"reviewbatch(_[a-z0-9]+)+", family.name), family.name
        words = set(family.name.split("_"))
        assert not words & (NO_BASE | ABBREVIATED | TYPES), family.name
        assert family.type == "gauge"
        assert not family.name.endswith(RESERVED), family.name
        assert len(family.documentation) > len("it"), family.name
        assert family.documentation.replace(" ", "_") not in family.name, f"{family.name} is not described"
        seen = [tuple(sorted(sample.labels.items())) for sample in family.samples]
        assert len(seen) == len(set(seen)), family.name
        assert {name for sample in family.samples for name in sample.labels} <= {
            "task", "label", "language", "reason", "statistic", "status", "model", "policy",
        }  # fmt: skip
    return {
        (family.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


@pytest.fixture
def rows(corpus):
    return corpus({"a": 12, "b": 5}, words=1)


@pytest.mark.parametrize("name", TASKS)
def test_finished_runs_of_every_task(go, write_jsonl, rows, reading, name):
    rows = [{"query_id": f"q{n}", "query": f"soup {n}"} for n in range(5)] if name == "query-expansion" else rows
    found, _ = go(write_jsonl([*rows, {"nothing": 1}]), reading, name, sla={name: 60.0})
    assert found["run"]["status"] == "done"
    values = check(found)
    assert values["reviewbatch_jobs", (name,)] == found["tasks"][name]["jobs"]["count"]
    assert values["reviewbatch_jobs_goodput_per_second", (name,)] * 60 == pytest.approx(
        found["tasks"][name]["jobs"]["goodput_per_min"]
    )
    assert values["reviewbatch_run_sla_seconds", (name,)] == 60.0


def test_runs_that_asked_nothing_kept_answers_or_were_stopped(
    go, write_jsonl, rows, reading, stopping, fake_engine, tmp_path
):
    path = write_jsonl(rows)
    with pytest.raises(KeyboardInterrupt):
        go(path, stopping(5))
    stopped = report.build(tmp_path / "out")
    assert stopped["run"]["status"] == "stopped"
    check(stopped)
    go(path, reading)
    kept, _ = go(path, lambda: pytest.fail("there is nothing to ask"))
    assert kept["run"]["kept"]
    check(kept)
    chunked, _ = go(path, fake_engine, "mood", "dish", policy="auto")  # tasks as people write them
    check(chunked)
    late, _ = go(write_jsonl(rows[:3], "more.jsonl"), fake_engine, deadline=0.0, again=True)
    assert late["run"]["status"] == "deadline"
    check(late)


def test_labels_that_quote_and_break_lines_are_read_back(go, write_jsonl, rows, reading):
    found, _ = go(write_jsonl(rows), reading)
    found["run"]["model"] = 'a "b"\\\n'
    values = check(found)
    assert values["reviewbatch_run_info", ("done", 'a "b"\\\n', "prefill")] == 1
