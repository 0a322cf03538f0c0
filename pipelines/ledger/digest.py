"""The digest: eight bytes beside what a ledger keeps for good, by which it is seen that this is what was written.

It is a function of SQLite's, too. Text is handed to it as it stands in the file, where damage may have made it none.
"""

import hashlib
import sqlite3

from pipelines.ledger.cursor import plain

SIZE = 8
# The tables of what was read and who asks what, the columns and the order; what a job was found to cost comes later.
ROWS = {
    "item": ("*", "seq"), "reject": ("*", "rowid"), "job": ("id, task, unit, whole, deadline", "id"),
    "ask": ("*", "task, seq"), "carried": ("*", "chunk"),
}  # fmt: skip
ANSWER = ("key", "task", "form", "stage", "answer", "run")  # of `request`: what results are made of, and when it came
# What an answer depends on, and what it should cost.
QUESTION = ("key", "task", "form", "stage", "body", "prompt_tokens", "head", "prefix", "length", "schema")
FACTS = "seal(CAST(started AS BLOB), CAST(facts AS BLOB))"  # of a row of `run`


def of_answer(answer: str = "answer", run: str = "run") -> str:
    """Return as SQL the digest of a row of `request` that has an answer."""
    given = {"answer": answer, "run": run}
    return _sealed(*(given.get(column, column) for column in ANSWER))


def of_question() -> str:
    """Return as SQL the digest of a row of `request` that has none yet, or was too long to be asked, and why."""
    return _sealed(*QUESTION, "iif(body IS NULL, state || reason || detail, NULL)")


def seal(*parts: bytes | str | float | None) -> bytes:
    """Return the digest of some values."""
    pieces = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return hashlib.blake2b(b"\0".join(pieces), digest_size=SIZE).digest()


def of_rows(db: sqlite3.Connection) -> bytes:
    """Return the digest of all rows of a ledger, and of who asks what."""
    told = hashlib.blake2b(digest_size=SIZE)
    for table, (columns, order) in ROWS.items():
        for row in plain(db).execute(f"SELECT {columns} FROM {table} ORDER BY {order}"):  # noqa: S608
            told.update(ascii(row).encode())  # `repr` escapes what the next Python may print
    return told.digest()


def install(db: sqlite3.Connection) -> None:
    """Let a connection's SQL use it."""
    db.create_function("seal", -1, seal, deterministic=True)


def _sealed(*columns: str) -> str:
    return f"seal({', '.join(f'CAST({column} AS BLOB)' for column in columns)})"
