"""What the tests of the program share: the program itself, and what to ask it about."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "cli.main"]
DISHES = """
name = "dishes"
unit = "restaurant"
instruction = "Which dish is named most?"
max_tokens = 20
output.dish = { type = "string", maxLength = 8 }
"""


class Forked:
    """A program that the zygote has forked; as much of `subprocess.Popen` as the tests need."""

    def __init__(self, zygote: socket.socket, arguments: list[str], environment: dict[str, str]) -> None:
        self._wire, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (in_, stdin), (stdout, out), (stderr, err) = os.pipe(), os.pipe(), os.pipe()
        self.stdin, self.stdout, self.stderr = os.fdopen(stdin, "w"), os.fdopen(stdout), os.fdopen(stderr)
        message = json.dumps([arguments, environment, os.getcwd()]).encode()
        with theirs:
            socket.send_fds(zygote, [message], [theirs.fileno(), in_, out, err])
        for fd in (in_, out, err):
            os.close(fd)
        told = self._wire.recv(32)
        assert told, "the zygote has ended; what it said is shown when the session ends"
        self.pid = int(told)
        self.returncode = None

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._wire.settimeout(timeout)
            try:
                self.returncode = os.waitstatus_to_exitcode(int(self._wire.recv(32)))
            except (TimeoutError, BlockingIOError) as error:
                raise subprocess.TimeoutExpired(f"program {self.pid}", timeout) from error
        return self.returncode

    def communicate(self, given: str = "", timeout: float | None = None) -> list[str]:
        """Return all that it writes to stdout and stderr, of those that are open."""
        streams = [stream for stream in (self.stdout, self.stderr) if not stream.closed]
        with ThreadPoolExecutor() as readers:
            read = [readers.submit(stream.read) for stream in streams]
            with suppress(BrokenPipeError), self.stdin:  # it may end without reading
                self.stdin.write(given)
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return [text.result() for text in read]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Leave nothing of it behind, whatever became of the test."""
        self.kill()
        self.wait()
        self._wire.close()
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()


@pytest.fixture(scope="session")
def surroundings(cache):
    """The environment of a program: the tests' cache, no settings of the user's, and no network."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("REVIEWBATCH_")}
    ours = {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT), "COLUMNS": "120", "HF_HUB_OFFLINE": "1"}
    return theirs | ours


@pytest.fixture(scope="session")
def zygote(surroundings, tmp_path_factory):
    """The end of a socket whose other end forks a program for each message."""
    wire, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with wire, (tmp_path_factory.mktemp("zygote") / "log").open("w") as log:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("zygote.py")],
                stdin=theirs, stdout=log, stderr=log, env=surroundings | {"OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        yield wire
        wire.close()
        assert process.wait() == 0, Path(log.name).read_text()


@pytest.fixture
def program(tmp_path, surroundings, zygote, tiny, monkeypatch):
    """Start the program in an empty folder: forked by the zygote, or a fresh interpreter."""
    monkeypatch.chdir(tmp_path)
    forked = []

    def start(*arguments, fresh=False, **extra):
        words = list(map(str, arguments))
        if fresh:
            pipe = subprocess.PIPE
            return subprocess.Popen(
                [*PROGRAM, *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=surroundings | extra
            )
        forked.append(Forked(zygote, words, surroundings | extra))
        return forked[-1]

    yield start
    for process in forked:
        process.close()


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
def dishes(tmp_path):
    """The file of a task whose reviews are read in chunks, whose answers are merged: a job of two stages."""
    path = tmp_path / "dishes.toml"
    path.write_text(DISHES)
    return path


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

    def wait_for(condition, process, seconds: float = 240) -> None:
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
