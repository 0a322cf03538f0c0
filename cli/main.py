"""The command line: its commands, and what each way to end means as an exit status."""

import os
import sqlite3
import sys
import traceback
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from cli import check, compare, doctor, export, inspect, interruption, lists, merge, plan, report, run, screen
from pipelines import errors

CANNOT, USAGE, BUG = 1, 2, 70

app = typer.Typer(
    help="Offline batch analysis of restaurant reviews with vLLM.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(run.run)
app.command()(plan.plan)
app.command()(compare.compare)
app.command()(report.report)
app.command()(merge.merge)
app.command()(export.export)
app.command()(inspect.inspect)
app.command()(check.check)
app.command()(lists.tasks)
app.command()(lists.models)
app.command()(doctor.doctor)


def _version(*, wanted: bool) -> None:
    if wanted:
        screen.data(f"reviewbatch {doctor.version('reviewbatch') or 'of an unknown version'}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")
]


@app.callback()
def program(*, version: Version = False) -> None:
    """Take the options that come before a command."""
    del version  # it has been printed by now


def main() -> NoReturn:
    """Run the command line; every way to end becomes an exit status here."""
    screen.open_missing()
    interruption.install()
    status = 0
    try:
        app()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:  # noqa: BLE001  whatever is left is a bug, and people get one line all the same
        status, message = _outcome(error)
        screen.say(message)
    _leave(status)


def _leave(status: int) -> NoReturn:
    """End here: what is ours is closed by now, and taking vLLM and torch apart piece by piece takes two seconds."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(status)


def _outcome(error: BaseException) -> tuple[int, str]:
    """Return the exit status and the line for people that an error means."""
    if interruption.asked():  # also when the signal's exception has become another on its way
        return 128 + interruption.asked(), f"interrupted{interruption.kept()}"
    if isinstance(error, errors.UsageError):
        return USAGE, f"error: {error}"
    if isinstance(error, errors.ReviewbatchError):
        return CANNOT, f"error: {error}"
    if isinstance(error, OSError | sqlite3.OperationalError):
        # A full disk, a folder gone: nobody's bug, and what was committed is there.
        return CANNOT, f"error: cannot go on: {error}{interruption.kept()}"
    return BUG, _bug(error)


def _bug(error: BaseException) -> str:
    trace = "".join(traceback.format_exception(error))
    where = screen.log()
    if where:
        print(trace, file=sys.stderr)  # noqa: T201  which is the log by now
    else:
        screen.say(trace)
    return f"this is a bug in reviewbatch: {error!r}; the traceback is in {where or 'the lines above'}"


if __name__ == "__main__":
    main()
