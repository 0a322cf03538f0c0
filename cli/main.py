"""The command line: its commands, and what each way to end means as an exit status."""

import signal
import sqlite3
import sys
import traceback
from types import FrameType
from typing import NoReturn

import typer

from cli import doctor, lists, report, run, screen
from pipelines import errors

CANNOT, USAGE, BUG = 1, 2, 70

app = typer.Typer(
    help="Offline batch analysis of restaurant reviews with vLLM.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(run.run)
app.command()(report.report)
app.command()(lists.tasks)
app.command()(lists.models)
app.command()(doctor.doctor)


class Interrupted(BaseException):
    """A signal asked the program to stop."""


def main() -> None:
    """Run the command line; every way to end becomes an exit status here."""
    screen.open_missing()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app()
    except errors.UsageError as error:
        _end(USAGE, f"error: {error}")
    except errors.ReviewbatchError as error:
        _end(CANNOT, f"error: {error}")
    except (OSError, sqlite3.OperationalError) as error:
        # A full disk, a folder gone: nobody's bug, and what was committed is there.
        _end(CANNOT, f"error: cannot go on: {error}; every answer so far is kept; the same command continues")
    except Interrupted as stop:
        _end(128 + stop.args[0], "interrupted: every answer so far is kept; the same command continues")
    except Exception:  # noqa: BLE001  whatever is left is a bug, and people get one line all the same
        _bug()


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    # Nothing has to be finished first: answers are durable in groups, and an open transaction rolls back.
    # A second signal takes its usual course, for whoever finds this one too slow.
    signal.signal(number, signal.SIG_DFL)
    raise Interrupted(number)


def _end(status: int, message: str) -> NoReturn:
    screen.say(message)
    sys.exit(status)


def _bug() -> NoReturn:
    trace = traceback.format_exc()
    where = screen.log()
    if where:
        print(trace, file=sys.stderr)  # noqa: T201  which is the log by now
    else:
        screen.say(trace)
    last = trace.strip().splitlines()[-1]
    _end(BUG, f"this is a bug in reviewbatch: {last}; the traceback is in {where or 'the lines above'}")


if __name__ == "__main__":
    main()
