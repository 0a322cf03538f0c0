"""Failures: what an error of SQLite's says about a ledger's file, that the disk cannot or that the file is damaged."""

import shlex
import sqlite3
from pathlib import Path
from textwrap import shorten

from pipelines.errors import LedgerError

FAILED = (sqlite3.Error, UnicodeDecodeError)  # what SQLite has to say may itself be damaged
LONG = 160  # characters of what SQLite says
DISK = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk does not read or write it",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_PERM: "it may not be opened",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_BUSY: "another program works on it",
    sqlite3.SQLITE_LOCKED: "another program works on it",
    sqlite3.SQLITE_PROTOCOL: "another program works on it",
}


def failure(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> OSError | LedgerError:
    """Return what is to be raised in place of an error that SQLite had with a ledger's file."""
    return _of_the_disk(error, path) or damaged(path, str(error))


def is_clear(error: sqlite3.Error) -> bool:
    """Say whether an error can only be the file's or the disk's, and no mistake in what was asked of SQLite."""
    if (code := getattr(error, "sqlite_errorcode", None)) is None:  # of Python's own: a text is none
        return type(error) in {sqlite3.DatabaseError, sqlite3.OperationalError}
    return code & 0xFF in {*DISK, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def damaged(path: Path, why: str) -> LedgerError:
    """Return the error that a ledger's file is damaged, with the way out."""
    told, folder = shorten(why, LONG, placeholder=" …"), shlex.quote(str(path.parent))
    return LedgerError(f"{path} is damaged ({told}): `reviewbatch recover {folder}` saves what can be read")


def _of_the_disk(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> OSError | None:
    if isinstance(error, UnicodeDecodeError):
        return None
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # some errors are Python's own, and have none
    words = DISK.get(code & 0xFF)  # the other bits say more
    return OSError(f"{path}: {words} ({error.sqlite_errorname})") if words else None
