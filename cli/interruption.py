"""Interruption: a signal asks the program to stop, and it stops where that is safe."""

import signal
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.events import Emit, Event

_asked = 0
_deferred = False


class Interrupted(BaseException):
    """A signal asked the program to stop."""


def install() -> None:
    """Listen to SIGINT and SIGTERM. A second signal takes its usual course, for whoever finds the first too slow."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ask)


def asked() -> int:
    """Return the number of the signal that came, 0 when none has."""
    return _asked


def defer() -> None:
    """Have a signal take effect at the next `check` only.

    Loading takes long and may be broken off anywhere. Once the engine works, an exception out of nowhere could be
    taken for the engine's death, or be lost in somebody's clean-up; then `check` is called after every step.
    """
    global _deferred  # noqa: PLW0603  a process is interrupted as a whole
    _deferred = True


def heeding(draw: "Emit") -> "Emit":
    """Return `draw` such that a signal takes effect at an event once the engine works."""
    from pipelines.events import EngineStarted

    def emit(event: "Event") -> None:
        if isinstance(event, EngineStarted):
            defer()
        check()
        draw(event)

    return emit


def check() -> None:
    """Raise Interrupted when a signal has come."""
    if _asked:
        raise Interrupted


def _ask(number: int, _: FrameType | None) -> None:
    global _asked  # noqa: PLW0603
    signal.signal(number, signal.SIG_DFL)
    _asked = number
    if not _deferred:
        raise Interrupted
