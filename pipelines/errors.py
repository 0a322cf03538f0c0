"""What can go wrong, as one tree; `cli.main` alone maps it to exit statuses.

    ReviewbatchError
    |-- UsageError          the command line does not say what to do
    |-- ConfigError         a setting that cannot be meant
    |-- CorpusError         the input cannot be read
    |   `-- ColumnError     the input lacks a column
    |-- RemoteError         what lies in an object store or on the web cannot be read, or written
    |-- ModelError          the model cannot be found, made or used
    |-- LedgerError         the output folder is in use, is damaged, or is not one of ours
    `-- EngineError         vLLM is missing, does not start, or has died for good
        |-- EngineDied      the engine stopped while it had work; it may be started again
        `-- OutOfTimeError  the deadline has passed while the engine was not there

Every message is one line that says what is wrong, where, and what to do.
A row that cannot be used is no error: it becomes a `Reject`, and the others go on.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class ReviewbatchError(Exception):
    """Anything that ends a command with one clear line."""


class UsageError(ReviewbatchError):
    """The command line does not say what to do."""


class ConfigError(ReviewbatchError):
    """A setting that cannot be meant."""


class CorpusError(ReviewbatchError):
    """The input cannot be read."""


class ColumnError(CorpusError):
    """The input lacks a column."""


class RemoteError(ReviewbatchError):
    """What lies in an object store or on the web cannot be read, or written."""


class ModelError(ReviewbatchError):
    """The model cannot be found, made or used."""


class LedgerError(ReviewbatchError):
    """The output folder is in use, is damaged, or is not one of ours."""


class EngineError(ReviewbatchError):
    """vLLM is missing, does not start, or has died for good."""


class EngineDied(EngineError):  # noqa: N818  the name says what happened
    """The engine stopped while it had work."""


class OutOfTimeError(EngineError):
    """The deadline has passed while the engine was not there."""


def complaint(error: Any, names: Iterable[str]) -> tuple[str, str]:
    """Return where the first mistake is that pydantic found, of these `names`, and what it is."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        return where, first["msg"].removeprefix("Value error, ")
    close = get_close_matches(where, names, 1)  # none to a key within another
    return where, f"no such key, did you mean {close[0]}?" if close else "no such key"


def unreadable(error: Exception) -> str:
    """Return why a parser of TOML cannot read a text, of what it has raised."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    # Python's own limit is told with what a programmer may do about it.
    return "a number has thousands of digits" if "set_int_max_str_digits" in str(error) else str(error)


def first_line(error: BaseException) -> str:
    """Return the first line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
