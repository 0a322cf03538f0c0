"""The requests: distinct questions, by what they are known by, and what became of each."""

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

from pipelines.corpus.reject import Reason
from pipelines.engine.interface import Failure, Timing
from pipelines.ledger.cursor import plain
from pipelines.ledger.database import transaction
from pipelines.ledger.digest import QUESTION, of_answer, seal
from pipelines.ledger.records import (
    Answer,
    AnsweredRow,
    AskedRow,
    Asker,
    Question,
    RequestState,
    StageRequest,
    StoredRequest,
)
from pipelines.ledger.standing import unseal

PAGE = 512
_TIMES = tuple(field.name for field in fields(Timing))  # `asdict` would copy every number deeply
_written = json.JSONEncoder(ensure_ascii=False).encode  # which `json.dumps` would make anew for every answer


class Requests:
    """The requests in a ledger's file, and which rows ask them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def known(self, keys: Iterable[bytes], *, again: bool) -> set[bytes]:
        """Return which of these questions have a request, one of this run if all are to be asked `again`."""
        sql = "SELECT key FROM request WHERE key = ? AND (NOT ? OR run = (SELECT max(id) FROM run))"
        stored = (self._db.execute(sql, (key, again)).fetchone() for key in keys)
        return {row["key"] for row in stored if row}

    def ask(self, task: str, stage: int, questions: Sequence[Question], *, again: bool) -> None:
        """Make sure that every question has a request, one of this run if all are to be asked `again`.

        New ones wait, or are rejected where they are too long.
        """
        with transaction(self._db):
            if again:
                self._db.executemany(
                    "DELETE FROM request WHERE key = ? AND run < (SELECT max(id) FROM run)",
                    ((question.key,) for question in questions),
                )
            self._db.executemany(_ASK, (_asked(task, stage, q) for q in questions if q.body is not None))
            self._db.executemany(
                "INSERT INTO ask (task, seq, job, request) SELECT ?, ?, ?, id FROM request WHERE key = ?",
                ((task, seq, question.job, question.key) for question in questions for seq in question.seqs),
            )
            unseal(self._db)

    def share(self, job: int, task: str, *, of: str, unit: str, others: Sequence[str], most: int) -> None:
        """Have a job of a task wait for what another task, `of`, asks of the rows of its unit.

        And of the first rows, at most so many each, of `others`: these have numbers below 0.
        """
        asking = (
            "SELECT seq, request FROM (SELECT seq FROM item WHERE unit = ? ORDER BY seq LIMIT ?) JOIN ask USING (seq) "
        )
        sql = f"{asking} WHERE task = ? ORDER BY seq"
        with transaction(self._db):
            rows = self._db.execute(sql, (unit, -1, of)).fetchall()
            below = self.lowest_seq(task)
            requests = (row["request"] for other in others for row in self._db.execute(sql, (other, most, of)))
            numbered = ((below - n, request) for n, request in enumerate(requests, start=1))
            shared = [*((row["seq"], row["request"]) for row in rows), *numbered]
            self._db.executemany(
                "INSERT INTO ask (task, seq, job, request) VALUES (?, ?, ?, ?)",
                ((task, seq, job, request) for seq, request in shared),
            )
            unseal(self._db)

    def waiting(self, job: int) -> Iterator[StoredRequest]:
        """Yield a job's waiting requests in input order, read a page at a time."""
        last, cursor = 0, plain(self._db)
        while page := cursor.execute(_PAGE, {"job": job, "last": last, "size": PAGE}).fetchall():
            last, *_ = page[-1]
            for id_, task, form, body, tokens, head, prefix, length, schema, shared in page:
                yield StoredRequest(
                    id=id_,
                    task=task,
                    form=form,
                    body=array("I", body).tolist(),
                    prompt_tokens=tokens,
                    shared_prefix=head,
                    reviews_prefix=prefix,
                    expected_output_tokens=length,
                    schema=schema,
                    shared=bool(shared),
                )

    def settle(self, answers: Sequence[Answer], failures: Sequence[Failure]) -> None:
        """Make a group of answers and failures durable."""
        with transaction(self._db):
            self._db.executemany(_ANSWER, map(_answered, answers))
            self._db.executemany(
                "UPDATE request SET state = :state, reason = :reason, detail = :detail, "
                "answer = :raw, run = (SELECT max(id) FROM run) WHERE id = :id",
                ({**asdict(failure), "state": RequestState.REJECTED} for failure in failures),
            )

    def askers(self, requests: Sequence[int]) -> list[Asker]:
        """Return every job that asks one of some requests, once for each that it asks."""
        stored = plain(self._db).execute(_ASKERS, (json.dumps(requests),))
        return [Asker(job, task, unit, rows) for job, task, unit, rows in stored]

    def has_waiting(self, job: int) -> bool:
        """Say whether a request of a job has no answer yet."""
        # They are sent in order, so one of the last is found at once; the first is behind all that are answered.
        waiting = (
            "SELECT 1 FROM ask CROSS JOIN request ON request.id = ask.request WHERE ask.job = ? AND state = 'waiting'"
        )
        return self._db.execute(f"{waiting} ORDER BY ask.request DESC LIMIT 1", (job,)).fetchone() is not None

    def row_outcomes(self, job: int) -> tuple[int, int]:
        """Return how many rows of a job that has ended are answered, and how many rejected since they were asked."""
        answered, rows, failed = self._db.execute(
            "SELECT coalesce(sum(seq >= 0 AND state = 'answered'), 0), "
            "sum(seq >= 0 AND reason IS NOT ?), "  # those were rejected before the work began
            "max(stage > 0 AND state = 'rejected') FROM ask JOIN request ON request.id = ask.request WHERE ask.job = ?",
            (Reason.TOO_LONG, job),
        ).fetchone()
        answered = 0 if failed else answered
        return answered, rows - answered

    def answered_rows(self, task: str) -> Iterator[AnsweredRow]:
        """Yield every answered row with its answer, in input order."""
        for id_, unit, text, answer, lang in plain(self._db).execute(
            "SELECT item.id, unit, text, answer, lang FROM ask JOIN item USING (seq) "
            "JOIN request ON request.id = ask.request "
            "WHERE ask.task = ? AND seq >= 0 AND state = 'answered' ORDER BY seq",
            (task,),
        ):
            yield AnsweredRow(id_, unit, text, json.loads(answer), lang=lang)

    def asked_rows(self, task: str, job: int | None = None) -> Iterator[AskedRow]:
        """Yield what each row asks under a task, of one job or of all; those that ask the same follow each other."""
        sql = _ASKED.format(only="" if job is None else "AND ask.job = :job")  # so that SQLite can use an index
        return (AskedRow(**row) for row in self._db.execute(sql, {"task": task, "job": job}))

    def answers(self, keys: Iterable[bytes]) -> list[Any]:
        """Return the answers to the questions with these keys, leaving out what has none."""
        stored = (
            self._db.execute("SELECT answer FROM request WHERE key = ? AND state = 'answered'", (key,)).fetchone()
            for key in keys
        )
        return [json.loads(row["answer"]) for row in stored if row]

    def stages(self, job: int) -> list[StageRequest]:
        """Return the requests of a job by stage, and within it in the order of what they are about."""
        stored = self._db.execute(
            "SELECT stage, state, answer, sum(seq >= 0) AS rows FROM ask JOIN request ON request.id = ask.request "
            "WHERE ask.job = ? GROUP BY request.id ORDER BY stage, abs(min(seq))",
            (job,),
        )
        return [_stage(**row) for row in stored]

    def lowest_seq(self, task: str) -> int:
        """Return the lowest number that a row or another question of a task has, 0 when there is none below."""
        lowest: int | None = self._db.execute("SELECT min(seq) FROM ask WHERE task = ?", (task,)).fetchone()[0]
        return min(0, lowest or 0)


def _asked(task: str, stage: int, question: Question) -> dict[str, Any]:
    state = RequestState.REJECTED if question.too_long else RequestState.WAITING
    asked: dict[str, Any] = {
        "key": question.key,
        "task": task,
        "form": question.form,
        "stage": stage,
        "state": state,
        "reason": Reason.TOO_LONG if question.too_long else None,
        "detail": question.too_long,
        "body": None if question.too_long else array("I", question.body or ()).tobytes(),
        "prompt_tokens": question.prompt_tokens,
        "head": question.shared_prefix,
        "prefix": question.reviews_prefix,
        "length": float(round(question.expected_output_tokens)),  # which SQLite, too, writes as Python does
        "schema": question.schema,
    }
    why = f"{state}{asked['reason']}{question.too_long}" if question.too_long else None
    return {**asked, "digest": seal(*(asked[column] for column in QUESTION), why)}


def _answered(answer: Answer) -> dict[str, Any]:
    flight = answer.flight
    return {
        **{name: getattr(answer.timing, name) for name in _TIMES},
        "id": flight.request.id,
        "answer": _written(answer.value),
        "job": flight.turn.job.id,
        "attempts": 1 + flight.request.again,
        "arrival": flight.turn.job.arrival,
        "admitted": flight.admitted,
        "expected_cached_tokens": flight.expected_cached,
    }


def _stage(*, stage: int, state: str, answer: str | None, rows: int) -> StageRequest:
    value = json.loads(answer) if answer and state == RequestState.ANSWERED else None
    return StageRequest(stage, RequestState(state), value, rows)


_ASK = """
INSERT INTO request (
    key, task, form, stage, state, reason, detail, body, digest, prompt_tokens, head, prefix, length, schema,
    run
) VALUES (
    :key, :task, :form, :stage, :state, :reason, :detail, :body, :digest, :prompt_tokens, :head, :prefix, :length,
    :schema, (SELECT max(id) FROM run)
) ON CONFLICT (key) DO NOTHING
"""
_PAGE = """
SELECT request.id, request.task, form, body, prompt_tokens, head, prefix, length, schema,
    -- another job's next stage may yet turn out to ask the same
    stage > 0 OR EXISTS (SELECT 1 FROM ask AS other WHERE other.request = asked.request AND other.job <> :job)
FROM ask AS asked JOIN request ON request.id = asked.request
WHERE asked.job = :job AND asked.request > :last AND state = 'waiting'
GROUP BY asked.request ORDER BY asked.request LIMIT :size
"""
_ASKERS = """
SELECT job.id, job.task, job.unit, sum(seq >= 0)
FROM json_each(?) AS asked CROSS JOIN ask ON ask.request = asked.value CROSS JOIN job ON job.id = ask.job
GROUP BY asked.key, job.id ORDER BY asked.key, job.id
"""
_ASKED = """
SELECT key, form, stage, job.unit, ask.seq, item.id, text FROM ask JOIN request ON request.id = ask.request
JOIN job ON job.id = ask.job LEFT JOIN item ON item.seq = ask.seq
WHERE ask.task = :task AND request.task = :task {only} ORDER BY ask.request, ask.seq
"""
_ANSWER = f"""
UPDATE request SET state = 'answered', body = NULL, schema = NULL, answer = :answer,
    digest = {of_answer(":answer", "(SELECT max(id) FROM run)")},
    run = (SELECT max(id) FROM run), job = :job, attempts = :attempts, arrival = :arrival, admitted = :admitted,
    expected_cached_tokens = :expected_cached_tokens, queued = :queued, scheduled = :scheduled,
    first_token = :first_token, last_token = :last_token, prompt_tokens = :prompt_tokens,
    cached_tokens = :cached_tokens, output_tokens = :output_tokens, preemptions = :preemptions
WHERE id = :id
"""  # noqa: S608
