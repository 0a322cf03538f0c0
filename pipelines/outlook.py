"""The outlook: what stands in the ledger, and what is left to do."""

import sqlite3
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outlook:
    """Rows of the corpus by what has become of them, and the requests that wait with their prompt tokens.

    Rows that ask the same thing share a request, so `waiting` rows may be more than `requests`.
    """

    rows: int
    answered: int
    rejected: int
    requests: int
    prompt_tokens: int

    @property
    def waiting(self) -> int:
        """Rows that have no answer yet."""
        return self.rows - self.answered - self.rejected


def count(db: sqlite3.Connection) -> Outlook:
    """Count what stands in a ledger's file."""
    rows, answered, waiting = db.execute(
        "SELECT count(*), coalesce(sum(state = 'answered'), 0), coalesce(sum(state = 'waiting'), 0) "
        "FROM ask JOIN request ON request.id = ask.request WHERE seq >= 0"
    ).fetchone()
    (unusable,) = db.execute("SELECT count(*) FROM reject").fetchone()
    requests, prompt_tokens = db.execute(
        "SELECT count(*), coalesce(sum(prompt_tokens), 0) FROM request WHERE state = 'waiting'"
    ).fetchone()
    return Outlook(rows + unusable, answered, unusable + rows - answered - waiting, requests, prompt_tokens)


def rows(db: sqlite3.Connection) -> dict[str, Any]:
    """Return the rows of the corpus as reports have them, the rejected ones by reason."""
    outlook = count(db)
    return {
        "in": outlook.rows,
        "answered": outlook.answered,
        "rejected": outlook.rejected,
        "waiting": outlook.waiting,
        "rejects_by_reason": dict(db.execute(_REJECTS)),
    }


_REJECTS = """
SELECT reason, count(*) FROM (
    SELECT reason FROM reject UNION ALL
    SELECT reason FROM ask JOIN request ON request.id = ask.request WHERE state = 'rejected' AND seq >= 0
) GROUP BY reason ORDER BY count(*) DESC, reason
"""
