"""The inputs: which runs of a ledger read the same one, and which results are of another.

An input has a number. The same files are the same input as long as rows of it are there again: one may grow or lose
rows from run to run, and one task may be asked after the other.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.corpus.row import Row
from pipelines.corpus.sources import STDIN


class Inputs:
    """The inputs of a ledger's runs."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def facts(self, sources: Iterable[str], first: Sequence[Row]) -> dict[str, Any]:
        """Return what the next run is to note of its input, before the rows of the last one are forgotten.

        `first` are rows at its beginning.
        """
        files = sorted({_fingerprint(source) for source in sources})
        last = self._db.execute(
            "SELECT facts ->> 'input' AS number, facts -> 'files' AS files FROM run ORDER BY id DESC LIMIT 1"
        ).fetchone()
        number = (last["number"] or 1) if last else 1
        if last and not (self._shares_files(last["files"], files) and self._shares_rows(first)):
            number += 1
        return {"input": number, "files": files}

    def tasks_of_others(self) -> list[str]:
        """Return the tasks whose last results are of another input than that of the last run."""
        noted = self._db.execute(
            "SELECT task.key AS task, coalesce(run.facts ->> 'input', 1) AS number, max(run.id) "
            "FROM run JOIN json_each(run.facts, '$.tasks') AS task GROUP BY task.key"
        )  # the number comes from the row with the greatest id
        now = self._db.execute(
            "SELECT coalesce(facts ->> 'input', 1) AS number FROM run ORDER BY id DESC LIMIT 1"
        ).fetchone()
        return [row["task"] for row in noted if now and row["number"] != now["number"]]

    def _shares_files(self, stored: str | None, files: Sequence[str]) -> bool:
        """Say whether the last run read one of the files; one of an earlier version did not note what it read."""
        return stored is None or not set(files).isdisjoint(json.loads(stored))

    def _shares_rows(self, first: Sequence[Row]) -> bool:
        """Say whether the last run read one of these rows; where one of the two had none, nothing speaks against it."""
        if not first or not self._db.execute("SELECT 1 FROM item LIMIT 1").fetchone():
            return True
        sql = "SELECT 1 FROM item WHERE id = ? AND unit = ? AND text = ?"
        return any(self._db.execute(sql, (row.id, row.unit, row.text)).fetchone() for row in first)


def _fingerprint(source: str) -> str:
    path = source if source == STDIN else os.path.realpath(source)
    return hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
