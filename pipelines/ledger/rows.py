"""The items: what a ledger knows of the input's rows."""

import sqlite3
from collections.abc import Iterator

from pipelines.corpus.row import Reject
from pipelines.tasks.aggregation import Review

SCALES = {1: 0.5, 5: 3.0, 10: 5.5, 100: 50.0}  # the highest rating of a scale, and its middle


class Items:
    """The rows in a ledger's file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def places(self) -> list[tuple[str, str | None, str | None]]:
        """Return every unit with its category and city, of the rows that have one."""
        return self._db.execute("SELECT unit, max(category), max(city) FROM item GROUP BY unit").fetchall()

    def opinions(self, unit: str, most: int = -1) -> list[tuple[Review, str]]:
        """Return the first rows of a unit in input order, each with its language."""
        rows = self._db.execute(
            "SELECT seq, id, text, rating, lang FROM item WHERE unit = ? ORDER BY seq LIMIT ?", (unit, most)
        )
        return [(Review(*row), lang) for *row, lang in rows]

    def middle(self) -> float | None:
        """Return the rating between good and bad ones on the smallest usual scale that has the highest one seen.

        None without ratings, and where one is on none of them.
        """
        (highest,) = self._db.execute("SELECT max(rating) FROM item").fetchone()
        return next((middle for top, middle in SCALES.items() if highest is not None and highest <= top), None)

    def rejects(self) -> Iterator[Reject]:
        """Yield every reject: rows that could not be used, then rows whose request got no answer."""
        for row in self._db.execute(
            "SELECT source, row, reason, detail, id, task, stage FROM reject UNION ALL "
            "SELECT source, row, reason, detail, id, task, stage FROM outcome JOIN item USING (seq) "
            "WHERE state = 'rejected'"
        ):
            yield Reject(*row)
