"""The ledger: every row, request, answer and timing of an output folder, in one SQLite file.

Answers are committed in groups as they come (WAL, synchronous=NORMAL): a process killed at any moment loses
none of those; what was in flight is asked again by the next run. `docs/ledger.md` has the tables.
"""

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.corpus.row import Reject, Row, duplicate
from pipelines.engine.interface import Failure
from pipelines.errors import LedgerError
from pipelines.ledger.counts import Counts, Kept, count, kept
from pipelines.ledger.database import NAME, connect
from pipelines.ledger.lock import hold
from pipelines.ledger.records import Answer, Question, Stored, StoredJob, StoredRequest
from pipelines.ledger.rows import Items
from pipelines.tasks.task import AnsweredRow
from scheduling.speed import Work

PAGE = 512
NONE = 1 << 40  # the block of no prefix cache: nothing is shared


class Ledger:
    """The ledger of one output folder, held by one process at a time.

    Raises LedgerError when another run holds the folder, or its file is of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = hold(folder)
        try:
            self._db = connect(folder / NAME)
        except LedgerError:
            self._lock.close()
            raise
        self.items = Items(self._db)
        self._run: int = self._db.execute("SELECT coalesce(max(id), 0) FROM run").fetchone()[0]
        self._again = False

    def close(self) -> None:
        """Close the file and let go of the folder."""
        with suppress(sqlite3.Error):  # somebody is reading, or it is closed
            # One plain file, which may be read where nothing can be written.
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()
        self._lock.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make durable at once whatever is written meanwhile, all of it or none."""
        if self._db.in_transaction:  # as a part of more
            yield
            return
        self._db.execute("BEGIN")
        with self._db:
            yield

    # -- a run

    def begin(self, facts: Mapping[str, Any], *, again: bool = False) -> None:
        """Start a run: forget the last one's rows and rejects, keep every answer until it is asked for `again`."""
        self._again = again
        with self.together():
            for table in ("item", "reject", "ask", "job"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608
            # What has no answer is asked afresh: the corpus, the model's limit or the engine may be another today.
            self._db.execute("DELETE FROM request WHERE state <> 'answered'")
            row = ("running", _now(), json.dumps(facts))
            self._run = (
                self._db.execute("INSERT INTO run (status, started, facts) VALUES (?, ?, ?)", row).lastrowid or 0
            )

    def note(self, status: str | None = None, **facts: Any) -> None:
        """Write down what has become known about this run; a status ends it."""
        if status:
            facts["finished"] = _now()
        with self.together():
            self._db.execute(
                "UPDATE run SET status = coalesce(?, status), facts = json_patch(facts, ?) WHERE id = ?",
                (status, json.dumps(facts), self._run),
            )

    # -- its plan

    def add(self, items: Sequence[tuple[int, Row]], rejects: Iterable[Reject]) -> set[int]:
        """Add a chunk of rows; return the `seq` of those whose id was there already, now rejects."""
        with self.together():
            before = self._db.total_changes
            self._db.executemany(
                "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (
                    (seq, i.id, i.unit, i.source, i.row, i.lang, i.category, i.city, i.rating, i.text)
                    for seq, i in items
                ),
            )
            twice: set[int] = set()
            if items and self._db.total_changes - before < len(items):
                taken = self._db.execute("SELECT seq FROM item WHERE seq >= ?", (items[0][0],))
                twice = {seq for seq, _ in items} - {seq for (seq,) in taken}
            self._reject([*rejects, *(duplicate(i) for seq, i in items if seq in twice)])
        return twice

    def open(self, jobs: Iterable[tuple[int, str, str, bool]]) -> None:
        """Add jobs: id, task, unit, and whether its rows are answered as a whole or each by itself."""
        with self.together():
            self._db.executemany("INSERT INTO job (id, task, unit, whole) VALUES (?, ?, ?, ?)", jobs)

    def due(self, deadlines: Iterable[tuple[int, float]]) -> None:
        """Hold jobs to deadlines, in seconds since the epoch; the earliest of several counts."""
        with self.together():
            self._db.executemany("UPDATE job SET deadline = min(coalesce(deadline, ?2), ?2) WHERE id = ?1", deadlines)

    def known(self, keys: Iterable[bytes]) -> set[bytes]:
        """Return which of these questions have a request, one of this run if all are asked again."""
        since = self._run if self._again else 0
        sql = "SELECT key FROM request WHERE key = ? AND run >= ?"
        found = (self._db.execute(sql, (key, since)).fetchone() for key in keys)
        return {row[0] for row in found if row}

    def ask(self, task: str, stage: int, questions: Sequence[Question]) -> None:
        """Make sure that every question has a request; new ones wait, or are rejected where they are too long."""
        with self.together():
            if self._again:
                self._db.executemany(
                    "DELETE FROM request WHERE key = ? AND run < ?", ((q.key, self._run) for q in questions)
                )
            self._db.executemany(
                "INSERT INTO request (key, task, form, stage, state, reason, detail, body, prompt_tokens, head, "
                "prefix, length, schema, run) VALUES (?1, ?2, ?3, ?4, iif(?5 IS NULL, 'waiting', 'rejected'), "
                "iif(?5 IS NULL, NULL, 'too-long'), ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (key) DO NOTHING",
                (
                    (q.key, task, q.form, stage, q.too_long, None if q.too_long else array("I", q.body).tobytes(),
                     q.prompt_tokens, q.shared_prefix, q.reviews_prefix, q.expected_output_tokens, q.schema, self._run)
                    for q in questions if q.body is not None
                ),
            )  # fmt: skip
            self._db.executemany(
                "INSERT INTO ask SELECT ?, ?, ?, id FROM request WHERE key = ?",
                ((task, seq, q.job, q.key) for q in questions for seq in q.seqs),
            )

    def jobs(self, block_size: int, among: int | None = None) -> Iterator[StoredJob]:
        """Yield the jobs that have requests waiting, in input order, or the one whose id is `among` if it has.

        A request that two jobs ask counts in both. The prefix cache has blocks of `block_size` tokens, 0 for none.
        """
        only = "" if among is None else "WHERE job = ?2"  # so that SQLite can use an index
        for row in self._db.execute(
            "SELECT job.id, job.task, job.unit, max(stage), job.deadline, count(*), "  # noqa: S608
            "sum(prompt_tokens - head / ?1 * ?1), sum(prompt_tokens - prefix / ?1 * ?1), sum(length) "
            f"FROM (SELECT DISTINCT job, request FROM ask {only}) AS asked JOIN job ON job.id = asked.job "
            "JOIN request ON request.id = asked.request WHERE state = 'waiting' GROUP BY job.id ORDER BY job.id",
            (block_size or NONE, *([] if among is None else [among])),
        ):
            yield StoredJob(*row)

    def waiting(self, block_size: int) -> dict[str, Work]:
        """Return the work that waits under each task, each request counted once."""
        rows = self._db.execute(
            "SELECT task, sum(prompt_tokens - head / ?1 * ?1), count(*), sum(length) FROM request "
            "WHERE state = 'waiting' GROUP BY task",
            (block_size or NONE,),
        )
        return {task: Work(*work) for task, *work in rows}

    def cost(self, jobs: Iterable[tuple[int, int, float | None]]) -> None:
        """Write down what jobs were found to cost: id, prompt tokens, predicted seconds if known."""
        with self.together():
            self._db.executemany("UPDATE job SET cost = ?2, predicted_s = ?3 WHERE id = ?1", jobs)

    def requests(self, job: int) -> Iterator[StoredRequest]:
        """Yield a job's waiting requests in input order, read a page at a time."""
        last = 0
        while page := self._db.execute(
            "WITH page AS ("
            "  SELECT DISTINCT asked.request AS id FROM ask AS asked JOIN request ON request.id = asked.request "
            "  WHERE asked.job = ?1 AND asked.request > ?2 AND state = 'waiting' ORDER BY asked.request LIMIT ?3"
            ") SELECT id, request.task, form, body, prompt_tokens, head, prefix, length, schema, "
            # Another job's next stage may yet turn out to ask the same.
            "stage > 0 OR EXISTS (SELECT 1 FROM ask WHERE request = id AND job <> ?1) "
            "FROM page JOIN request USING (id) ORDER BY id",
            (job, last, PAGE),
        ).fetchall():
            last = page[-1][0]
            for id_, task, form, body, prompt_tokens, head, prefix, length, schema, shared in page:
                tokens = array("I", body).tolist()
                yield StoredRequest(
                    id_, task, form, tokens, prompt_tokens, head, prefix, length, schema, shared=bool(shared)
                )

    def counts(self) -> Counts:
        """Count what stands in the ledger and what is left to do."""
        return count(self._db)

    def kept(self) -> list[Kept]:
        """Return the answers of earlier runs that this one keeps."""
        return kept(self._db)

    # -- its answers

    def settle(self, answers: Sequence[Answer], refusals: Sequence[Failure]) -> None:
        """Make a group of answers and refusals durable."""
        with self.together():
            self._db.executemany(
                "UPDATE request SET state = 'answered', body = NULL, schema = NULL, answer = ?, run = ?, job = ?, "
                "attempts = ?, arrival = ?, admitted = ?, expected_cached_tokens = ?, queued = ?, scheduled = ?, "
                "first_token = ?, last_token = ?, prompt_tokens = ?, cached_tokens = ?, output_tokens = ?, "
                "preemptions = ? WHERE id = ?",
                (
                    (json.dumps(value, ensure_ascii=False), self._run, flight.turn.job.id, 1 + flight.request.again,
                     flight.turn.job.arrival, flight.admitted, flight.expected_cached, *astuple(timing),
                     flight.request.id)
                    for flight, value, timing in ((a.flight, a.value, a.timing) for a in answers)
                ),
            )  # fmt: skip
            self._db.executemany(
                "UPDATE request SET state = 'rejected', body = NULL, schema = NULL, reason = ?, detail = ?, "
                "answer = ?, run = ? WHERE id = ?",
                ((r.reason, r.detail, r.raw, self._run, r.id) for r in refusals),
            )

    def askers(self, request: int) -> list[tuple[int, str, str, int]]:
        """Return id, task and unit of every job that asks a request, and for how many rows it does."""
        return self._db.execute(
            "SELECT job.id, job.task, job.unit, sum(seq >= 0) FROM ask JOIN job ON job.id = ask.job "
            "WHERE request = ? GROUP BY job.id",
            (request,),
        ).fetchall()

    def has_waiting(self, job: int) -> bool:
        """Say whether a request of a job has no answer yet."""
        waiting = "SELECT 1 FROM ask JOIN request ON request.id = ask.request WHERE ask.job = ? AND state = 'waiting'"
        return self._db.execute(f"{waiting} LIMIT 1", (job,)).fetchone() is not None

    def row_outcomes(self, job: int) -> tuple[int, int]:
        """Return how many rows of a job that has ended are answered, and how many rejected since they were asked."""
        answered, rows, failed = self._db.execute(
            "SELECT coalesce(sum(seq >= 0 AND state = 'answered'), 0), "
            "sum(seq >= 0 AND reason IS NOT 'too-long'), "  # those were rejected before the work began
            "max(seq < 0 AND state = 'rejected') FROM ask JOIN request ON request.id = ask.request WHERE ask.job = ?",
            (job,),
        ).fetchone()
        answered = 0 if failed else answered
        return answered, rows - answered

    # -- what came of it

    def answers(self, task: str) -> Iterator[AnsweredRow]:
        """Yield every answered row with its answer, in input order."""
        for id_, unit, text, answer in self._db.execute(
            "SELECT item.id, unit, text, answer FROM ask JOIN item USING (seq) "
            "JOIN request ON request.id = ask.request WHERE ask.task = ? AND state = 'answered' ORDER BY seq",
            (task,),
        ):
            yield AnsweredRow(id_, unit, text, json.loads(answer))

    def answered(self, keys: Iterable[bytes]) -> list[Any]:
        """Return the answers to the questions with these keys, leaving out what has none."""
        found = (
            self._db.execute("SELECT answer FROM request WHERE key = ? AND state = 'answered'", (key,)).fetchone()
            for key in keys
        )
        return [json.loads(row[0]) for row in found if row]

    def restaurant_jobs(self) -> list[tuple[int, str, str]]:
        """Return the id, task and unit of every job about its unit as a whole, in input order."""
        return self._db.execute("SELECT id, task, unit FROM job WHERE whole ORDER BY id").fetchall()

    def stages(self, job: int) -> list[Stored]:
        """Return the requests of a job by stage, and within it in the order of what they are about."""
        rows = self._db.execute(
            "SELECT stage, state, answer, sum(seq >= 0) FROM ask JOIN request ON request.id = ask.request "
            "WHERE ask.job = ? GROUP BY request.id ORDER BY stage, abs(min(seq))",
            (job,),
        )
        return [Stored(stage, state, json.loads(answer) if state == "answered" else None, about)
                for stage, state, answer, about in rows]  # fmt: skip

    def lowest_seq(self, task: str) -> int:
        """Return the lowest number that a row or another question of a task has, 0 when there is none below."""
        lowest: int | None = self._db.execute("SELECT min(seq) FROM ask WHERE task = ?", (task,)).fetchone()[0]
        return min(0, lowest or 0)

    def _reject(self, rejects: Iterable[Reject]) -> None:
        self._db.executemany("INSERT INTO reject VALUES (?, ?, ?, ?, ?, ?, ?)", map(astuple, rejects))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
