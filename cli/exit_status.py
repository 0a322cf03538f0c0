"""The exit status: what each way to end means to whoever started the program, in words and as what to type next."""

import shlex
import shutil
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import interruption, screen
from pipelines import errors, remote

if TYPE_CHECKING:
    from cli.settings import Settings
    from pipelines.ledger.counts import Counts

CANNOT, OUT_OF_TIME, SIGNALLED = interruption.CANNOT, interruption.OUT_OF_TIME, interruption.SIGNALLED
DONE, USAGE, TOO_MANY_REJECTS, BUG = 0, 2, 3, 70
IN_VAIN = {DONE, USAGE, TOO_MANY_REJECTS, BUG}  # the same command again would come to the same
PROGRAM = "reviewbatch"


def program() -> str:
    """Return what a person types to start this program: in a clone it is not on the path."""
    typed = Path(sys.argv[0])
    return str(typed) if typed.name == PROGRAM and not shutil.which(PROGRAM) else PROGRAM


def of_error(error: BaseException) -> tuple[int, str]:
    """Return the exit status and the line for people that an error means."""
    if interruption.asked():  # also when the signal's exception has become another on its way
        return SIGNALLED + interruption.asked(), f"interrupted{interruption.kept()}"
    if isinstance(error, errors.UsageError):
        return USAGE, f"error: {error}"
    if isinstance(error, errors.ReviewbatchError):
        return CANNOT, f"error: {error}"
    if isinstance(error, OSError | sqlite3.OperationalError):
        # A full disk, a folder gone: nobody's bug, and what was committed is there.
        return CANNOT, f"error: cannot go on: {error}{interruption.kept()}"
    if missing := _missing(error):
        return CANNOT, f"error: not enough {missing} to go on{interruption.kept()}"
    where = screen.log() or "the lines above"
    return BUG, f"this is a bug in reviewbatch: {error!r}; the traceback is in {where}"


def _missing(error: BaseException) -> str:
    """Return what there was not enough of, nothing where an error does not say so."""
    if isinstance(error, MemoryError) or "failed to map segment" in str(error):  # as a library that is imported has it
        return "memory"
    # As polars has it where no thread can be made, or no file opened.
    return "memory, or open files," if type(error).__name__ == "PanicException" else ""


def of_run(counts: "Counts", chosen: "Settings") -> tuple[int, str]:
    """Return the exit status, and the reason in words, of a run that has come to its end."""
    if counts.requests:
        return OUT_OF_TIME, f"stopped at --deadline with {counts.waiting:,} rows left"
    most = chosen.max_rejects
    if most and most.exceeded(counts.rejected, counts.rows):
        where = chosen.folder / "rejects.jsonl"
        return TOO_MANY_REJECTS, f"{counts.rejected:,} rows were rejected, more than --max-rejects {most}: see {where}"
    return DONE, "done"


def told(outcome: "Counts | BaseException", chosen: "Settings") -> dict[str, Any]:
    """Return how a run ends that has come to this, or to this error, as its report has it."""
    status, reason = of_error(outcome) if isinstance(outcome, BaseException) else of_run(outcome, chosen)
    return ended(status, reason, chosen)


def ended(status: int, reason: str, chosen: "Settings") -> dict[str, Any]:
    """Return the same of a run that ends with a status, for a reason in words."""
    if status > SIGNALLED:
        reason = f"interrupted by {signal.Signals(status - SIGNALLED).name}"
    again = {} if status in IN_VAIN else _again(chosen)
    return {"status": status, "reason": reason, **again, "at": time.time()}


def _again(chosen: "Settings") -> dict[str, str]:
    """Return the command that goes on, unless it has something in it that is nobody else's business."""
    typed = [word for word in sys.argv[1:] if word != "--again"]
    if any(remote.shown(word) != word for word in typed):
        return {}
    if chosen.shard and not any(word.startswith("--shard") for word in typed):  # a job of an array knew it
        typed += ["--shard", str(chosen.shard)]
    return {"next": shlex.join([program(), *typed])}
