"""Interruption: a signal asks the program to stop, and it stops where that is safe."""

import signal
from types import FrameType

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
