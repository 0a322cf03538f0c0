"""What is saved of a damaged ledger."""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.engine.interface import Timing
from pipelines.errors import LedgerError
from pipelines.ledger import pages
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import Answer, Flight, NewJob, Question
from pipelines.ledger.recovery import recover
from scheduling.job import Job
from scheduling.policy import POLICIES
from scheduling.queue import JobQueue
from scheduling.speed import Work

TIMING = Timing(0.1, 0.2, 0.3, 0.4, prompt_tokens=10, cached_tokens=4, output_tokens=1, preemptions=0)
LONG = 90  # of an answer that goes on in other pages


def key(n: int) -> bytes:
    return b"%16d" % n


def answer(ledger: Ledger, numbers: range, *, again: bool = False) -> None:
    """Ask some questions in a run of their own, and answer each with as many numbers as it is great."""
    ledger.begin({"vllm": "0.32.0", "files": ["x"] * 900})
    ledger.jobs.add([NewJob(0, "mood", "x", whole=False)])
    asked = [Question(key=key(n), job=0, seqs=[n], form="ask.en", body=[1], prompt_tokens=1) for n in numbers]
    ledger.requests.ask("mood", 0, asked, again=again)
    turn = JobQueue(POLICIES["fifo"], [Job(id=0, task="mood", cost=1, position=0)]).pop(0.0)
    waiting = zip(numbers, list(ledger.requests.waiting(0)), strict=True)
    ledger.requests.settle(
        [
            Answer(Flight(one, turn, 0.0, 4, work=Work()), {"한": [n / 7] * LONG * (1 + n % 9)}, TIMING)
            for n, one in waiting
        ],
        [],
    )


@pytest.fixture
def ledger(tmp_path):
    """The file of a finished run, of whose 400 answers some are longer than a page."""
    with closing(Ledger(tmp_path / "out")) as ledger:
        answer(ledger, range(400))
        ledger.note("done", tasks={"mood": {}}, exit={"status": 0})
    return tmp_path / "out" / "run.sqlite"


def answers(path: Path) -> dict:
    with closing(sqlite3.connect(path)) as db:
        return {key: (told, run) for key, told, run in db.execute("SELECT key, answer, run FROM request")}


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def test_a_sound_ledger_is_left_as_it_is(ledger):
    before = ledger.read_bytes()
    assert recover(ledger.parent) is None
    assert ledger.read_bytes() == before
    assert not list(ledger.parent.glob("*damaged*"))


def test_pages_are_read_as_sqlite_reads_them(ledger):
    with closing(sqlite3.connect(ledger)) as db:
        db.text_factory = bytes
        for table in ("request", "run"):
            stored = [(id_, [None, *rest]) for id_, *rest in db.execute(f"SELECT * FROM {table}")]
            read = pages.rows(ledger, {len(stored[0][1])})
            # SQLite's own table of tables is as wide as that of runs.
            assert sorted(row for row in read if row[1][0] is None) == stored


NUMBERS = [0, 1, -1, 127, -128, 128, 1 << 15, 1 << 23, -(1 << 23), 1 << 31, 1 << 47, -(1 << 62), (1 << 63) - 1]


@pytest.mark.parametrize("size", [512, 1024, 65536])
def test_every_kind_of_value_is_read_from_pages_of_every_size(tmp_path, size):
    values = [
        *NUMBERS,
        0.5,
        -1e300,
        None,
        b"",
        b"x" * 700,
        "",
        "한" * 40_000,
        "x" * (size - 40),
        "x" * (size - 35),
        "x" * size,
    ]
    with closing(sqlite3.connect(tmp_path / "any")) as db, db:
        db.execute(f"PRAGMA page_size = {size}")
        db.execute("CREATE TABLE any (id INTEGER PRIMARY KEY, value)")
        db.executemany("INSERT INTO any VALUES (?, ?)", zip([*range(len(values) - 1), 1 << 60], values, strict=True))
    expected = [value.encode() if isinstance(value, str) else value for value in values]
    read = dict(pages.rows(tmp_path / "any", {2}))
    assert [read[n][1] for n in (*range(len(values) - 1), 1 << 60)] == expected


@pytest.mark.parametrize("seed", range(20))
def test_pages_of_noise_hold_no_rows_and_end(tmp_path, seed):
    noise = random.Random(seed)
    blocks = [b"\x0d" + noise.randbytes(4095) for _ in range(20)]
    (tmp_path / "noise").write_bytes(b"".join(blocks))
    (tmp_path / "noise-wal").write_bytes(noise.randbytes(9999))
    assert all(len(values) == 3 for _, values in pages.rows(tmp_path / "noise", {3}))


@pytest.mark.parametrize("first", [True, False])
def test_what_is_not_damaged_is_saved_and_the_damaged_file_kept(ledger, first):
    before, damaged = answers(ledger), ledger.read_bytes()
    for at in range(0 if first else 4096, len(damaged), 20 * 4096):  # the first page leads to all others
        overwrite(ledger, at, b"\x5a" * 4096)
    damaged = ledger.read_bytes()
    saved = recover(ledger.parent)
    after = answers(ledger)
    assert saved.answers == len(after) > 250
    assert after.items() <= before.items()
    assert saved.damaged == ledger.with_name("run.sqlite.damaged")
    assert saved.damaged.read_bytes() == damaged
    assert recover(ledger.parent) is None
    assert sorted(path.name for path in ledger.parent.glob("*sqlite*")) == ["run.sqlite", "run.sqlite.damaged"]


def test_one_answer_that_is_damaged_is_not_saved(ledger):
    content = ledger.read_bytes()
    overwrite(ledger, content.index(b"0.14285714285714285") + 5, b"9")
    assert recover(ledger.parent).answers == 399
    assert key(1) not in answers(ledger)


def test_nothing_that_was_kept_before_is_overwritten(ledger):
    kept = []
    for n in range(3):
        overwrite(ledger, 100, bytes([n]) * 64)
        kept.append(recover(ledger.parent).damaged)
    assert [path.name for path in kept] == ["run.sqlite.damaged", "run.sqlite.damaged-2", "run.sqlite.damaged-3"]
    assert len({path.read_bytes() for path in kept}) == 3


def test_the_next_run_knows_what_is_saved_and_is_a_later_one(ledger):
    at = ledger.read_bytes().index(b'"vllm"')
    overwrite(ledger, at, b"\x5a")  # its run's facts are lost
    recover(ledger.parent)
    with closing(Ledger(ledger.parent)) as again:
        again.check()
        assert again.begin({}) == 0
        assert again._db.execute("SELECT max(id) FROM run").fetchone()[0] == 2
        assert again.requests.known([key(0), key(399), key(400)], again=False) == {key(0), key(399)}
        assert again.requests.known([key(0)], again=True) == set()


def test_facts_are_saved_with_their_run(ledger):
    overwrite(ledger, 100, b"\x5a" * 64)
    recover(ledger.parent)
    with closing(sqlite3.connect(ledger)) as db:
        ((number, status, facts),) = db.execute("SELECT id, status, facts FROM run").fetchall()
    assert (number, status, json.loads(facts)["vllm"]) == (1, "stopped", "0.32.0")  # it has no rows to report on
    assert "exit" not in json.loads(facts)
    with closing(Ledger(ledger.parent)) as again:
        again.check()


def test_an_answer_that_was_asked_again_is_saved_as_it_was_last(ledger):
    with closing(Ledger(ledger.parent)) as again:
        answer(again, range(50), again=True)
    expected = answers(ledger)
    overwrite(ledger, 100, b"\x5a" * 64)
    assert recover(ledger.parent).answers == 400
    assert answers(ledger) == expected
    assert {run for _, run in expected.values()} == {1, 2}


SCRIPT = """
import os, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from test_recovery import Ledger, answer
ledger = Ledger(Path(sys.argv[3]))
answer(ledger, range(300))
os.kill(os.getpid(), 9)
"""


def test_what_is_only_in_the_log_of_a_killed_run_is_saved_too(tmp_path):
    tests = Path(__file__).parent
    arguments = [tests, tests.parents[2], tmp_path / "out"]
    assert subprocess.run([sys.executable, "-c", SCRIPT, *arguments], check=False).returncode == -9
    path = tmp_path / "out" / "run.sqlite"
    assert path.with_name("run.sqlite-wal").stat().st_size > path.stat().st_size
    overwrite(path, 0, b"\x5a" * 4096)
    saved = recover(path.parent)
    assert saved.answers == len(answers(path)) == 300
    assert not path.with_name("run.sqlite-wal").exists()
    assert saved.damaged.with_name("run.sqlite.damaged-wal").exists()


def test_older_pages_behind_the_newest_of_a_log_are_older(tmp_path):
    """A log begins anew when all of it is in the file, and what it had is still behind that."""
    there, copied = tmp_path / "there", tmp_path / "copied"
    with closing(Ledger(there)) as ledger:
        for first in range(0, 400, 10):
            answer(ledger, range(first, first + 10))
            ledger._db.execute("PRAGMA wal_checkpoint(RESTART)")
        answer(ledger, range(400, 403))
        shutil.copytree(there, copied)
        known = answers(there / "run.sqlite")
    overwrite(copied / "run.sqlite", 68, bytes(4))  # the mark by which it is ours
    assert recover(copied).answers == len(known)
    assert answers(copied / "run.sqlite") == known


def test_where_nothing_can_be_read_nothing_is_changed(tmp_path):
    with pytest.raises(LedgerError, match=r"no run in .*: it holds no run.sqlite"):
        recover(tmp_path)
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as db, db:
        db.execute("CREATE TABLE theirs AS SELECT 1 AS a, 2 AS b")
    before = (tmp_path / "run.sqlite").read_bytes()
    with pytest.raises(
        LedgerError, match=r"no answer of this version can be read of .*: if it was a ledger, remove it to start over"
    ):
        recover(tmp_path)
    assert (tmp_path / "run.sqlite").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "run.sqlite"]


def test_a_ledger_that_a_run_works_on_is_left_to_it(ledger):
    with closing(Ledger(ledger.parent)), pytest.raises(LedgerError, match="another run is working in"):
        recover(ledger.parent)
