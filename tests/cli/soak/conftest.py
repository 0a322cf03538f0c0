"""What the tests of the promises share: work of every kind, and what has to hold of a folder whatever has happened."""

import json
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from polars.testing import assert_frame_equal

SETTINGS = ["--model", "tiny", "--quiet", "--engine", "kv_cache_memory_bytes=268435456"]
SETTINGS += ["--engine", "max_num_seqs=4", "--engine", "dtype=float32"]
# Too few tokens for an answer, so that each question is asked twice.
MOOD = """
name = "mood"
unit = "review"
instruction = "What is it like?"
max_tokens = 6
output.mood = { type = "string", maxLength = 30 }
"""
COUNTER = """
import hashlib
from pipelines.engine.vllm_engine import VllmEngine

def begin():
    submit = VllmEngine.submit

    def counting(self, requests):
        lines = "".join(f"{hashlib.md5(str(one.prompt).encode()).hexdigest()}\\n" for one in requests)
        with open("sent", "ab", 0) as file:
            file.write(lines.encode())
        submit(self, requests)

    VllmEngine.submit = counting
"""
# What is written by a run, one after the other.
WRITTEN = ("run.sqlite", "run.sqlite-wal", "../sent", "results", "results/.*.tmp", "results/*.parquet", "report.json")


class Folder:
    """An output folder, looked at without changing anything in it."""

    def __init__(self, path: str | Path = "out") -> None:
        self.path = Path(path)

    def rows(self, sql: str) -> list[tuple]:
        """Return what the ledger holds, nothing as long as it is not there or empty: of a copy, with its log or journal."""
        with TemporaryDirectory() as scratch:
            for file in self.path.glob("run.sqlite*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, scratch)
            with closing(sqlite3.connect(f"{scratch}/run.sqlite")) as db:
                if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                    return []
                assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                return db.execute(sql).fetchall()

    def answers(self) -> dict[bytes, tuple]:
        """Return every durable answer, with the run that gave it and when."""
        rows = self.rows("SELECT key, answer, run, last_token FROM request WHERE state = 'answered'")
        return {key: tuple(rest) for key, *rest in rows}

    def last_run(self) -> int:
        """Return the number of the last run, 0 when there has been none."""
        return next(iter(self.rows("SELECT coalesce(max(id), 0) FROM run")), (0,))[0]

    def answered_since(self, run: int) -> tuple[int, int]:
        """Return how many questions have been answered after a run, and how many of those at the second time."""
        sql = f"SELECT count(*), coalesce(sum(attempts > 1), 0) FROM request WHERE state = 'answered' AND run > {run}"
        return next(iter(self.rows(sql)), (0, 0))

    def check_files(self) -> None:
        """Assert that what people read is whole, or not there."""
        for table in (self.path / "results").glob("[!.]*"):
            pl.read_parquet(table)
        for line in self.text("rejects.jsonl").splitlines():
            json.loads(line)
        assert not self.text("report.json") or self.report["schema"]
        assert not (page := self.text("report.html")) or page.rstrip().endswith("</html>")
        assert not (metrics := self.text("metrics.prom")) or metrics.endswith("\n")

    def check_same(self, other: "Folder") -> None:
        """Assert that it is done, and holds what another does: each row once, with the same answer or reject."""
        self.check_files()
        rows = self.report["rows"]
        assert rows == other.report["rows"]
        assert rows["in"] == rows["answered"] + rows["rejected"]
        assert self.text("rejects.jsonl") == other.text("rejects.jsonl")
        tables, theirs = ({path.name: path for path in (one.path / "results").iterdir()} for one in (self, other))
        assert tables.keys() == theirs.keys()
        for name, table in tables.items():
            assert_frame_equal(pl.read_parquet(table), pl.read_parquet(theirs[name]), abs_tol=1e-3, rel_tol=0)
        assert not [*self.path.rglob("*.tmp")]

    @property
    def report(self) -> dict:
        return json.loads(self.text("report.json"))

    def text(self, name: str) -> str:
        return (self.path / name).read_text() if (self.path / name).exists() else ""


@pytest.fixture
def mounted():
    """Have a file system at a place for a while; skip the test where that is not allowed."""

    @contextmanager
    def mounted(place: str | Path, *how: str):
        Path(place).mkdir(exist_ok=True)
        mounting = subprocess.run(["mount", *how, place], check=False, capture_output=True, text=True)
        if mounting.returncode:
            pytest.skip(f"no disk can be mounted here: {mounting.stderr}")
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)

    return mounted


@pytest.fixture
def plug(tmp_path):
    """Have every process of a program with an engine call `begin` of a module: vLLM looks for such in its path."""

    def plug(name: str, module: str) -> None:
        (tmp_path / f"{name}.py").write_text(module)
        (tmp_path / f"{name}-1.dist-info").mkdir()
        entry = f"[vllm.general_plugins]\n{name} = {name}:begin\n"
        (tmp_path / f"{name}-1.dist-info" / "entry_points.txt").write_text(entry)

    return plug


@pytest.fixture
def work(tmp_path, opinions, plug, dishes):
    """Return commands that read some work, by its kind; the file `sent` has a line for each question that is sent."""
    rows = opinions(14)
    rows[7]["text"] = "The soup. " * 3000  # too long for any prompt
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "reviews.jsonl").write_text("\n".join([*lines[:9], "{broken", *lines[9:]]))
    queries = (json.dumps({"query": f"noodles near street {n}"}) for n in range(4))
    (tmp_path / "queries.jsonl").write_text("\n".join(queries))
    (tmp_path / "mood.toml").write_text(MOOD)
    plug("counter", COUNTER)
    own = ["--task-file", dishes.name, "--task-file", "mood.toml"]
    return {
        "reviews": ["run", "sentiment", "points", "summary", "strengths", *own, *SETTINGS, "-i", "reviews.jsonl"],
        "queries": ["run", "query-expansion", *SETTINGS, "-i", "queries.jsonl"],
        "labels": ["run", "sentiment", "--task-file", "mood.toml", *SETTINGS, "-i", "reviews.jsonl"],
    }


@pytest.fixture
def look():
    """Look at an output folder, `out` unless another is named."""
    return Folder


@pytest.fixture(scope="session")
def _wholes():
    return {}


@pytest.fixture
def whole(run, work, tmp_path_factory, _wholes):
    """Return the output folder of a run that nothing has disturbed, by what it read; it is made once."""

    def whole(kind: str) -> Folder:
        if kind not in _wholes:
            folder = tmp_path_factory.mktemp("whole") / "out"
            status, _, err = run(*work[kind], "-o", folder)
            assert (status, err) == (0, "")
            _wholes[kind] = Folder(folder)
        return _wholes[kind]

    return whole


@pytest.fixture
def lives_until():
    """Wait for a random moment in the life of a program that works in `out`; say whether it lives to see it.

    That is any moment in the time that it should take, or one soon after it has begun to write something.
    """

    def lives_until(process, chance: Random, duration: float) -> bool:
        after, began = chance.uniform(0, duration), time.time()
        if chance.random() < 0.5:
            what, after = chance.choice(WRITTEN), chance.uniform(0, 0.1) * chance.choice((1, 10))
            while process.poll() is None and not _written(what, began):
                time.sleep(0.002)
        with suppress(subprocess.TimeoutExpired):
            process.wait(after)
        return process.poll() is None

    return lives_until


def _written(what: str, began: float) -> bool:
    """Say whether there is something by a pattern of names that has been written since a moment."""
    for path in Path("out").glob(what):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime > began:
                return True
    return False
