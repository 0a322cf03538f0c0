"""The ledger: every row, request, answer and timing of an output folder, in one SQLite file.

Answers are committed in groups as they come (WAL, synchronous=NORMAL): a process killed at any moment loses
none of those; what was in flight is asked again by the next run. `docs/ledger.md` has the tables.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.errors import LedgerError
from pipelines.ledger import damage, history, standing, union
from pipelines.ledger.carried import Carried
from pipelines.ledger.counts import Counts, Kept, count, kept
from pipelines.ledger.database import NAME, beside, connect, transaction
from pipelines.ledger.failures import damaged
from pipelines.ledger.inputs import Inputs
from pipelines.ledger.jobs import Jobs
from pipelines.ledger.lock import hold
from pipelines.ledger.records import RequestState, RunStatus
from pipelines.ledger.requests import Requests
from pipelines.ledger.rows import Rows
from pipelines.ledger.union import Opened

SHARDS = "shards"  # the fact of a run that says how many it is the union of


class Ledger:
    """The ledger of one output folder, held by one process at a time.

    It has runs, and their `inputs`, `rows` and what is `carried` beside them, `jobs` and `requests`.
    Raises LedgerError when another run holds the folder, or its file is of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begun = False
        self._lock = hold(folder)
        try:
            self._db = connect(folder / NAME)
        except (LedgerError, OSError):
            self._lock.close()
            raise
        self.inputs, self.rows, self.carried = Inputs(self._db), Rows(self._db), Carried(self._db)
        self.jobs, self.requests = Jobs(self._db), Requests(self._db)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close it. Raises LedgerError, or OSError, in place of what the file's damage, or the disk, has led to."""
        try:
            if error:
                damage.judge(error, self._db, self.folder / NAME)
        finally:
            self.close()

    def close(self) -> None:
        """Close the file and let go of the folder."""
        with suppress(sqlite3.Error):  # somebody is reading, or it is closed
            # One plain file, which may be read where nothing can be written.
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()
        self._lock.close()

    def together(self) -> AbstractContextManager[None]:
        """Make durable at once whatever is written meanwhile, all of it or none."""
        return transaction(self._db)

    def check(self) -> None:
        """Raise LedgerError when more than an answer here and there is damaged."""
        if found := damage.find(self._db):
            raise damaged(self.folder / NAME, found)

    def standing(self, filled: str) -> dict[str, Any] | None:
        """Return what the last run has noted of its rows, if they are known by this and stand as they were written."""
        return standing.find(self._db, filled)

    def begin(self, facts: Mapping[str, Any], *, keep: bool = False) -> int:
        """Start a run: forget the last one's rows, rejects and jobs, and keep every answer that is as it was written.

        Return how many are not. Where all that stands is to be kept, it is, and what failed waits again.
        """
        with self.together():
            rows = "(SELECT rows FROM run ORDER BY id DESC LIMIT 1)" if keep else "NULL"
            self._db.execute(
                f"INSERT INTO run (status, started, facts, digest, rows) VALUES (?1, ?2, ?3, seal(?2, ?3), {rows})",  # noqa: S608
                (RunStatus.RUNNING, _now(), json.dumps(facts)),
            )
            self._begun = True
            if keep:
                standing.revive(self._db)
                return 0
            spoilt = damage.forget(self._db)
            self.carried.clear()
            for table in ("item", "reject", "ask", "job"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608
            # What has no answer is asked afresh: the corpus, the model's limit or the engine may be another today.
            self._db.execute("DELETE FROM request WHERE state <> ?", (RequestState.ANSWERED,))
            return spoilt

    def seal(self) -> None:
        """Write down what all rows, and who asks what, are known by, so that the next run may find that they stand."""
        with self.together():
            standing.seal(self._db)

    def unite(self, shards: Sequence[Opened], started: str, facts: Mapping[str, Any]) -> None:
        """Hold what the ledgers of shards hold, as one run; what is here is forgotten.

        Raises LedgerError when that is a run of its own.
        """
        last = history.last_run(self._db)
        if last and SHARDS not in last.facts:
            raise LedgerError(f"{self.folder} has a run of its own: choose another --output")
        union.write(self._db, shards, started, {**facts, SHARDS: len(shards)})
        self.carried.gather([shard.db for shard in shards])

    def note(self, status: RunStatus | None = None, **facts: Any) -> None:
        """Write down what is known about this run; a status ends it, and seals its rows unless it was stopped."""
        with self.together():
            if status and status != RunStatus.STOPPED:
                self.seal()
            self._db.execute(_NOTE, _noted(status, facts))

    def stop(self, **facts: Any) -> bool:
        """Write down that its run was stopped, in another thread than the one that has begun it and is stuck.

        Return False where there is none that goes on.
        """
        if not self._begun:
            return False
        with closing(beside(self.folder / NAME)) as db, db:
            sql = f"{_NOTE} AND status = ?3"
            return bool(db.execute(sql, (*_noted(RunStatus.STOPPED, facts), RunStatus.RUNNING)).rowcount)

    def counts(self) -> Counts:
        """Count what stands in the ledger and what is left to do."""
        return count(self._db)

    def kept(self) -> list[Kept]:
        """Return the answers of earlier runs that this one keeps."""
        return kept(self._db)

    def last_start(self) -> float:
        """Return the seconds that the engine took to start the last time, 0 when it has not been started here."""
        return history.last_start(self._db) or 0.0


def _noted(status: RunStatus | None, facts: dict[str, Any]) -> tuple[RunStatus | None, str]:
    if status:
        facts.setdefault("finished", _now())
    return status, json.dumps(facts)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


_NOTE = (
    "UPDATE run SET status = coalesce(?1, status), facts = json_patch(facts, ?2), "
    "digest = seal(started, json_patch(facts, ?2)) WHERE id = (SELECT max(id) FROM run)"
)
