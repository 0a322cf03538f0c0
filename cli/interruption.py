"""Interruption: a signal asks the program to stop, and it stops where that is safe, or where it must."""

import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from cli import screen

if TYPE_CHECKING:
    from pipelines.events import Emit, Event

GRACE = 5.0  # seconds that a stop which was asked for may take
PARTING = 3.0  # and those for what is written down of it where it took longer
TWICE = 0.5  # seconds: `timeout` and shells send one signal to the program and, at once, to its group
# Writes down with which status, and for what reason, the program ends; False where that is not up to it.
Parting = Callable[[int, str], bool]
CANNOT, OUT_OF_TIME = 1, 4  # exit statuses
SIGNALLED = 128  # and the number of the signal

_asked = 0
_deferred = False
_parting: Parting | None = None
_latest = _deadline = math.inf  # moments on the monotonic clock: when the program ends if it has not moved on, and why
_under_way = ""  # what vLLM has not ended then


class Interrupted(BaseException):
    """A signal asked the program to stop."""


def install() -> None:
    """Listen to SIGINT and SIGTERM.

    Python heeds a signal between two of its own steps, which may never come while it waits for others. So a thread
    listens too: it ends the program some seconds after the first signal, and at once at a second one.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ask)
    threading.Thread(target=_stand_by, args=(reader,), daemon=True).start()


def asked() -> int:
    """Return the number of the signal that came, 0 when none has."""
    return _asked


def kept() -> str:
    """Return what there is to say of the work that a command did not end."""
    run = sys.argv[1:2] == ["run"]
    return ": every answer so far is kept, and the same command continues" if run else ""


def heeding(
    draw: "Emit", *, stall_timeout: float = math.inf, deadline: float = math.inf, parting: Parting | None = None
) -> "Emit":
    """Return `draw` such that a signal takes effect at an event while the engine works.

    Loading takes long and may be broken off anywhere. Once the engine works, an exception out of nowhere could be
    taken for the engine's death, or be lost in somebody's clean-up; then it is raised here, after a step. An engine in
    this very process cannot be ended when it hangs: then the program is, some time after the engine would have been,
    which is `stall_timeout` seconds after its last step, an hour after its start began, or at the `deadline`, in
    seconds since the epoch. `parting` may write that down first.
    """
    from pipelines import events
    from pipelines.dispatch.loop import GRACE as ENDING
    from pipelines.engine.supervised import STARTING

    global _parting  # noqa: PLW0603  as those below
    _parting = parting

    def by(moment: float, now: float) -> float:
        """Return when the program ends that has not moved on by a moment, or by the deadline."""
        return min(moment, max(_deadline, now) + ENDING) + ENDING

    def emit(event: "Event") -> None:
        global _deferred, _latest, _deadline, _under_way  # noqa: PLW0603  a process is interrupted as a whole
        now = time.monotonic()
        _deadline = now + deadline - time.time()
        match event:
            case events.EngineStarted() | events.Progress():
                _deferred, _under_way, _latest = True, "last step", by(now + stall_timeout, now)
            case events.EngineStarting():
                _deferred, _under_way, _latest = False, "start", by(now + STARTING, now)
            case events.Warned() if _latest < math.inf and not _deferred:  # a replica starts again
                _latest = by(now + STARTING, now)
            case events.Reading() | events.Asking() | events.Examining() | events.WritingResults():
                _deferred, _latest = False, math.inf
        check()
        draw(event)

    return emit


def check() -> None:
    """Raise Interrupted when a signal has come."""
    if _asked:
        raise Interrupted


def _ask(number: int, _: FrameType | None) -> None:
    global _asked  # noqa: PLW0603
    first = not _asked
    _asked = _asked or number
    if first and not _deferred:
        raise Interrupted


def _stand_by(reader: int) -> None:
    first, now, number = math.inf, time.monotonic(), 0
    while True:
        # A signal may be heard of long after it came, where the interpreter is busy: it came after the last look.
        since, came, now = now, _heard(reader, 0.1 if number else 0.5), time.monotonic()
        again = bool(came) and since > first + TWICE
        if number and (again or now > first + GRACE):
            _end(SIGNALLED + number, f"interrupted{kept()}", None if again else reader)
        if came and not number:
            first, number = now, came[0]
        if now > _latest:
            status = OUT_OF_TIME if now > _deadline else CANNOT
            _end(status, f"error: vLLM has not ended its {_under_way}{kept()}", reader)


def _heard(reader: int, seconds: float) -> list[int]:
    """Return the signals that ask the program to stop and come in so many seconds, up to the first of them."""
    if not select.select([reader], [], [], seconds)[0]:
        return []
    return [number for number in os.read(reader, 64) if number in {signal.SIGINT, signal.SIGTERM}]


def _end(status: int, line: str, reader: int | None) -> None:
    """End the program, when that is written down or a signal comes from the `reader`, or else here and now.

    Where the main thread is about to write it down it has as long for that, and ends the program itself. What is
    committed is kept, and a guard ends the engine's processes. What is drawn meanwhile would hide the line.
    """
    if reader is not None and _parting:
        written = threading.Event()
        with suppress(RuntimeError):  # there may be no memory for a thread
            threading.Thread(target=_part, args=(_parting, status, line, written), daemon=True).start()
            until = time.monotonic() + PARTING
            while not written.is_set() and time.monotonic() < until and not _heard(reader, 0.05):
                pass
    screen.last_words(line)
    os._exit(status)


def _part(parting: Parting, status: int, line: str, written: threading.Event) -> None:
    with suppress(Exception):  # what is to be said to people is said all the same
        if parting(status, line):
            written.set()
