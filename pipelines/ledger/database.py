"""The file behind the ledger: its tables, and how it is opened. `docs/ledger.md` describes them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.errors import LedgerError

NAME = "run.sqlite"
VERSION = 4
SCHEMA = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, status TEXT NOT NULL, facts TEXT NOT NULL
);
CREATE TABLE item (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,
    source TEXT NOT NULL, row INTEGER NOT NULL,
    lang TEXT NOT NULL, category TEXT, city TEXT, rating REAL, text TEXT NOT NULL
);
CREATE INDEX item_by_unit ON item (unit, seq);
CREATE TABLE reject (
    source TEXT NOT NULL, row INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    id TEXT, task TEXT, stage INTEGER
);
CREATE TABLE job (
    id INTEGER PRIMARY KEY, task TEXT NOT NULL, unit TEXT NOT NULL, whole INTEGER NOT NULL,
    deadline REAL, cost INTEGER, predicted_s REAL
);
CREATE TABLE ask (
    task TEXT NOT NULL, seq INTEGER NOT NULL, job INTEGER NOT NULL, request INTEGER NOT NULL, PRIMARY KEY (task, seq)
) WITHOUT ROWID;
CREATE INDEX ask_by_request ON ask (request, job);
CREATE INDEX ask_by_job ON ask (job, request);
CREATE TABLE request (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, task TEXT NOT NULL, form TEXT NOT NULL, stage INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'answered', 'rejected')),
    body BLOB, head INTEGER, prefix INTEGER, length REAL, schema TEXT, answer TEXT, reason TEXT, detail TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, run INTEGER, job INTEGER,
    arrival REAL, admitted REAL, queued REAL, scheduled REAL, first_token REAL, last_token REAL,
    prompt_tokens INTEGER, expected_cached_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER,
    preemptions INTEGER
);
CREATE INDEX waiting ON request (prompt_tokens) WHERE state = 'waiting';
"""
VIEWS = """
DROP VIEW IF EXISTS outcome;
DROP VIEW IF EXISTS unanswered;
DROP VIEW IF EXISTS job_times;
-- The rows that have no answer under a task, and why. Rows that are answered as a whole need every answer of their job:
-- they wait as long as one request of it does, and are rejected where one of a later stage is. What lacks an answer is
-- looked for first, and by no other index, for it is little: hence the crossed joins.
CREATE VIEW unanswered AS
SELECT ask.task, ask.seq, ask.job, request.state, request.reason, request.detail, request.stage
FROM request CROSS JOIN ask INDEXED BY ask_by_request ON ask.request = request.id
WHERE request.state <> 'answered' AND ask.seq >= 0
UNION ALL
SELECT ask.task, ask.seq, ask.job, CASE whole.worst WHEN 2 THEN 'waiting' ELSE 'rejected' END,
    whole.reason, whole.detail, whole.stage
FROM (  -- the other columns come from the row with the greatest
    SELECT job.id, reason, detail, stage, max(CASE state WHEN 'waiting' THEN 2 ELSE 1 END) AS worst
    FROM job CROSS JOIN ask ON ask.job = job.id JOIN request ON request.id = ask.request
    WHERE job.whole AND (state = 'waiting' OR (stage > 0 AND state = 'rejected')) GROUP BY job.id
) AS whole CROSS JOIN ask INDEXED BY ask_by_job ON ask.job = whole.id JOIN request ON request.id = ask.request
WHERE ask.seq >= 0 AND request.state = 'answered'
UNION ALL  -- what has not been asked yet
SELECT job.task, item.seq, job.id, 'waiting', NULL, NULL, NULL FROM job JOIN item ON item.unit = job.unit
WHERE job.whole AND NOT EXISTS (SELECT 1 FROM ask WHERE ask.job = job.id);
-- What has become of each row under each task.
CREATE VIEW outcome AS
SELECT task, seq, job, state, reason, detail, stage FROM unanswered
UNION ALL
SELECT task, seq, job, 'answered', NULL, NULL, NULL FROM ask
WHERE seq >= 0 AND (task, seq) NOT IN (SELECT task, seq FROM unanswered);
CREATE VIEW job_times AS
SELECT job.id AS job, job.task, job.unit, job.deadline, job.cost, job.predicted_s,
    requests, waiting, job.whole AND failed AS failed, first_admitted, first_scheduled, first_token, last_token,
    expected_cached_tokens, cached_tokens
FROM (
    SELECT asked.job, count(*) AS requests, sum(state = 'waiting') AS waiting,
        max(stage > 0 AND state = 'rejected') AS failed,
        min(admitted) AS first_admitted, min(scheduled) AS first_scheduled,
        min(first_token) AS first_token, max(last_token) AS last_token,
        sum(CASE request.job WHEN asked.job THEN expected_cached_tokens END) AS expected_cached_tokens,
        sum(CASE request.job WHEN asked.job THEN cached_tokens END) AS cached_tokens
    FROM (SELECT DISTINCT job, request FROM ask) AS asked CROSS JOIN request ON request.id = asked.request
    WHERE state = 'waiting' OR run = (SELECT max(id) FROM run) GROUP BY asked.job
) AS asked JOIN job ON job.id = asked.job;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger file to work on, making it when it is not there.

    Raises LedgerError when it is not one, or of another version, and leaves such a file as it is.
    """
    new = not path.exists() or _is_new(path)
    db = _open(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -65536")
        # One transaction: a first run killed here leaves an empty file, not half a schema. Views hold nothing: those
        # that an earlier version has left are made anew.
        tables = f"{SCHEMA} PRAGMA user_version = {VERSION};" if new else ""
        db.executescript(f"BEGIN IMMEDIATE; {tables} {VIEWS} COMMIT;")
    except sqlite3.Error as error:
        db.close()
        raise LedgerError(f"cannot write to {path}: {error}") from error
    return db


def read(path: Path) -> sqlite3.Connection:
    """Open a ledger file to read, also while a run writes it or where one may not write.

    Raises LedgerError when it is not one, or holds nothing yet.
    """
    db = _open(path, "?mode=ro")
    try:
        empty = _holds_nothing(db, path)
    except LedgerError:
        db.close()
        raise
    if empty:
        db.close()
        raise LedgerError(f"{path} holds no run yet")
    return db


def copy(source: Path, target: Path) -> None:
    """Copy a ledger file, also while a run writes it. Raises LedgerError when it is not one."""
    with closing(_open(source, "?mode=ro")) as from_, closing(sqlite3.connect(target)) as to:
        if not _holds_nothing(from_, source):
            from_.backup(to)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Make durable at once whatever is written meanwhile, all of it or none; within another it is a part of that."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN")
    with db:
        yield


def _is_new(path: Path) -> bool:
    """Say whether a file holds nothing yet. Raises LedgerError when it is no ledger, or of another version."""
    # With no log or journal beside it nobody works on it, and SQLite need not make one to look into it.
    logged = any(path.with_name(f"{path.name}-{kind}").exists() for kind in ("wal", "journal"))
    with closing(_open(path, "?mode=ro" if logged else "?immutable=1")) as db:
        return _holds_nothing(db, path)


def _holds_nothing(db: sqlite3.Connection, path: Path) -> bool:
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise LedgerError(f"{path} is not a ledger of this program: {error}") from error
    if not version and not tables:
        return True
    ours = version and "request" in tables
    if not ours and (tables or version == VERSION):
        raise LedgerError(f"{path} is not a ledger of this program, but another's database: choose another --output")
    if version != VERSION:
        raise LedgerError(
            f"{path} was written by another version (schema {version}, this one is {VERSION}): choose another --output"
        )
    return False


def _open(path: Path, how: str = "") -> sqlite3.Connection:
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}{how}", uri=True)
    except sqlite3.Error as error:
        raise LedgerError(f"{path} is not a ledger of this program: {error}") from error
    db.row_factory = sqlite3.Row
    return db
