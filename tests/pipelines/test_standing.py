"""A run whose input is what the last one has read: nothing is read anew, and nothing comes out otherwise."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from pipelines import files
from pipelines.config import Config
from pipelines.corpus import reader
from pipelines.corpus.rating import Scale
from pipelines.corpus.reading import Reading
from pipelines.corpus.reject import Reason
from pipelines.corpus.shard import Shard
from pipelines.corpus.sources import Source
from pipelines.events import Noted, Warned
from pipelines.ledger import digest
from pipelines.ledger.records import ELSEWHERE
from pipelines.prompts.prompts import Prompts
from pipelines.questions import identity
from pipelines.tasks import TASKS

LONG = " ".join(f"dish{n}" for n in range(9000))  # a text that does not fit


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files are taken to be old enough."""
    monkeypatch.setattr(files, "SETTLED", float("-inf"))


@pytest.fixture
def reads(monkeypatch):
    """Count how often the input is read."""
    often = []
    read = reader.read
    monkeypatch.setattr(reader, "read", lambda *given: often.append(given) or read(*given))
    return often


@pytest.fixture
def tables(tmp_path):
    """Return all that a run has written for people, but for what it took."""

    def tables():
        out = tmp_path / "out"
        report = json.loads((out / "report.json").read_text())
        files = {path.name: path.read_bytes() for path in [*sorted((out / "results").iterdir()), out / "rejects.jsonl"]}
        return files, report["rows"], report["run"]["corpus"]

    return tables


def damage(out, *sql):
    with closing(sqlite3.connect(out / "run.sqlite")) as db, db:
        digest.install(db)
        for statement in sql:
            db.execute(statement)


@pytest.mark.parametrize("names", [["sentiment"], ["points", "summary", "strengths"], ["mood", "dish"]])
def test_it_ends_as_if_it_had_been_read_anew(
    go, write_jsonl, corpus, reading, stopping, reads, tables, tmp_path, names
):
    path = write_jsonl([*corpus({"a": 7, "b": 4, "c": 2}), {"review_id": "x", "restaurant_id": "a", "text": None}])
    go(path, reading, *names)
    expected = tables()
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(KeyboardInterrupt):
        go(path, stopping(9, reading), *names)
    reads.clear()
    engine = reading()
    go(path, lambda: engine, *names)
    assert engine.submitted
    assert tables() == expected
    go(path, reading, *names)
    assert tables() == expected
    assert reads == []


def test_what_was_said_of_the_rows_is_said_again(go, write_jsonl, reviews, fake_engine, reads):
    path = write_jsonl([{"text": "Good soup.", "restaurant_id": "a"}, *({"text": ""} for _ in range(20))])
    told = [
        [event for event in events if isinstance(event, Noted | Warned)]
        for events in (go(path, fake_engine, calibration="raw")[1] for _ in range(2))
    ]
    assert len(told[0]) > 1
    assert told[1] == told[0]
    assert len(reads) == 1


@pytest.mark.parametrize("change", [
    {"limit": 4}, {"reading": Reading(restaurant="one")}, {"reading": Reading(keep=["rating"])}, {"calibration": "raw"},
    {"shard": Shard(0, 2)}, {"arguments": {"max_model_len": 512}}, {"again": True},
])  # fmt: skip
def test_with_another_setting_it_is_read_anew(go, write_jsonl, corpus, fake_engine, reads, change):
    path = write_jsonl(corpus({"a": 3, "b": 3}))
    go(path, fake_engine)
    reads.clear()
    go(path, fake_engine, **change)
    assert reads


def test_with_other_tasks_it_is_read_anew(go, write_jsonl, corpus, fake_engine, reads):
    path = write_jsonl(corpus({"a": 3}))
    for names in (["sentiment"], ["sentiment", "strengths"], ["strengths"]):
        reads.clear()
        go(path, fake_engine, *names)
        assert reads
    reads.clear()
    go(path, fake_engine, "strengths", single_stage=True)
    assert reads


def test_a_scale_that_is_stated_is_that_of_what_stands(go, write_jsonl, corpus, fake_engine, reads, query):
    path, scale = write_jsonl(corpus({"a": 3})), Scale(1.2345678, 1e6)
    for _ in range(2):
        go(path, fake_engine, reading=Reading(scale=scale))
    assert len(reads) == 1
    assert len({ratings for (ratings,) in query("SELECT facts -> 'corpus' FROM run")}) == 1


def test_a_shard_in_another_format_says_so_to_others(go, write_jsonl, corpus, fake_engine, reads, query):
    path = write_jsonl(corpus(dict.fromkeys("abcd", 2)))
    for kind in ("csv", "parquet"):
        go(path, fake_engine, shard=Shard(0, 2), format=kind)
    assert query("SELECT facts ->> '$.apart.format' FROM run ORDER BY id") == [("csv",), ("parquet",)]
    assert len(reads) == 1


def test_a_deadline_in_local_time_is_another_in_another_zone(go, write_jsonl, corpus, fake_engine, query, monkeypatch):
    path = write_jsonl([{**row, "deadline": "2026-11-29T20:00:00"} for row in corpus({"a": 2})])
    due = []
    for zone in ("America/Costa_Rica", "Asia/Shanghai"):  # both are called CST
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        go(path, fake_engine)
        due += query("SELECT max(deadline) FROM job")
    monkeypatch.undo()
    time.tzset()
    assert due[0][0] - due[1][0] == 14 * 3600


def test_a_later_stage_that_was_too_long_is_worked_out_anew(go, write_jsonl, corpus, reading, reads, query, tmp_path):
    path = write_jsonl(corpus({"a": 5, "b": 4}))
    go(path, reading, "points", "summary")
    damage(
        tmp_path / "out",
        f"UPDATE request SET state = 'rejected', reason = '{Reason.TOO_LONG}', detail = '', body = NULL, "
        "answer = NULL WHERE task = 'summary'",
        f"UPDATE request SET digest = {digest.of_question()} WHERE task = 'summary'",
    )
    reads.clear()
    report, _ = go(path, reading, "points", "summary")
    assert reads == []
    assert (report["rows"]["answered"], report["rows"]["rejected"]) == (9, 0)


def test_a_row_that_is_too_long_counts_the_same(go, write_jsonl, corpus, reading, reads):
    path = write_jsonl([*corpus({"a": 3}), {"review_id": "y", "restaurant_id": "b", "text": LONG}])
    jobs = []
    for _ in range(2):
        report, _ = go(path, reading, "sentiment", "points", sla={"sentiment": 1800.0})
        jobs.append([report["tasks"][name]["jobs"]["count"] for name in ("sentiment", "points")])
    os.utime(path)
    report, _ = go(path, reading, "sentiment", "points", sla={"sentiment": 1800.0})
    jobs.append([report["tasks"][name]["jobs"]["count"] for name in ("sentiment", "points")])
    assert len(reads) == 2
    assert jobs == [[1, 1], [0, 0], [0, 0]]


def test_a_file_that_was_touched_is_read_anew(go, write_jsonl, corpus, fake_engine, reads):
    path = Path(write_jsonl(corpus({"a": 3})))
    go(path, fake_engine)
    reads.clear()
    path.write_bytes(path.read_bytes().replace(b"soup", b"stew"))  # as long as before
    os.utime(path, ns=(path.stat().st_atime_ns, 0))
    go(path, fake_engine)
    assert reads


def test_another_state_of_the_program_reads_anew(go, write_jsonl, corpus, fake_engine, reads, monkeypatch):
    path = write_jsonl(corpus({"a": 3}))
    go(path, fake_engine)
    reads.clear()
    monkeypatch.setattr(Path, "read_bytes", lambda file, read=Path.read_bytes: read(file) + b"#")
    go(path, fake_engine)
    assert reads


def test_a_file_that_was_written_a_moment_ago_may_be_another(go, write_jsonl, corpus, fake_engine, reads, monkeypatch):
    monkeypatch.setattr(files, "SETTLED", 2.0)
    path = write_jsonl(corpus({"a": 3}))
    go(path, fake_engine)
    reads.clear()
    go(path, fake_engine)
    assert reads


@pytest.mark.parametrize("sql", [
    "UPDATE item SET text = 'another' WHERE seq = 2", "DELETE FROM item WHERE seq = 2",
    "UPDATE ask SET request = (SELECT max(request) FROM ask) WHERE seq = 1", "DELETE FROM request WHERE id = 3",
    "UPDATE request SET body = x'00000000' WHERE state = 'waiting'", "UPDATE request SET answer = '[0]' WHERE id = 1",
    "UPDATE request SET body = NULL WHERE state = 'waiting'", "UPDATE job SET unit = 'z'", "DELETE FROM reject",
    *(f"UPDATE request SET {column} = NULL WHERE state = 'waiting'" for column in ("head", "prefix", "length")),
    "UPDATE request SET length = 9e999 WHERE state = 'waiting'",
    *(f"UPDATE request SET {change} WHERE state = 'rejected' AND body IS NULL"
      for change in ("reason = 'too-lonG'", "reason = 'no-scores'", "detail = 'other'", "stage = 1", "state = 'waiting'")),
])  # fmt: skip
def test_what_is_not_as_it_was_written_is_read_anew(
    go, write_jsonl, corpus, fake_engine, stopping, reads, tables, tmp_path, sql
):
    long = {"review_id": "y", "restaurant_id": "a", "text": LONG}
    path = write_jsonl([*corpus({"a": 37, "b": 4}), {"review_id": "x", "restaurant_id": "a", "text": None}, long])
    go(path, fake_engine, output="whole")
    with pytest.raises(KeyboardInterrupt):
        go(path, stopping(40))
    reads.clear()
    damage(tmp_path / "out", sql)
    go(path, fake_engine)
    assert reads
    files, rows, _ = tables()
    assert rows["answered"] == 41
    whole = tmp_path / "whole"
    assert files["sentiment.parquet"] == (whole / "results" / "sentiment.parquet").read_bytes()
    assert files["rejects.jsonl"] == (whole / "rejects.jsonl").read_bytes()


def test_the_rows_are_gone_through_once_where_nobody_asks_more(go, write_jsonl, corpus, reading, query, monkeypatch):
    often = []
    of_rows = digest.of_rows
    monkeypatch.setattr(digest, "of_rows", lambda db: often.append(1) or of_rows(db))
    path = write_jsonl(corpus({"a": 5, "b": 4}))
    for names, times in (
        (["sentiment"], 1),
        (["sentiment"], 1),
        (["points", "summary"], 2),
        (["points", "summary"], 1),
    ):
        often.clear()
        go(path, reading, *names)  # read, or looked at whether it stands; and again where a next stage was asked
        assert len(often) == times, names
        assert query("SELECT rows NOT NULL FROM run ORDER BY id DESC LIMIT 1") == [(1,)]


def test_what_failed_is_asked_again(go, write_jsonl, corpus, reading, reads, tables, tmp_path):
    path = write_jsonl(corpus({"a": 5, "b": 4}))

    class Mumbles(reading):
        def says(self, request):
            return "?" if self.mumbles(request) else super().says(request)

        def mumbles(self, request):
            return request.id % 5 == 0

    names = ["sentiment", "points", "summary", "strengths"]
    go(path, reading, *names, output="whole")
    report, _ = go(path, Mumbles, *names)
    assert report["rows"]["rejected"]
    reads.clear()
    report, _ = go(path, reading, *names)
    assert reads == []
    assert (report["rows"]["rejected"], report["rows"]["answered"]) == (0, 9)
    files, _, _ = tables()
    for name in (tmp_path / "whole" / "results").iterdir():
        assert files[name.name] == name.read_bytes(), name


def test_a_shard_keeps_its_share(go, write_jsonl, corpus, reading, reads, tables, query):
    path = write_jsonl(corpus(dict.fromkeys("abcdefgh", 4)))
    go(path, reading, "strengths", shard=Shard(1, 2))
    assert query("SELECT count(*) FROM item WHERE seq < ?", ELSEWHERE // 2) > [(0,)]
    expected, noted = tables(), query("SELECT facts -> 'apart' FROM run ORDER BY id DESC LIMIT 1")
    reads.clear()
    go(path, lambda: pytest.fail("there is nothing to ask"), "strengths", shard=Shard(1, 2))
    assert reads == []
    assert tables() == expected
    assert query("SELECT facts -> 'apart' FROM run ORDER BY id DESC LIMIT 1") == noted


def test_it_is_known_by_the_same_in_another_process(write_jsonl, corpus):
    code = """
from pipelines import cache, files
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.models import catalog
from pipelines.prompts.prompts import Prompts
from pipelines.prompts.prompts import Prompts
from pipelines.questions import identity
from pipelines.tasks import TASKS
from pipelines.tasks import TASKS
files.SETTLED = float("-inf")
tasks = [task for task in TASKS.values() if task.unit != "query"]
config = Config(tasks=tasks, sources=[Source(sys.argv[1])], model=catalog.find("tiny", cache.folder("models")))
print(identity.of(config, Prompts(config.model, config.arguments, config.templates)))
"""
    path = write_jsonl(corpus({"a": 3}))
    said = {
        subprocess.run(
            [sys.executable, "-c", f"import sys{code}", str(path)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in "12"
    }  # fmt: skip
    assert len(said) == 1
    assert len(said.pop().strip()) == 32


def test_a_pipe_and_what_lies_far_away_are_known_by_nothing(tmp_path, tiny):
    os.mkfifo(tmp_path / "pipe")
    for path in ("-", str(tmp_path / "pipe"), "s3://bucket/reviews.parquet", str(tmp_path / "nowhere")):
        config = Config(tasks=[TASKS["sentiment"]], sources=[Source(path)], model=tiny)
        prompts = Prompts(config.model, config.arguments, config.templates)
        assert identity.of(config, prompts) is None
