"""The rows: what a ledger knows of the input."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from pipelines.corpus import rating
from pipelines.corpus.rating import Scale
from pipelines.corpus.reject import Reason, Reject
from pipelines.corpus.row import Review, Row, duplicate
from pipelines.ledger.cursor import plain
from pipelines.ledger.database import UNASKED, transaction
from pipelines.ledger.records import RequestState


class Rows:
    """The rows in a ledger's file, and the rejects."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.scale: Scale | None = None  # that ratings are on

    def add(self, rows: Sequence[tuple[int, Row]], rejects: Iterable[tuple[int, Reject]]) -> set[int]:
        """Add a chunk of rows; return the `seq` of those whose id was there already, now rejects."""
        with transaction(self._db):
            before = self._db.total_changes
            self._db.executemany(
                "INSERT INTO item (seq, id, unit, source, row, lang, category, city, rating, text) VALUES "
                "(:seq, :id, :unit, :source, :row, :lang, :category, :city, :rating, :text) "
                "ON CONFLICT (id) DO NOTHING",
                (_item(seq, row) for seq, row in rows),
            )
            twice: set[int] = set()
            if rows and self._db.total_changes - before < len(rows):
                taken = self._db.execute("SELECT seq FROM item WHERE seq >= ?", (rows[0][0],))
                twice = {seq for seq, _ in rows} - {seq for (seq,) in taken}
            self._db.executemany(
                "INSERT INTO reject (rowid, source, row, reason, detail, id, task, stage) VALUES "
                "(:seq, :source, :row, :reason, :detail, :id, :task, :stage)",
                (
                    {"seq": seq, **asdict(reject)}
                    for seq, reject in (*rejects, *((seq, duplicate(row)) for seq, row in rows if seq in twice))
                ),
            )
        return twice

    def places(self) -> list[tuple[str, str | None, str | None]]:
        """Return every unit with its category and city, of the rows that have one."""
        return self._db.execute("SELECT unit, max(category), max(city) FROM item GROUP BY unit").fetchall()

    def reviews(self, unit: str) -> list[tuple[Review, str]]:
        """Return the rows of a unit in input order, each with its language."""
        stored = self._db.execute("SELECT seq, id, text, rating, lang FROM item WHERE unit = ? ORDER BY seq", (unit,))
        return [(Review(seq, id_, text, rating), lang) for seq, id_, text, rating, lang in stored]

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the texts of some rows by their ids."""
        known = self._db.execute(
            "SELECT id, text FROM item WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
        )
        return dict(known.fetchall())

    def languages(self) -> dict[str, int]:
        """Return how many rows are in each language, 0 for one that only rows of other shards are in."""
        sql = "SELECT lang, sum(seq >= 0) FROM item GROUP BY lang ORDER BY 2 DESC, 1"
        return dict(plain(self._db).execute(sql).fetchall())

    def heard(self, unit: str, task: str, most: int = -1) -> list[tuple[Review, Any, str]]:
        """Return those of the first rows of a unit that are answered under a task: each, the answer, its language."""
        stored = self._db.execute(
            "SELECT seq, item.id, text, rating, answer, lang "
            "FROM (SELECT * FROM item WHERE unit = ? ORDER BY seq LIMIT ?) AS item "
            "JOIN ask USING (seq) JOIN request ON request.id = ask.request "
            "WHERE ask.task = ? AND state = 'answered' ORDER BY seq",
            (unit, most, task),
        )
        return [
            (Review(seq, id_, text, rating), json.loads(answer), lang)
            for seq, id_, text, rating, answer, lang in stored
        ]

    def rated(self, stated: Scale | None, counts: Mapping[float, int] | None = None) -> Scale | None:
        """Return the scale that ratings are on, if they are on one; those that are not on it are none from now on.

        `counts` has how often each is given, where there are more rows than these.
        """
        if counts is None and not stated:
            found = self._db.execute("SELECT rating, count(*) FROM item WHERE rating IS NOT NULL GROUP BY rating")
            counts = dict(found.fetchall())
        self.scale = stated or rating.judge(counts or {})
        low, high = (self.scale.low, self.scale.high) if self.scale else (math.inf, -math.inf)
        with transaction(self._db):
            self._db.execute("UPDATE item SET rating = NULL WHERE rating < ? OR rating > ?", (low, high))
        return self.scale

    def ratings(self) -> dict[str, int]:
        """Return how many rows have a rating, and how many have none."""
        rated, rows = self._db.execute("SELECT count(rating), count(*) FROM item WHERE seq >= 0").fetchone()
        return {"rows_with": rated, "rows_without": rows - rated}

    def too_long(self) -> int:
        """Return how many rows are too long to be asked about under some task."""
        often: int = self._db.execute(
            f"SELECT count(DISTINCT seq) FROM request JOIN ask ON ask.request = request.id WHERE {UNASKED} AND seq >= 0"  # noqa: S608
        ).fetchone()[0]
        return often

    def are_rejected(self) -> bool:
        """Say whether all rows are, under all tasks."""
        return not self._db.execute("SELECT 1 FROM outcome WHERE state <> ?", (RequestState.REJECTED,)).fetchone()

    def rejects(self) -> Iterator[Reject]:
        """Yield every reject in input order: rows that could not be used, then rows whose request got no answer."""
        unusable = "SELECT source, row, reason, detail, id, task, stage FROM reject ORDER BY rowid"
        unanswered = (
            "SELECT source, row, reason, detail, id, task, stage FROM outcome JOIN item USING (seq) "
            "WHERE state = ? ORDER BY task, seq"
        )
        for source, row, reason, detail, id_, task, stage in chain(
            self._db.execute(unusable), self._db.execute(unanswered, (RequestState.REJECTED,))
        ):
            yield Reject(
                source=source, row=row, reason=Reason(reason), detail=detail, id=id_, task=task, stage=stage
            )  # fmt: skip


def _item(seq: int, row: Row) -> dict[str, Any]:
    """Return a row as the table has it; `asdict` takes thirty times as long, and there may be millions."""
    return {
        "seq": seq,
        "id": row.id,
        "unit": row.unit,
        "source": row.source,
        "row": row.row,
        "lang": row.lang,
        "category": row.category,
        "city": row.city,
        "rating": row.rating,
        "text": row.text,
    }
