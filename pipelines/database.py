"""The file behind the ledger: its tables, and how it is opened. `docs/ledger.md` describes them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pipelines.errors import LedgerError

NAME = "run.sqlite"
VERSION = 2
SCHEMA = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, status TEXT NOT NULL, facts TEXT NOT NULL
);
CREATE TABLE review (
    seq INTEGER PRIMARY KEY, review_id TEXT NOT NULL UNIQUE, restaurant_id TEXT NOT NULL,
    source TEXT NOT NULL, row INTEGER NOT NULL
);
CREATE TABLE reject (
    source TEXT NOT NULL, row INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    review_id TEXT, task TEXT, stage INTEGER
);
CREATE TABLE job (
    id INTEGER PRIMARY KEY, task TEXT NOT NULL, unit TEXT NOT NULL, deadline REAL, cost INTEGER, predicted_s REAL
);
CREATE TABLE ask (
    task TEXT NOT NULL, seq INTEGER NOT NULL, job INTEGER NOT NULL, request INTEGER NOT NULL, PRIMARY KEY (task, seq)
) WITHOUT ROWID;
CREATE INDEX ask_by_request ON ask (request, job);
CREATE INDEX ask_by_job ON ask (job, request);
CREATE TABLE request (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, task TEXT NOT NULL, stage INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'answered', 'rejected')),
    body BLOB, answer TEXT, reason TEXT, detail TEXT, run INTEGER, job INTEGER,
    admitted REAL, queued REAL, scheduled REAL, first_token REAL, last_token REAL,
    prompt_tokens INTEGER, expected_cached_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER,
    preemptions INTEGER
);
CREATE INDEX waiting ON request (prompt_tokens) WHERE state = 'waiting';
CREATE VIEW job_times AS
SELECT job.id AS job, job.task, job.unit, job.deadline, job.cost, job.predicted_s,
    count(DISTINCT request.id) AS requests, sum(request.state = 'waiting') AS waiting,
    min(request.admitted) AS first_admitted, min(request.scheduled) AS first_scheduled,
    min(request.first_token) AS first_token, max(request.last_token) AS last_token,
    sent.expected_cached_tokens, sent.cached_tokens
FROM job JOIN ask ON ask.job = job.id JOIN request ON request.id = ask.request
LEFT JOIN (
    SELECT job, sum(expected_cached_tokens) AS expected_cached_tokens, sum(cached_tokens) AS cached_tokens
    FROM request WHERE run = (SELECT max(id) FROM run) GROUP BY job
) AS sent ON sent.job = job.id
WHERE request.state = 'waiting' OR request.run = (SELECT max(id) FROM run)
GROUP BY job.id;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger file to work on, making it when it is not there. Raises LedgerError when it is not one."""
    return _checked(path, path.resolve().as_uri(), _prepare)


def copy(source: Path, target: Path) -> None:
    """Copy a ledger file, also while a run writes it. Raises LedgerError when it is not one."""
    with closing(read(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)


def read(path: Path) -> sqlite3.Connection:
    """Open a ledger file to read, also while a run writes it or where one may not write."""
    return _checked(path, f"{path.resolve().as_uri()}?mode=ro", _version)


def _checked(path: Path, uri: str, prepare: Callable[[sqlite3.Connection], int]) -> sqlite3.Connection:
    db: sqlite3.Connection | None = None
    try:
        db = sqlite3.connect(uri, uri=True)
        version = prepare(db)
    except sqlite3.Error as error:
        if db:
            db.close()
        raise LedgerError(f"{path} is not a ledger of this program: {error}") from error
    if version != VERSION:
        db.close()
        raise LedgerError(
            f"{path} was written by another version (schema {version}, this one is {VERSION}): choose another --output"
        )
    return db


def _prepare(db: sqlite3.Connection) -> int:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA cache_size = -65536")
    if not (version := _version(db)):
        # One transaction: a first run killed here leaves an empty file, not half a schema.
        db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        return VERSION
    return version


def _version(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version
