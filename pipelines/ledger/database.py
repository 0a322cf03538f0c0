"""The file behind the ledger: its tables, and how it is opened. `docs/ledger.md` describes them."""

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from pipelines.errors import LedgerError
from pipelines.files import LEDGER
from pipelines.ledger import digest
from pipelines.ledger.failures import FAILED, failure

NAME = LEDGER
APPLICATION = int.from_bytes(b"rbtc")  # by which a file is known for a ledger of this program
VERSION = 5
PATIENCE = 60_000  # milliseconds that another program, such as a backup, may lock it while a run goes on
OLDEST = 3, 38  # the first SQLite that has all that is asked of it
MARKED = 5  # the first version whose files are marked so
MAGIC = b"SQLite format 3\0"  # how a database begins
MARK, BEGINNING = 68, 100  # where its mark is, and the bytes before its tables
# Strict, so that SQLite's own check finds a value of another type, too.
SCHEMA = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'deadline', 'stopped')), facts TEXT NOT NULL, digest BLOB,
    rows BLOB
) STRICT;
CREATE TABLE item (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,
    source TEXT NOT NULL, row INTEGER NOT NULL,
    lang TEXT NOT NULL, category TEXT, city TEXT, rating REAL, text TEXT NOT NULL
) STRICT;
CREATE INDEX item_by_unit ON item (unit, seq);
CREATE TABLE reject (
    source TEXT NOT NULL, row INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    id TEXT, task TEXT, stage INTEGER
) STRICT;
CREATE TABLE carried (chunk INTEGER PRIMARY KEY, rows BLOB NOT NULL) STRICT;
CREATE TABLE job (
    id INTEGER PRIMARY KEY, task TEXT NOT NULL, unit TEXT NOT NULL, whole INTEGER NOT NULL,
    deadline REAL, cost INTEGER, predicted_s REAL
) STRICT;
CREATE TABLE ask (
    task TEXT NOT NULL, seq INTEGER NOT NULL, job INTEGER NOT NULL, request INTEGER NOT NULL, PRIMARY KEY (task, seq)
) WITHOUT ROWID, STRICT;
CREATE INDEX ask_by_request ON ask (request, job);
CREATE INDEX ask_by_job ON ask (job, request);
CREATE TABLE request (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, task TEXT NOT NULL, form TEXT NOT NULL, stage INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'answered', 'rejected')),
    body BLOB, head INTEGER, prefix INTEGER, length REAL, schema TEXT, answer TEXT, digest BLOB,
    reason TEXT, detail TEXT, attempts INTEGER NOT NULL DEFAULT 0, run INTEGER, job INTEGER,
    arrival REAL, admitted REAL, queued REAL, scheduled REAL, first_token REAL, last_token REAL,
    prompt_tokens INTEGER, expected_cached_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER,
    preemptions INTEGER
) STRICT;
"""
UNASKED = "state = 'rejected' AND body IS NULL AND stage = 0"  # of `request`: a row that was too long
VIEWS = {
    # The rows that have no answer under a task, and why. Rows that are answered as a whole need every answer of their
    # job: they wait as long as one request of it does, and are rejected where one of a later stage is. What lacks an
    # answer is looked for first, and by no other index, for it is little: hence the crossed joins.
    "unanswered": """
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
WHERE job.whole AND NOT EXISTS (SELECT 1 FROM ask WHERE ask.job = job.id)
""",
    # What has become of each row under each task.
    "outcome": """
SELECT task, seq, job, state, reason, detail, stage FROM unanswered
UNION ALL
SELECT task, seq, job, 'answered', NULL, NULL, NULL FROM ask
WHERE seq >= 0 AND (task, seq) NOT IN (SELECT task, seq FROM unanswered)
""",
    "job_times": f"""
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
    WHERE state = 'waiting' OR (run = (SELECT max(id) FROM run) AND NOT ({UNASKED})) GROUP BY asked.job
) AS asked JOIN job ON job.id = asked.job
""",  # noqa: S608
}


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger file to work on, making it when it is not there, or empty.

    Raises LedgerError when it is not one, or of another version, and leaves such a file as it is.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise LedgerError(f"SQLite {oldest} or later is needed, this Python has {sqlite3.sqlite_version}: take another")
    new = not (path.exists() and path.stat().st_size)
    if not new and not is_marked(path):
        raise _not_ours(path)
    with _opening(path) as db:
        tables = "" if _has_tables(db, path) else f"{SCHEMA} PRAGMA user_version = {VERSION};"
        if tables:  # before there is a log, so that it stands in the file itself from the first moment on
            db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -65536")
        drops = "".join(f"DROP VIEW IF EXISTS {name};" for name in VIEWS)
        # One transaction: a first run killed here leaves an empty file, not half a schema. Views hold nothing: those
        # that an earlier version has left are made anew.
        db.executescript(f"BEGIN IMMEDIATE; {tables} {drops} {views()} COMMIT;")
        db.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        return db


def views(kind: str = "") -> str:
    """Return as SQL how the views are made, of a kind: with TEMP they are those of one connection."""
    return "".join(f"CREATE {kind} VIEW {name} AS {select};" for name, select in VIEWS.items())


def beside(path: Path) -> sqlite3.Connection:
    """Open a ledger file that another thread of this process works on."""
    with _opening(path, "?mode=rw") as db:
        return db


def read(path: Path) -> sqlite3.Connection:
    """Open a ledger file to read, also while a run writes it or where one may not write.

    Raises LedgerError when it is not one, or holds nothing yet.
    """
    # A run that was killed as it ended may have left a journal, which has to be heeded first.
    journal = path.with_name(f"{path.name}-journal").exists()
    with _opening(path, "?mode=rw" if journal else "?mode=ro") as db:
        if _has_mark(db, path) and _has_tables(db, path):
            db.executescript(views("TEMP"))  # those in the file may be another version's, or damaged
            return db
        raise LedgerError(f"{path} holds no run yet")


def is_marked(path: Path) -> bool:
    """Say whether a file that nobody in this process has open is a ledger of this program, without touching it.

    SQLite would take it for damaged without the log that has the rest of it. It is not read like this while it is
    open here: by closing it the process would let go of SQLite's own locks.
    """
    with path.open("rb") as file:
        beginning = file.read(BEGINNING)
    return beginning.startswith(MAGIC) and beginning[MARK : MARK + 4] == APPLICATION.to_bytes(4)


def copy(source: Path, target: Path) -> None:
    """Copy a ledger file, also while a run writes it. Raises LedgerError when it is not one."""
    with _opening(source, "?mode=ro") as from_, closing(from_):
        if _has_mark(from_, source):
            with closing(sqlite3.connect(target)) as to:
                from_.backup(to)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Make durable at once whatever is written meanwhile, all of it or none; within another it is a part of that."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN IMMEDIATE")  # or one that reads first would not wait where another program locks it
    with db:
        yield


def _has_mark(db: sqlite3.Connection, path: Path) -> bool:
    """Say whether there is the beginning of a ledger, or nothing. Raises LedgerError when it is something else."""
    if not path.stat().st_size:
        return False
    try:
        (application,) = db.execute("PRAGMA application_id").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        application = 0
    if application != APPLICATION:
        raise _not_ours(path)
    return True


def _not_ours(path: Path) -> LedgerError:
    """Return what there is to say of a file without our mark; before there was one, the tables told."""
    with closing(_open(path, "?immutable=1")) as db, suppress(*FAILED):
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if 0 < version < MARKED and db.execute("SELECT 1 FROM sqlite_master WHERE name = 'request'").fetchone():
            return _of_another(path, version)
    return LedgerError(
        f"{path} is not a ledger of this program, or its beginning is damaged: choose another --output, or see "
        f"what `reviewbatch recover {shlex.quote(str(path.parent))}` can read"
    )


def _has_tables(db: sqlite3.Connection, path: Path) -> bool:
    """Say whether there is more than the beginning of a ledger. Raises LedgerError when it is of another version."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in {0, VERSION}:
        raise _of_another(path, version)
    return bool(version)


def _of_another(path: Path, version: int) -> LedgerError:
    return LedgerError(
        f"{path} was written by another version (schema {version}, this one is {VERSION}): choose another --output"
    )


@contextmanager
def _opening(path: Path, how: str = "") -> Iterator[sqlite3.Connection]:
    """Open a file, and close it again if anything goes wrong."""
    db = _open(path, how)
    try:
        yield db
    except FAILED as error:
        db.close()
        raise failure(error, path) from error
    except BaseException:
        db.close()
        raise


def _open(path: Path, how: str = "") -> sqlite3.Connection:
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}{how}", uri=True)
    except sqlite3.Error as error:
        raise failure(error, path) from error
    db.row_factory = sqlite3.Row
    digest.install(db)
    return db
