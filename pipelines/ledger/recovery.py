"""The recovery: a fresh ledger of what can still be read of a damaged one.

What is read of its pages may be anything; its digest says what was written so. Rows, jobs and rejects are not looked
for: the next run reads the input again.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from pipelines.errors import LedgerError
from pipelines.files import replacing
from pipelines.ledger import damage, pages
from pipelines.ledger.database import NAME, connect, is_marked, read, transaction
from pipelines.ledger.digest import ANSWER, ROWS, seal
from pipelines.ledger.failures import FAILED, failure
from pipelines.ledger.lock import hold
from pipelines.ledger.pages import Value

LOG = "-wal"


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many answers were saved, and the file that they were read from, which is kept."""

    answers: int
    damaged: Path


def recover(folder: Path) -> Recovered | None:
    """Put a ledger of all that can be read in place of a folder's damaged one; return None when that is sound.

    Raises LedgerError when nothing can be read.
    """
    path = folder / NAME
    if not path.is_file():
        raise LedgerError(f"no run in {folder}: it holds no {NAME}")
    with closing(hold(folder)):
        if _is_sound(path):
            return None
        with replacing(path) as scratch:
            try:
                answers = _save(path, scratch)
            except sqlite3.Error as error:
                raise failure(error, scratch) from error
            if not answers:
                raise LedgerError(
                    f"no answer of this version can be read of {path}: if it was a ledger, remove it to start over"
                )
            kept = _keep(path)
    return Recovered(answers, kept)


def _is_sound(path: Path) -> bool:
    """Say whether all of a ledger can be read and is what was written, as far as there is a digest of it."""
    try:
        with closing(read(path)) as db:
            for table in ("run", "request", *ROWS):
                for _ in db.execute(f"SELECT * FROM {table}"):  # noqa: S608  text that is none is noticed by reading it
                    pass
            (whole, *_) = db.execute("PRAGMA integrity_check(1)").fetchone()
            found = damage.find_any(db)
        return whole == "ok" and not found and is_marked(path)
    except (*FAILED, LedgerError):
        return False


def _save(path: Path, target: Path) -> int:
    """Write the answers and runs that can be read of a ledger into a new one; return how many answers there are."""
    with closing(connect(target)) as db:
        tables = {len(names := _columns(db, table)): (table, names) for table in ("run", "request")}
        with transaction(db):
            for number, values in pages.rows(path, tables):
                table, names = tables[len(values)]
                row = dict(zip(names, values, strict=True))
                if table == "request" and row["state"] == b"answered" and row["digest"] == _seal(row, ANSWER):
                    db.execute(_ANSWER, {**row, **_text(row, "task", "form", "answer")})
                elif table == "run" and row["digest"] == _seal(row, ("started", "facts")):
                    db.execute(_RUN, {**row, **_text(row, "started", "facts"), "id": number})
            # The next run has to be a later one than that of any answer.
            db.execute(_LOST, (datetime.now(UTC).isoformat(timespec="seconds"), "{}"))
        answers: int = db.execute("SELECT count(*) FROM request").fetchone()[0]
        db.execute("PRAGMA journal_mode = DELETE")
    return answers


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row["name"] for row in db.execute(f"PRAGMA table_info({table})")]


def _seal(row: Mapping[str, Value], columns: Iterable[str]) -> bytes:
    """Return the digest of some of a row's columns."""
    return seal(*(row[name] for name in columns))


def _text(row: Mapping[str, Value], *names: str) -> dict[str, str]:
    """Return some values as the text that they are; others were damaged, and are not asked for."""
    return {name: value.decode() for name in names if isinstance(value := row[name], bytes)}


def _keep(path: Path) -> Path:
    """Give a damaged ledger, and the log beside it, another name besides its own, which is to be another's."""
    names = chain([f"{NAME}.damaged"], (f"{NAME}.damaged-{n}" for n in count(2)))
    kept = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    try:
        kept.hardlink_to(path)
    except OSError:  # not every file system has links
        shutil.copy2(path, kept)
    with suppress(FileNotFoundError):  # in the way of the new one, whose log it is not
        path.with_name(f"{NAME}{LOG}").rename(kept.with_name(f"{kept.name}{LOG}"))
    path.with_name(f"{NAME}-shm").unlink(missing_ok=True)
    return kept


# What is there more than once, in a page of now and one of before, counts as it was last.
_ANSWER = """
INSERT INTO request (key, task, form, stage, state, answer, digest, run)
VALUES (:key, :task, :form, :stage, 'answered', :answer, :digest, :run)
ON CONFLICT (key) DO UPDATE SET answer = excluded.answer, digest = excluded.digest, run = excluded.run
WHERE excluded.run > request.run
"""
# How it ended it has no more to show for.
_RUN = """
INSERT INTO run (id, started, status, facts, digest)
SELECT :id, :started, 'stopped', facts, seal(:started, facts) FROM (SELECT json_remove(:facts, '$.exit') AS facts)
WHERE true ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, digest = excluded.digest
WHERE length(excluded.facts) > length(run.facts)
"""
_LOST = """
INSERT INTO run (id, started, status, facts, digest) SELECT max(run), ?1, 'stopped', ?2, seal(?1, ?2) FROM request
HAVING max(run) > (SELECT coalesce(max(id), 0) FROM run)
"""
