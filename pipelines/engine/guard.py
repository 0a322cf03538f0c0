"""The guard: a process beside this one that ends the engine's processes, all the way down, when this one has died.

An engine whose parent was killed with -9 lives on and holds the GPU's memory, so that the next run could not start. One
that hangs, or has been stopped, does not hear that it is to end, nor do the workers below it. Run as a program, this
file watches its parent; it must import nothing else of the project's.
"""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

SECONDS = 0.25  # between two looks
PATIENCE = 10.0  # seconds that killed processes are given to be gone
TRACKER = b"multiprocessing.resource_tracker"  # it ends by itself, and frees the shared memory of the others before


class Guard:
    """Guards the processes that this one has, or will have, below it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )

    def kill(self) -> None:
        """Kill every process below this one, stopped ones too; return when they are gone, or will not go."""
        assert self._process.stdin  # noqa: S101  it is a pipe
        assert self._process.stdout  # noqa: S101
        with suppress(OSError, ValueError):  # it has been dismissed
            self._process.stdin.write(b"k")
            if select.select([self._process.stdout], [], [], 2 * PATIENCE)[0]:
                self._process.stdout.read(1)

    def dismiss(self) -> None:
        """Let the guard go; again does nothing."""
        self._process.kill()
        self._process.communicate()


class _Tree:
    """The processes below one, known by their number and the moment they began: another may have the number later."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._began: dict[int, bytes] = {}
        self._others = {os.getpid()}

    def grow(self) -> bool:
        """Look for new processes, and say whether there were any below the root.

        Whose parent dies is handed to another, so what is below must have been seen while it lived.
        """
        now = {int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit()}
        self._others &= now
        before = len(self._began)
        for number in sorted(now - self._others - self._began.keys()):
            state, parent, began = _look(number)
            if (parent == self._root or parent in self._began) and not _is_tracker(number):
                self._began[number] = began
            elif state:
                self._others.add(number)
        return len(self._began) > before

    def kill(self) -> None:
        """Kill all of them, and wait until they are gone."""
        self._send(signal.SIGSTOP)  # or they would go on having children
        while self.grow():
            self._send(signal.SIGSTOP)
        self._send(signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while self._living() and time.monotonic() < until:
            time.sleep(0.02)
        self._began.clear()

    def _send(self, what: signal.Signals) -> None:
        for number in self._living():
            with suppress(OSError):
                os.kill(number, what)

    def _living(self) -> list[int]:
        looks = ((number, began, *_look(number)) for number, began in self._began.items())
        return [number for number, began, state, _, now in looks if now == began and state not in {b"Z", b"X"}]


def _look(number: int) -> tuple[bytes, int, bytes]:
    """Return a process's state, its parent and the moment it began; empty when there is no such process."""
    state, parent, *more = _read(number, "stat").rpartition(b")")[2].split() or (b"", b"0", *[b""] * 18)
    return state, int(parent), more[17]


def _is_tracker(number: int) -> bool:
    return TRACKER in _read(number, "cmdline")


def _read(number: int, file: str) -> bytes:
    try:
        return Path("/proc", str(number), file).read_bytes()
    except OSError:
        return b""


def _watch() -> None:
    """Note what is below the parent; kill it when the parent says so, and when it has died."""
    tree = _Tree(os.getppid())
    told = b"k"
    while told:
        while not select.select([sys.stdin], [], [], SECONDS)[0]:
            tree.grow()
        told = os.read(0, 1)  # nothing when the pipe has ended, and with it the parent
        tree.kill()
        if told:
            os.write(1, told)


if __name__ == "__main__":
    _watch()
