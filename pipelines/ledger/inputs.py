"""The inputs: which runs of a ledger read the same one, and which results are of another.

An input has a number. It is that of the last run which wrote results, or of one that was stopped after it, as long as
one of the files is the same and rows of the one are among those of the other: an input may grow or lose rows from run
to run, and one task may be asked after the other. What cannot be told is another: its results can be made again without
an engine, and those of two inputs beside each other would not be noticed.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from pipelines.corpus.opening import STDIN
from pipelines.corpus.row import Row

SAMPLE = 512  # rows at either end of the last input that are looked for in the next

Known = tuple[str, str, str]  # of a row: its id, unit and text


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of the next run's input before the last one's rows are forgotten.

    It is the input of number `same` if its rows are `shared`, which the `sample` of the last one's may still show, and
    otherwise that of number `other`.
    """

    files: list[str]
    same: int | None
    other: int
    shared: bool
    _: KW_ONLY
    sample: Sequence[Known] = ()


class Inputs:
    """The inputs of a ledger's runs."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def look(self, sources: Iterable[str], first: Sequence[Row]) -> Seen:
        """Look at the next run's input, of which some rows are the `first`."""
        files = sorted({_fingerprint(source) for source in sources})
        (highest,) = self._db.execute("SELECT max(coalesce(facts ->> 'input', 1)) FROM run").fetchone()
        last = self._run("TRUE")
        wrote = self._run("facts -> 'tasks' IS NOT NULL") or last
        if last is None or wrote is None:
            return Seen(files, None, 1, shared=False)
        number, known, other = wrote["number"] or 1, wrote["files"], highest + 1
        # A run of an earlier version has not noted what it read.
        if known is not None and set(files).isdisjoint(json.loads(known)):
            return Seen(files, None, other, shared=False)
        stopped = last["id"] != wrote["id"] and last["number"] != number
        if stopped and set(files).isdisjoint(json.loads(last["files"] or "[]")):
            return Seen(files, number, other, shared=True)  # the rows are those of yet another input
        sample = self._sample()
        shared = not sample or not first or self._holds((row.id, row.unit, row.text) for row in first)
        return Seen(files, last["number"] if stopped else number, other, shared, sample=sample)

    def facts(self, seen: Seen) -> dict[str, Any]:
        """Return what a run is to note of its input, as far as its rows have been read."""
        shared = seen.shared or self._holds(seen.sample)
        return {"input": seen.same if shared else seen.other, "files": seen.files}

    def tasks_of_others(self) -> list[str]:
        """Return the tasks whose last results are of another input than that of the last run."""
        noted = self._db.execute(
            "SELECT task.key AS task, coalesce(run.facts ->> 'input', 1) AS number, max(run.id) "
            "FROM run JOIN json_each(run.facts, '$.tasks') AS task GROUP BY task.key"
        )  # the number comes from the row with the greatest id
        last = self._run("TRUE")
        return [row["task"] for row in noted if last and row["number"] != (last["number"] or 1)]

    def _run(self, which: str) -> Any:
        """Return the last run of some, its number of the input and its files as it has noted them."""
        return self._db.execute(
            "SELECT id, facts ->> 'input' AS number, facts -> 'files' AS files FROM run "  # noqa: S608
            f"WHERE {which} ORDER BY id DESC LIMIT 1"
        ).fetchone()

    def _sample(self) -> list[Known]:
        """Return rows at either end of the last input."""
        return [
            (row["id"], row["unit"], row["text"])
            for order in ("seq", "seq DESC")
            for row in self._db.execute(f"SELECT id, unit, text FROM item ORDER BY {order} LIMIT ?", (SAMPLE,))  # noqa: S608
        ]

    def _holds(self, rows: Iterable[Known]) -> bool:
        """Say whether one of the rows is among those read last."""
        sql = "SELECT 1 FROM item WHERE id = ? AND unit = ? AND text = ?"
        return any(self._db.execute(sql, row).fetchone() for row in rows)


def _fingerprint(source: str) -> str:
    path = source if source == STDIN else os.path.realpath(source)
    return hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
