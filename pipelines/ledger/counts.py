"""Counts: what stands in the ledger, and what is left to do."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.events import Planned
from pipelines.ledger.records import ANCHORS, RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows of the corpus by what has become of them, and the requests that wait with their prompt tokens.

    A row is answered when it is under every task, and rejected when it is under one. `answers`
    are still to come, one for each row and task; rows that ask the same thing share a request, so there may be more of
    them than `requests`, of which some are for `anchors`, and give none. `longest` has the tokens of the longest prompt
    of each task and form.
    """

    rows: int
    answered: int
    rejected: int
    answers: int
    requests: int
    anchors: int
    prompt_tokens: int
    longest: Mapping[tuple[str, str], int]

    @property
    def waiting(self) -> int:
        """Rows that have no answer yet."""
        return self.rows - self.answered - self.rejected

    @property
    def planned(self) -> Planned:
        """The event that tells of it."""
        return Planned(
            rows=self.rows,
            answered=self.answered,
            rejected=self.rejected,
            requests=self.requests,
            anchors=self.anchors,
            prompt_tokens=self.prompt_tokens,
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """Answers to rows that earlier runs gave, by the version of vLLM and the number format that they are of, if known.

    `other` says whether the last run has another of the two.
    """

    vllm: str | None
    dtype: str | None
    answers: int
    other: bool


def kept(db: sqlite3.Connection) -> list[Kept]:
    """Return what the last run keeps of earlier ones."""
    return [Kept(vllm, dtype, answers, bool(other)) for vllm, dtype, answers, other in db.execute(_KEPT)]


def count(db: sqlite3.Connection) -> Counts:
    """Count what stands in a ledger's file."""
    unanswered, rejected, answers = db.execute(
        "SELECT count(*), coalesce(sum(rejected > 0), 0), coalesce(sum(waiting), 0) FROM ("
        "SELECT sum(state = 'rejected') AS rejected, sum(state = 'waiting') AS waiting FROM outcome "
        "WHERE state <> 'answered' GROUP BY seq)"
    ).fetchone()
    usable = _usable(db)
    (unusable,) = db.execute("SELECT count(*) FROM reject").fetchone()
    waiting = db.execute(
        "SELECT task, form, count(*), sum(prompt_tokens), max(prompt_tokens) FROM request WHERE state = 'waiting' "
        "GROUP BY task, form"
    ).fetchall()
    (anchors,) = db.execute(
        "SELECT count(DISTINCT request.id) FROM job JOIN ask ON ask.job = job.id "
        "JOIN request ON request.id = ask.request WHERE unit = ? AND state = 'waiting'",
        (ANCHORS,),
    ).fetchone()
    return Counts(
        rows=usable + unusable,
        answered=usable - unanswered,
        rejected=unusable + rejected,
        answers=answers,
        requests=sum(requests for *_, requests, _, _ in waiting),
        anchors=anchors,
        prompt_tokens=sum(tokens for *_, tokens, _ in waiting),
        longest={(task, form): longest for task, form, *_, longest in waiting},
    )


def rows(db: sqlite3.Connection) -> dict[str, Any]:
    """Return the rows of the corpus as reports have them, the rejected ones by reason."""
    totals = count(db)
    return {
        "in": totals.rows,
        "answered": totals.answered,
        "rejected": totals.rejected,
        "waiting": totals.waiting,
        "rejects_by_reason": dict(db.execute(_REJECTS)),
    }


def of_task(db: sqlite3.Connection, task: str) -> dict[str, int]:
    """Return how many rows a task has answered, rejected and left waiting; rows of no use are not among them."""
    rejected, waiting = db.execute(
        "SELECT coalesce(sum(state = 'rejected'), 0), coalesce(sum(state = 'waiting'), 0) FROM outcome "
        "WHERE task = ? AND state <> 'answered'",
        (task,),
    ).fetchone()
    answered = _usable(db) - rejected - waiting
    return {RequestState.ANSWERED: answered, RequestState.REJECTED: rejected, RequestState.WAITING: waiting}


def _usable(db: sqlite3.Connection) -> int:
    """Return how many rows can be asked about, which they are under every task."""
    rows: int = db.execute("SELECT count(*) FROM item WHERE +seq >= 0").fetchone()[0]  # by an index that has no texts
    return rows


_KEPT = """
SELECT run.facts ->> 'vllm', run.facts ->> 'dtype', sum(answers),
    run.facts ->> 'vllm' IS NOT last.facts ->> 'vllm'
    OR coalesce(run.facts ->> 'dtype' <> last.facts ->> 'dtype', FALSE)
FROM (
    SELECT run, count(*) AS answers FROM request CROSS JOIN ask ON ask.request = request.id
    WHERE seq >= 0 AND state = 'answered' AND run < (SELECT max(id) FROM run) GROUP BY run
) AS asked JOIN run ON run.id = asked.run JOIN run AS last ON last.id = (SELECT max(id) FROM run)
GROUP BY 1, 2 ORDER BY 3 DESC
"""
_REJECTS = """
SELECT reason, count(*) FROM (
    SELECT reason FROM reject UNION ALL SELECT reason FROM outcome WHERE state = 'rejected'
) GROUP BY reason ORDER BY count(*) DESC, reason
"""
