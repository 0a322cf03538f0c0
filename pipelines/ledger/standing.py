"""What stands: the rows and questions of the last run, which the next one may keep instead of reading them anew."""

import json
import sqlite3
from typing import Any

from pipelines.ledger import damage, digest
from pipelines.ledger.database import UNASKED
from pipelines.ledger.records import APART

FILLED = "filled"  # the fact of a run that says `by` what its rows are known, and what a person was `told` of them
READ = (FILLED, "input", "files", "corpus", APART)  # the facts that come from reading them


def find(db: sqlite3.Connection, filled: str) -> dict[str, Any] | None:
    """Return what the last run has noted of its rows, if they are known by this and stand as they were written."""
    last = db.execute("SELECT facts, rows FROM run ORDER BY id DESC LIMIT 1").fetchone()
    facts = json.loads(last["facts"]) if last else {}
    if facts.get(FILLED, {}).get("by") != filled:
        return None
    if any(db.execute(look).fetchone() for look in (_LOST, _CHANGED)) or damage.spoilt(db):
        return None
    if last["rows"] != digest.of_rows(db):
        return None
    return {name: facts[name] for name in READ if name in facts}


def seal(db: sqlite3.Connection) -> None:
    """Write down what all rows, and who asks what, are known by, unless that stands there and nothing has changed."""
    (sealed,) = db.execute(f"SELECT rows FROM run WHERE {_LAST}").fetchone()  # noqa: S608
    if sealed is None:
        db.execute(f"UPDATE run SET rows = ? WHERE {_LAST}", (digest.of_rows(db),))  # noqa: S608


def unseal(db: sqlite3.Connection) -> None:
    """Forget it, for somebody asks something else from now on."""
    db.execute(f"UPDATE run SET rows = NULL WHERE {_LAST} AND rows NOT NULL")  # noqa: S608


def revive(db: sqlite3.Connection) -> None:
    """Have what was asked without success asked again.

    What restaurants were asked is worked out anew where that is a part of it: the answers decide what comes next.
    """
    failed = f"FROM request WHERE {_FAILED}"
    if db.execute(
        f"SELECT 1 {failed} AND id IN (SELECT request FROM ask JOIN job ON job.id = ask.job WHERE whole)"  # noqa: S608
    ).fetchone():
        unseal(db)
        db.execute("DELETE FROM ask WHERE job IN (SELECT id FROM job WHERE whole)")
        db.execute("DELETE FROM request WHERE state <> 'answered' AND id NOT IN (SELECT request FROM ask)")
    db.execute(
        "UPDATE request SET state = 'waiting', reason = NULL, detail = NULL, answer = NULL, attempts = 0 "  # noqa: S608
        f"WHERE {_FAILED}"
    )


_LAST = "id = (SELECT max(id) FROM run)"
# A row that is too long never fits; a later stage was held against what that run's engine was set up for.
_FAILED = f"state = 'rejected' AND NOT ({UNASKED})"
_LOST = "SELECT 1 FROM ask WHERE request NOT IN (SELECT id FROM request)"
_CHANGED = f"SELECT 1 FROM request WHERE state <> 'answered' AND digest IS NOT {digest.of_question()}"  # noqa: S608
