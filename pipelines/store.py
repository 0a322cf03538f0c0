"""The ledger: every row, request, answer and timing of an output folder, in one SQLite file.

Answers are committed in groups as they come (WAL, synchronous=NORMAL): a process killed at any moment loses
none of those; what was in flight is asked again by the next run. `docs/ledger.md` has the tables.
"""

import fcntl
import json
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from pipelines.database import NAME, connect
from pipelines.engine import Refusal
from pipelines.errors import LedgerError
from pipelines.outlook import Outlook, count
from pipelines.records import Answer, Question, StoredJob, StoredRequest
from pipelines.review import Reject, Review

PAGE = 512


class Ledger:
    """The ledger of one output folder, held by one process at a time.

    Raises LedgerError when another run holds the folder, or its file is of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = _hold(folder)
        try:
            self._db = connect(folder / NAME)
        except LedgerError:
            self._lock.close()
            raise
        self._run: int = self._db.execute("SELECT coalesce(max(id), 0) FROM run").fetchone()[0]

    def close(self) -> None:
        """Close the file and let go of the folder."""
        with suppress(sqlite3.Error):  # somebody is reading, or it is closed
            # One plain file, which may be read where nothing can be written.
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()
        self._lock.close()

    # -- a run

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Start a run: forget the last one's rows and rejects, keep every answer."""
        with self._db:
            for table in ("review", "reject", "ask", "job"):
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
        with self._db:
            self._db.execute(
                "UPDATE run SET status = coalesce(?, status), facts = json_patch(facts, ?) WHERE id = ?",
                (status, json.dumps(facts), self._run),
            )

    # -- its plan

    def add(self, reviews: Sequence[tuple[int, Review]], rejects: Iterable[Reject]) -> set[int]:
        """Add a chunk of rows; return the `seq` of those whose review_id was there already, now rejects."""
        with self._db:
            before = self._db.total_changes
            self._db.executemany(
                "INSERT INTO review VALUES (?, ?, ?, ?, ?) ON CONFLICT (review_id) DO NOTHING",
                ((seq, r.review_id, r.restaurant_id, r.source, r.row) for seq, r in reviews),
            )
            twice: set[int] = set()
            if reviews and self._db.total_changes - before < len(reviews):
                taken = self._db.execute("SELECT seq FROM review WHERE seq >= ?", (reviews[0][0],))
                twice = {seq for seq, _ in reviews} - {seq for (seq,) in taken}
            self._reject([*rejects, *(_duplicate(r) for seq, r in reviews if seq in twice)])
        return twice

    def ask(
        self, task: str, jobs: Mapping[int, str], questions: Sequence[Question],
        tokenise: Callable[[Sequence[str]], list[list[int]]], around: int, limit: int,
    ) -> None:  # fmt: skip
        """Make sure that every question has a request, and that new ones wait.

        `tokenise` is called once with the texts that have no request yet. `around` is the number of prompt
        tokens that stand around each of them; requests of more than `limit` tokens are rejected.
        """
        with self._db:
            self._db.executemany(
                "INSERT INTO job (id, task, unit) VALUES (?, ?, ?)", ((job, task, unit) for job, unit in jobs.items())
            )
            self._db.executemany(
                "UPDATE job SET deadline = min(coalesce(deadline, ?1), ?1) WHERE id = ?2",
                ((q.deadline, q.job) for q in questions if q.deadline is not None),
            )
            (known,) = self._db.execute("SELECT coalesce(max(id), 0) FROM request").fetchone()
            self._db.executemany(
                "INSERT INTO request (key, task, stage, state) VALUES (?, ?, 0, 'waiting') "
                "ON CONFLICT (key) DO NOTHING",
                ((q.key, task) for q in questions),
            )
            self._db.executemany(
                "INSERT INTO ask SELECT ?, ?, ?, id FROM request WHERE key = ?",
                ((task, q.seq, q.job, q.key) for q in questions),
            )
            new = self._db.execute("SELECT id, key FROM request WHERE id > ?", (known,)).fetchall()
            texts = {q.key: q.text for q in questions}
            bodies = tokenise([texts[key] for _, key in new])
            sized = [(id_, body, around + len(body)) for (id_, _), body in zip(new, bodies, strict=True)]
            self._db.executemany(
                "UPDATE request SET body = ?, prompt_tokens = ? WHERE id = ?",
                ((array("I", body).tobytes(), tokens, id_) for id_, body, tokens in sized if tokens <= limit),
            )
            self._refuse(
                Refusal(id_, "too-long", f"{tokens:,} prompt tokens, the limit is {limit:,}")
                for id_, _, tokens in sized
                if tokens > limit
            )

    def jobs(self) -> Iterator[StoredJob]:
        """Yield the jobs that have requests waiting, in input order; a request that two jobs ask counts in both."""
        for row in self._db.execute(
            "SELECT job.id, job.task, job.unit, job.deadline, count(*), sum(prompt_tokens) "
            "FROM (SELECT DISTINCT job, request FROM ask) AS asked JOIN job ON job.id = asked.job "
            "JOIN request ON request.id = asked.request WHERE state = 'waiting' GROUP BY job.id ORDER BY job.id"
        ):
            yield StoredJob(*row)

    def cost(self, jobs: Iterable[tuple[int, int, float | None]]) -> None:
        """Write down what jobs were found to cost: id, prompt tokens, predicted seconds if known."""
        with self._db:
            self._db.executemany("UPDATE job SET cost = ?2, predicted_s = ?3 WHERE id = ?1", jobs)

    def requests(self, job: int) -> Iterator[StoredRequest]:
        """Yield a job's waiting requests in input order, read a page at a time."""
        last = 0
        while page := self._db.execute(
            "WITH page AS ("
            "  SELECT DISTINCT asked.request AS id FROM ask AS asked JOIN request ON request.id = asked.request "
            "  WHERE asked.job = ?1 AND asked.request > ?2 AND state = 'waiting' ORDER BY asked.request LIMIT ?3"
            ") SELECT id, body, prompt_tokens, EXISTS (SELECT 1 FROM ask WHERE request = id AND job <> ?1) "
            "FROM page JOIN request USING (id) ORDER BY id",
            (job, last, PAGE),
        ).fetchall():
            last = page[-1][0]
            for id_, body, prompt_tokens, shared in page:
                yield StoredRequest(id_, array("I", body).tolist(), prompt_tokens, bool(shared))

    def outlook(self) -> Outlook:
        """Count what stands in the ledger and what is left to do."""
        return count(self._db)

    # -- its answers

    def settle(self, answers: Sequence[Answer], refusals: Sequence[Refusal]) -> tuple[int, int]:
        """Make a group of answers and refusals durable; return how many rows have got the one and the other."""
        with self._db:
            self._db.executemany(
                "UPDATE request SET state = 'answered', body = NULL, answer = ?, run = ?, job = ?, admitted = ?, "
                "expected_cached_tokens = ?, queued = ?, scheduled = ?, first_token = ?, last_token = ?, "
                "prompt_tokens = ?, cached_tokens = ?, output_tokens = ?, preemptions = ? WHERE id = ?",
                (
                    (json.dumps(value), self._run, flight.job, flight.admitted, flight.expected_cached,
                     *astuple(timing), flight.request.id)
                    for flight, value, timing in ((a.flight, a.value, a.timing) for a in answers)
                ),
            )  # fmt: skip
            self._refuse(refusals)
        return self._rows(a.flight.request.id for a in answers), self._rows(refusal.id for refusal in refusals)

    # -- what came of it

    def answers(self, task: str) -> Iterator[tuple[str, str, list[float]]]:
        """Yield review_id, restaurant_id and the answer of every answered row, in input order."""
        for review, restaurant, answer in self._db.execute(
            "SELECT review_id, restaurant_id, answer FROM ask JOIN review USING (seq) "
            "JOIN request ON request.id = ask.request WHERE ask.task = ? AND state = 'answered' ORDER BY seq",
            (task,),
        ):
            yield review, restaurant, json.loads(answer)

    def answered(self, keys: Iterable[bytes]) -> list[list[float]]:
        """Return the answers to the questions with these keys, leaving out what has none."""
        found = (
            self._db.execute("SELECT answer FROM request WHERE key = ? AND state = 'answered'", (key,)).fetchone()
            for key in keys
        )
        return [json.loads(row[0]) for row in found if row]

    def rejects(self) -> Iterator[Reject]:
        """Yield every reject: rows that could not be used, then rows whose request got no answer."""
        for row in self._db.execute(
            "SELECT source, row, reason, detail, review_id, task, stage FROM reject UNION ALL "
            "SELECT source, row, reason, detail, review_id, ask.task, stage FROM ask JOIN review USING (seq) "
            "JOIN request ON request.id = ask.request WHERE state = 'rejected'"
        ):
            yield Reject(*row)

    def _rows(self, requests: Iterable[int]) -> int:
        count = "SELECT count(*) FROM ask WHERE request = ? AND seq >= 0"
        return sum(self._db.execute(count, (request,)).fetchone()[0] for request in requests)

    def _refuse(self, refusals: Iterable[Refusal]) -> None:
        self._db.executemany(
            "UPDATE request SET state = 'rejected', body = NULL, reason = ?, detail = ?, run = ? WHERE id = ?",
            ((refusal.reason, refusal.detail, self._run, refusal.id) for refusal in refusals),
        )

    def _reject(self, rejects: Iterable[Reject]) -> None:
        self._db.executemany("INSERT INTO reject VALUES (?, ?, ?, ?, ?, ?, ?)", map(astuple, rejects))


def _hold(folder: Path) -> TextIO:
    """Return an open file that keeps other runs out of the folder; the kernel drops it with the process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except (OSError, ValueError) as error:
        raise LedgerError(f"cannot write to {folder}: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise LedgerError(f"another run is working in {folder}: wait for it, or choose another --output") from error
    return lock


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _duplicate(review: Review) -> Reject:
    detail = f"review_id {review.review_id} was there before"
    return Reject(review.source, review.row, "duplicate-review-id", detail, review.review_id)
