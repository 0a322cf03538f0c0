"""Damage: what in a ledger's file is not as it was written."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from pipelines.errors import ReviewbatchError
from pipelines.ledger import digest
from pipelines.ledger.database import NAME, SCHEMA, VIEWS, read
from pipelines.ledger.failures import FAILED, damaged, failure, is_clear
from pipelines.ledger.records import RequestState, RunStatus

SPOILT = f"state = 'answered' AND digest IS NOT {digest.of_answer()}"


def find(db: sqlite3.Connection) -> str | None:
    """Return what is found wrong with a ledger that more than an answer depends on, at a look at each page and row.

    Of what the next run writes anew, that is whether SQLite can read it; of requests also whether each is found by its
    key, and of runs whether their facts are what was written.
    """
    there = _tables(db)  # somebody may have made an index of their own, but no table in the place of a view
    if not _made() <= there or any(name in VIEWS for _, name, *_ in there):
        return "its tables are not those of this version"
    for look in ("PRAGMA quick_check(1)", "PRAGMA integrity_check(request)"):
        (told, *_) = db.execute(look).fetchone()
        if told != "ok":
            return str(told)
    if db.execute(f"SELECT 1 FROM run WHERE digest IS NOT {digest.FACTS}").fetchone():  # noqa: S608
        return "the facts of a run are not what was written"
    for table, column, known in (("run", "status", RunStatus), ("request", "state", RequestState)):
        # A check of the tables', to which SQLite does not look where it may not write.
        unknown = f"SELECT 1 FROM {table} WHERE {column} NOT IN (SELECT value FROM json_each(?))"  # noqa: S608
        if db.execute(unknown, (json.dumps([*known]),)).fetchone():
            return f"there is no such {column} of a {table}"
    return None


def find_any(db: sqlite3.Connection) -> str | None:
    """Return what is found wrong with a ledger, its answers and the last run's sealed rows among all else."""
    if found := find(db):
        return found
    if often := spoilt(db):
        return f"{often:,} of its answers are not what was written"
    last = db.execute("SELECT rows FROM run ORDER BY id DESC LIMIT 1").fetchone()
    if last and last["rows"] and last["rows"] != digest.of_rows(db):
        return "its rows are not what was written"
    return None


def spoilt(db: sqlite3.Connection) -> int:
    """Return how many answers are not what was written."""
    often: int = db.execute(f"SELECT count(*) FROM request WHERE {SPOILT}").fetchone()[0]  # noqa: S608
    return often


def forget(db: sqlite3.Connection) -> int:
    """Forget the answers that are not what was written; return how many there were."""
    return db.execute(f"DELETE FROM request WHERE {SPOILT}").rowcount  # noqa: S608


def refuse(folder: Path, *, contents: bool = False) -> None:
    """Raise LedgerError when the ledger of a folder is damaged; where answers and rows are taken from it, if any is."""
    path = folder / NAME
    if not (path.exists() and path.stat().st_size):
        return
    with opened(path) as db:
        if found := (find_any if contents else find)(db):
            raise damaged(path, found)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger file to read as it is at one moment, also while a run works there."""
    with closing(read(path)) as db, judged(db, path):
        db.execute("BEGIN")
        yield db


@contextmanager
def judged(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Have an error that a ledger's damage, or the disk, has led to told as that."""
    try:
        yield
    except Exception as error:
        judge(error, db, path)
        raise


def judge(error: BaseException, db: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerError, or OSError, in place of an error if the damage of a ledger, or the disk, has led to it."""
    if isinstance(error, sqlite3.DatabaseError) and is_clear(error):
        raise failure(error, path) from error
    # What is read from a damaged file may be anything, so that anything may fail; but a mistake of ours is no damage.
    if isinstance(error, Exception) and not isinstance(error, ReviewbatchError | OSError):
        try:
            found = find(db)
        except FAILED as why:
            raise failure(why, path) from error
        if found:
            raise damaged(path, found) from error


def _tables(db: sqlite3.Connection) -> set[tuple[str, ...]]:
    """Return what a database's tables and indexes are made by; views hold nothing."""
    return {
        tuple(row) for row in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type <> 'view'")
    }


@cache
def _made() -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(SCHEMA)
        return _tables(db)
