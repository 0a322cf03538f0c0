"""What the tests of the program share: the program itself, and what to ask it about."""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "cli.main"]


@pytest.fixture
def program(tmp_path, cache, tiny, monkeypatch):
    """Start the program in an empty folder, with the tests' cache and no settings of the user's."""
    monkeypatch.chdir(tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVIEWBATCH_")}
    environment |= {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT), "COLUMNS": "120"}

    def start(*arguments, **extra):
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | extra,
        )

    return start


@pytest.fixture
def run(program):
    """Run the program to its end; return its exit status, stdout and stderr."""

    def run(*arguments, given="", **extra):
        process = program(*arguments, **extra)
        out, err = process.communicate(given)
        assert "Traceback" not in err, err
        return process.returncode, out, err

    return run


@pytest.fixture
def answered():
    """Count the durable answers of a run in `out` that may be going on."""

    def answered() -> int:
        if not Path("out/run.sqlite").exists():
            return 0
        db = sqlite3.connect("out/run.sqlite", timeout=30)
        try:
            return db.execute("SELECT count(*) FROM request WHERE state = 'answered'").fetchone()[0]
        except sqlite3.OperationalError:  # the schema is not there yet
            return 0
        finally:
            db.close()

    return answered


@pytest.fixture
def wait_for():
    """Wait until something is so while a process works."""

    def wait_for(condition, process: subprocess.Popen, seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert process.poll() is None or condition(), process.communicate()
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.02)

    return wait_for


@pytest.fixture
def distinct():
    """Make reviews that differ."""

    def distinct(n: int) -> list[dict]:
        return [{"review_id": f"r{i}", "restaurant_id": f"x{i % 7}", "text": f"visit {i} was fine"} for i in range(n)]

    return distinct


@pytest.fixture
def opinions():
    """Make reviews of four restaurants that have something to quote."""

    def opinions(n: int) -> list[dict]:
        things = ("soup", "bread", "staff", "garden", "queue")
        return [
            {
                "review_id": f"r{i}",
                "restaurant_id": f"x{i % 4}",
                "text": f"The {things[i % 5]} was fine on day {i}. So was the tea.",
            }
            for i in range(n)
        ]

    return opinions
