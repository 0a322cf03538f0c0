"""The heartbeat: what metrics.prom says while a run goes on, and how the last one ended."""

import itertools
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.errors import EngineError
from pipelines.output import heartbeat


def told(folder):
    text = (folder / "metrics.prom").read_text()
    families = list(text_string_to_metric_families(text))
    assert text.count("# HELP ") == text.count("# TYPE ") == len(families)
    assert all(family.documentation.replace(" ", "_") not in family.name for family in families)
    return {sample.name.removeprefix("reviewbatch_"): sample.value for family in families for sample in family.samples}


@pytest.fixture
def watched(tmp_path, fake_engine, monkeypatch):
    """Make an engine that notes at each step what the metrics say."""
    monkeypatch.setattr(heartbeat, "EVERY", 0.0)
    seen = []

    class Watched(fake_engine):
        def step(self, patience=0.0):
            seen.append(told(tmp_path / "out"))
            return super().step(patience)

    return Watched, seen


def test_while_a_run_goes_on_its_metrics_say_how_it_stands(go, tmp_path, write_jsonl, reviews, watched):
    engine, seen = watched
    go(write_jsonl([*reviews(24), {"nothing": 1}]), engine)
    first, last = seen[0], seen[-1]
    assert all(values["run_running"] == 1 for values in seen)
    assert first["progress_rows_read"] == 25
    assert "progress_rows_answered" not in first
    assert last["progress_rows_answered"] + last["progress_rows_waiting"] == 24
    assert [v["progress_rows_answered"] for v in seen[1:]] == sorted(v["progress_rows_answered"] for v in seen[1:])
    assert max(values.get("progress_rows_per_second", 0) for values in seen) > 0
    assert last["progress_eta_seconds"] >= 0
    assert last["run_engine_restarts"] == last["progress_rows_rejected"] == 0
    assert last["progress_timestamp_seconds"] <= last["metrics_written_timestamp_seconds"] <= time.time()
    assert "last_run_exit_status" not in last
    ended = told(tmp_path / "out")
    assert (ended["run_running"], ended["rows_answered"]) == (0, 24)
    assert "progress_rows_answered" not in ended


def test_what_moves_is_told_from_what_stands_still(go, tmp_path, write_jsonl, reviews, fake_engine, monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.0)
    seconds = itertools.count(1000.0)
    monkeypatch.setattr(heartbeat.time, "time", lambda: next(seconds))
    seen = []

    class Slow(fake_engine):
        def step(self, patience=0.0):
            seen.append(told(tmp_path / "out")["progress_timestamp_seconds"])
            return super().step(patience)

    go(write_jsonl(reviews(8)), lambda: Slow(latency=50))
    assert len(seen) > 10 * len({*seen})  # it moves as often as there are answers


def test_how_the_last_run_ended_is_told_until_the_next_has(go, tmp_path, write_jsonl, reviews, watched):
    engine, seen = watched
    path = write_jsonl(reviews(6))

    def exits(outcome):
        failed = isinstance(outcome, BaseException)
        return {"status": int(failed), "reason": str(outcome) if failed else "done", "at": 5.0 if failed else 9.0}

    def start():
        raise EngineError("no engine today")

    with pytest.raises(EngineError):
        go(path, start, told=exits)
    ended = told(tmp_path / "out")
    assert (ended["run_running"], ended["last_run_exit_status"], ended["last_run_end_timestamp_seconds"]) == (0, 1, 5)
    go(path, engine, told=exits)
    assert all((v["run_running"], v["last_run_exit_status"]) == (1, 1) for v in seen)
    assert told(tmp_path / "out")["last_run_exit_status"] == 0


def test_metrics_that_cannot_be_written_do_not_end_a_run(go, tmp_path, write_jsonl, reviews, fake_engine, monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.prom").mkdir()  # in its place
    with pytest.raises(OSError, match="metrics"):  # only at the end is that an error
        go(write_jsonl(reviews(6)), fake_engine)
