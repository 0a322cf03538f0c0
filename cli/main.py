"""The command line: its commands, and the one place where all of them end."""

import gc
import io
import os
import sys
import traceback
import warnings
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer

from cli import (
    check,
    compare,
    doctor,
    exit_status,
    export,
    inspect,
    interruption,
    lists,
    merge,
    plan,
    recover,
    report,
    run,
    screen,
)  # fmt: skip
from pipelines.corpus.spelling import spelled

# Made between two looks for garbage: what a chunk of rows is made of lives long enough to be looked at in vain.
OBJECTS = 50_000

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
app.command()(recover.recover)
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
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries have some for those who write them
    gc.set_threshold(OBJECTS)
    screen.open_missing()
    interruption.install()
    try:
        status = app(standalone_mode=False) or 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:  # noqa: BLE001  whatever is left is a bug, and people get one line all the same
        status = _misused(error) if hasattr(error, "show") else _failed(error)
    _leave(status)


def _misused(error: Any) -> int:
    """Say what Typer does not understand of the command line, as it says it."""
    said = io.StringIO()
    error.show(said)
    for line in said.getvalue().expandtabs(2).splitlines():
        screen.say(line)
    return int(error.exit_code)


def _failed(error: BaseException) -> int:
    """Say what has ended the program."""
    status, message = exit_status.of_error(error)
    if status == exit_status.BUG:
        _trace(error)
    screen.say(message)
    return status


def _leave(status: int) -> NoReturn:
    """End here: what is ours is closed by now, and taking vLLM and torch apart piece by piece takes two seconds."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(status)


def _trace(error: BaseException) -> None:
    """Print where a bug is: into the log, if there is one."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        if screen.log():
            print(spelled(line), file=sys.stderr)  # noqa: T201  which is the log by now
        else:
            screen.say(line)


if __name__ == "__main__":
    main()
