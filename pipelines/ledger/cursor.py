"""The cursor by which many rows are read."""

import sqlite3


def plain(db: sqlite3.Connection) -> sqlite3.Cursor:
    """Return a cursor whose rows are tuples, which are made in half the time."""
    cursor = db.cursor()
    cursor.row_factory = None
    return cursor
