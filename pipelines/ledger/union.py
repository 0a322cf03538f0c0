"""The union: the ledger that the ledgers of shards make together, which is that of one run.

Rows, rejects and jobs have the same numbers in all of them, so they only have to be brought in order. Each is read a
row at a time, all side by side.
"""

import heapq
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from pipelines.ledger.database import transaction
from pipelines.ledger.digest import of_answer
from pipelines.ledger.history import Run
from pipelines.ledger.records import ANCHORS, ELSEWHERE, RequestState, RunStatus

BATCH = 8192  # rows that are written at once
APART = 1 << 40  # how far the numbers below 0 of two shards are apart
EMPTIED = ("item", "reject", "ask", "job", "request", "run", "carried")
KEPT = ("vllm", "dtype")  # what of an earlier run tells of its answers


@dataclass(frozen=True, slots=True)
class Opened:
    """The ledger of a folder, to be read, and its last run."""

    folder: Path
    db: sqlite3.Connection
    run: Run


def write(db: sqlite3.Connection, shards: Sequence[Opened], started: str, facts: Mapping[str, Any]) -> None:
    """Write what the shards' ledgers hold in place of what is in a ledger, as one run that has these facts."""
    with transaction(db):
        for table in EMPTIED:
            db.execute(f"DELETE FROM {table}")  # noqa: S608
        runs = _earlier(db, shards)
        db.execute(_RUN, (RunStatus.RUNNING, started, json.dumps(facts)))
        (number,) = db.execute("SELECT max(id) FROM run").fetchone()
    for shard in shards:
        shard.db.execute("PRAGMA cache_size = -256")  # each is read once from end to end, and there may be many
    _insert(db, _ITEM, _in_order(shards, _ITEMS))
    _insert(db, _REJECT, _in_order(shards, _REJECTS))
    _insert(db, _JOB, _in_order(shards, _JOBS))
    for shard in shards:  # its jobs' deadlines count from when its own engine was up
        late = shard.run.facts.get("engine_up", 0.0) - facts.get("engine_up", 0.0)
        _insert(db, _LATER, shard.db.execute(_DEADLINES, (late,)))
    # Of what several have asked the first counts: an answer before none, and a shard's own before that for comparison.
    for state in (RequestState.ANSWERED, RequestState.REJECTED):
        for own in (True, False):
            for n, shard in enumerate(shards):
                run_of = {**runs[n], shard.run.number: number}
                _insert(db, _REQUEST, _requests(shard.db.execute(_REQUESTS, (state, own)), n, run_of))
    _insert(db, _ASK, _in_order(shards, _ASKS, 0, 1))
    for n, shard in enumerate(shards):
        _insert(db, _ASK, shard.db.execute(_STAGES, (n * APART, ELSEWHERE // 2, ANCHORS)))
    _insert(db, _ASK, _anchors(shards))


def _earlier(db: sqlite3.Connection, shards: Sequence[Opened]) -> list[dict[int, int]]:
    """Write the earlier runs that answers are of, those of one vLLM as one; return their numbers for each shard."""
    numbers: dict[str, int] = {}
    runs: list[dict[int, int]] = [{} for _ in shards]
    for of_shard, shard in zip(runs, shards, strict=True):
        for id_, started, status, facts in shard.db.execute(_RUNS, (shard.run.number,)):
            told = json.dumps({name: value for name, value in json.loads(facts).items() if name in KEPT})
            if told not in numbers:
                numbers[told] = db.execute(_RUN, (status, started, told)).lastrowid or 0
            of_shard[id_] = numbers[told]
    return runs


def _requests(rows: Iterable[sqlite3.Row], n: int, run_of: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    """Yield the requests of a shard; one that is there already is kept for what it took, under a key of its own."""
    for row in rows:
        yield {**row, "run": run_of.get(row["run"]), "again": row["key"] + n.to_bytes(4)}


def _anchors(shards: Sequence[Opened]) -> Iterator[tuple[str, int, int, bytes]]:
    """Yield who asks for the anchors, which all shards do, each once."""
    asked = dict.fromkeys(tuple(row) for shard in shards for row in shard.db.execute(_ANCHORS, (ANCHORS,)))
    return ((task, ~n, job, key) for n, (task, job, key) in enumerate(asked))


def _in_order(shards: Sequence[Opened], sql: str, *key: int) -> Iterator[Any]:
    """Yield what each shard has, in the order of its first column, or of those of the `key`."""
    return heapq.merge(*(shard.db.execute(sql) for shard in shards), key=itemgetter(*(key or (0,))))


def _insert(db: sqlite3.Connection, sql: str, rows: Iterable[Any]) -> None:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        with transaction(db):
            db.executemany(sql, batch)


_RUN = "INSERT INTO run (status, started, facts, digest) VALUES (?1, ?2, ?3, seal(?2, ?3))"
_RUNS = """
SELECT id, started, status, facts FROM run
WHERE id < ? AND EXISTS (SELECT 1 FROM request WHERE request.run = run.id) ORDER BY id
"""
_ITEMS = """
SELECT seq, id, unit, source, row, lang, category, city, rating, text FROM item WHERE seq >= 0 ORDER BY seq
"""
_ITEM = """
INSERT INTO item (seq, id, unit, source, row, lang, category, city, rating, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_REJECTS = "SELECT rowid, source, row, reason, detail, id, task, stage FROM reject ORDER BY rowid"
_REJECT = """
INSERT INTO reject (rowid, source, row, reason, detail, id, task, stage) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_JOBS = "SELECT id, task, unit, whole, deadline, cost, predicted_s FROM job ORDER BY id"
_JOB = """
INSERT INTO job (id, task, unit, whole, deadline, cost, predicted_s) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING
"""
_DEADLINES = "SELECT deadline - ?, id FROM job WHERE deadline NOT NULL"
_LATER = "UPDATE job SET deadline = ? WHERE id = ?"
_REQUESTS = """
SELECT * FROM request
WHERE state = ? AND EXISTS (SELECT 1 FROM ask WHERE ask.request = request.id AND seq >= 0) = ? ORDER BY id
"""
_REQUEST = f"""
INSERT INTO request (
    key, task, form, stage, state, head, prefix, length, answer, reason, detail, attempts, run, job,
    arrival, admitted, queued, scheduled, first_token, last_token,
    prompt_tokens, expected_cached_tokens, cached_tokens, output_tokens, preemptions, digest
) SELECT *, CASE state WHEN 'answered' THEN {of_answer()} END FROM (SELECT
    CASE WHEN EXISTS (SELECT 1 FROM request WHERE key = :key) THEN :again ELSE :key END AS key,
    :task AS task, :form AS form, :stage AS stage, :state AS state, :head, :prefix, :length, :answer AS answer,
    :reason, :detail, :attempts, :run AS run, :job,
    :arrival, :admitted, :queued, :scheduled, :first_token, :last_token,
    :prompt_tokens, :expected_cached_tokens, :cached_tokens, :output_tokens, :preemptions
)
"""  # noqa: S608
_ASKS = """
SELECT ask.task, seq, ask.job, key FROM ask JOIN request ON request.id = ask.request
WHERE seq >= 0 ORDER BY ask.task, seq
"""
_STAGES = """
SELECT ask.task, seq - ?, ask.job, key FROM ask JOIN request ON request.id = ask.request JOIN job ON job.id = ask.job
WHERE seq BETWEEN ? AND -1 AND unit <> ?
"""
_ANCHORS = """
SELECT ask.task, ask.job, key FROM ask JOIN request ON request.id = ask.request JOIN job ON job.id = ask.job
WHERE unit = ? ORDER BY ask.task, seq DESC
"""
_ASK = "INSERT INTO ask (task, seq, job, request) SELECT ?, ?, ?, id FROM request WHERE key = ?"
