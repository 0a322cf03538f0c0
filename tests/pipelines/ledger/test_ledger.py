import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Timer

import pytest

from pipelines.corpus.reject import Reason, Reject
from pipelines.corpus.row import Row
from pipelines.engine.interface import Failure, Timing
from pipelines.errors import LedgerError
from pipelines.ledger import database, history
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import Answer, AnsweredRow, Asker, Flight, NewJob, Question, RunStatus, StoredRequest
from scheduling.job import Job
from scheduling.policy import POLICIES
from scheduling.queue import JobQueue
from scheduling.speed import Work

TIMING = Timing(0.1, 0.2, 0.3, 0.4, prompt_tokens=10, cached_tokens=4, output_tokens=1, preemptions=0)


def review(number: int, restaurant: str = "x") -> Row:
    return Row(id=f"r{number}", unit=restaurant, text=f"text {number}", source="f.jsonl", row=number + 1, lang="en")


def question(seq: int, text: str = "", job: int = 0) -> tuple[int, str, int]:
    return seq, text or f"text {seq}", job


def key(text: str) -> bytes:
    return text.encode().ljust(16)


def answer(request: StoredRequest, value=(), timing: Timing = TIMING, job: int = 0) -> Answer:
    queue = JobQueue(POLICIES["fifo"], [Job(id=job, task="sentiment", cost=1, position=0)])
    return Answer(Flight(request, queue.pop(0.0), 0.0, 4, work=Work()), list(value), timing)


def ask(ledger, questions, jobs=None, limit=1000):
    """Ask as a desk does, with one token a letter and five around them; return what had to be tokenised."""
    ledger.jobs.add(
        NewJob(job, "sentiment", unit, whole=False) for job, unit in ({0: "x"} if jobs is None else jobs).items()
    )
    known = ledger.requests.known((key(text) for _, text, _ in questions), again=False)
    made = []
    for seq, text, job in questions:
        tokens = 5 + len(text)
        body = None if key(text) in known else [1] * len(text)
        too_long = f"{tokens} prompt tokens, the limit is {limit}" if tokens > limit else None
        made.append(
            Question(
                key=key(text),
                job=job,
                seqs=[seq],
                form="ask.en",
                body=body,
                prompt_tokens=tokens,
                shared_prefix=2,
                reviews_prefix=2,
                too_long=too_long,
            )
        )
    ledger.requests.ask("sentiment", 0, made, again=False)
    return list(dict.fromkeys(text for _, text, _ in questions if key(text) not in known))


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "out")
    ledger.begin({})
    yield ledger
    ledger.close()


def reopened(ledger):
    ledger.close()
    again = Ledger(ledger.folder)
    again.begin({})
    return again


def test_rows_that_ask_the_same_share_one_request(ledger):
    ledger.rows.add([(0, review(0)), (1, review(1)), (2, review(2))], [])
    assert ask(ledger, [question(0, "good"), question(1, "good"), question(2, "bad")]) == ["good", "bad"]
    first, second = ledger.requests.waiting(0)
    assert (first.body, first.prompt_tokens, first.shared) == ([1] * 4, 9, False)
    ledger.requests.settle([answer(first, [-1.5])], [Failure(second.id, "poison", "")])
    assert ledger.requests.askers([first.id]) == [Asker(0, "sentiment", "x", 2)]
    assert list(ledger.requests.answered_rows("sentiment")) == [
        AnsweredRow("r0", "x", "text 0", [-1.5]), AnsweredRow("r1", "x", "text 1", [-1.5]),
    ]  # fmt: skip
    assert (ledger.counts().rows, ledger.counts().answered, ledger.counts().rejected) == (3, 2, 1)


def test_a_second_run_asks_and_tokenises_only_what_has_no_answer(ledger):
    ledger.rows.add([(0, review(0)), (1, review(1))], [])
    ask(ledger, [question(0), question(1)])
    (first, _) = ledger.requests.waiting(0)
    ledger.requests.settle([answer(first, [])], [])
    again = reopened(ledger)
    again.rows.add([(0, review(0)), (1, review(1)), (2, review(2))], [])
    assert ask(again, [question(0), question(1), question(2)]) == ["text 1", "text 2"]
    assert [len(request.body) for request in again.requests.waiting(0)] == [6, 6]
    assert again.counts().answered == 1
    again.close()


def test_a_row_gone_from_the_corpus_is_gone_from_the_work_and_the_results(ledger):
    ledger.rows.add([(0, review(0)), (1, review(1))], [])
    ask(ledger, [question(0), question(1)])
    again = reopened(ledger)
    again.rows.add([(0, review(0))], [])
    ask(again, [question(0)])
    assert [job.requests for job in again.jobs.waiting(0)] == [1]
    assert again.counts().rows == 1
    again.close()


def test_the_first_of_two_rows_with_one_id_counts(ledger):
    twice = ledger.rows.add(
        [(0, review(0)), (1, review(0)), (2, review(2))],
        [(9, Reject(source="f.jsonl", row=9, reason=Reason.NO_TEXT, detail="null"))],
    )
    assert twice == {1}
    assert ledger.rows.add([(3, review(2))], []) == {3}
    assert [(reject.reason, reject.row) for reject in ledger.rows.rejects()] == [
        ("duplicate-id", 1), ("duplicate-id", 3), ("no-text", 9)]  # fmt: skip


def test_a_prompt_that_cannot_fit_is_rejected_with_its_length(ledger):
    ledger.rows.add([(0, review(0)), (1, review(1))], [])
    ask(ledger, [question(0, "a" * 10), question(1, "a" * 11)], limit=15)
    assert [request.prompt_tokens for request in ledger.requests.waiting(0)] == [15]
    (reject,) = ledger.rows.rejects()
    assert (reject.reason, reject.id, reject.task) == ("too-long", "r1", "sentiment")
    assert reject.detail == "16 prompt tokens, the limit is 15"


def test_what_was_rejected_gets_a_new_chance_in_the_next_run(ledger):
    ledger.rows.add([(0, review(0))], [])
    ask(ledger, [question(0)])
    (request,) = ledger.requests.waiting(0)
    ledger.requests.settle([], [Failure(request.id, "poison", "it died")])
    assert [reject.reason for reject in ledger.rows.rejects()] == ["poison"]
    again = reopened(ledger)
    again.rows.add([(0, review(0))], [])
    assert ask(again, [question(0)]) == ["text 0"]
    assert again.counts().requests == 1
    again.close()


def test_jobs_come_in_input_order_with_their_requests(ledger):
    ledger.rows.add([(n, review(n, "xy"[n % 2])) for n in range(5)], [])
    ask(ledger, [question(n, job=n % 2) for n in range(5)], {0: "x", 1: "y"})
    assert [(job.id, job.requests, job.cost) for job in ledger.jobs.waiting(0)] == [(0, 3, 33), (1, 2, 22)]
    assert [(job.id, job.requests, job.cost) for job in ledger.jobs.waiting(2)] == [(0, 3, 27), (1, 2, 18)]
    assert ledger.jobs.get(1, 2).id == 1
    assert ledger.jobs.work(2) == {"sentiment": Work(45, 5, 0.0)}


def test_requests_come_in_pages_while_answers_are_written(ledger, monkeypatch):
    monkeypatch.setattr("pipelines.ledger.requests.PAGE", 3)
    ledger.rows.add([(n, review(n)) for n in range(10)], [])
    ask(ledger, [question(n) for n in range(10)])
    seen = []
    for request in ledger.requests.waiting(0):
        seen.append(request.id)
        ledger.requests.settle([answer(request, [])], [])
    assert len(seen) == len(set(seen)) == 10


def test_a_folder_belongs_to_one_run_at_a_time(ledger):
    with pytest.raises(LedgerError, match="another run is working in"):
        Ledger(ledger.folder)


def test_a_folder_is_free_again_when_its_run_is_killed(tmp_path):
    script = f"import os; from pathlib import Path; from pipelines.ledger.ledger import Ledger; Ledger(Path({str(tmp_path)!r})); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    Ledger(tmp_path).close()


ANOTHER, NOT_OURS = r"was written by another version \(schema \d+, this one is 5\)", "is not a ledger of this program"


@pytest.mark.parametrize("content", [b"x", b"this is no database, but long enough to be looked at" * 20, bytes(8192)])
def test_another_kind_of_file_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "run.sqlite"
    path.write_bytes(content)
    for opening in (Ledger, lambda folder: database.read(folder / "run.sqlite")):
        with pytest.raises(LedgerError, match=NOT_OURS):
            opening(tmp_path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
@pytest.mark.parametrize(
    ("application", "version", "table", "message"),
    [(database.APPLICATION, 99, "request", ANOTHER), (0, 4, "request", ANOTHER), (0, 0, "theirs", NOT_OURS),
     (0, 4, "theirs", NOT_OURS), (0, 5, "request", NOT_OURS), (7, 5, "request", NOT_OURS), (0, 4, None, NOT_OURS)],
)  # fmt: skip
def test_a_file_that_is_refused_is_left_as_it_is(tmp_path, journal, application, version, table, message):
    path = tmp_path / "run.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA application_id = {application}")
        db.execute(f"PRAGMA journal_mode = {journal}")
        db.execute(f"PRAGMA user_version = {version}")
        if table:
            db.execute(f"CREATE TABLE {table} (id INTEGER)")
    before = path.read_bytes()
    for opening in (Ledger, lambda folder: database.read(folder / "run.sqlite")):
        with pytest.raises(LedgerError, match=message):
            opening(tmp_path)
        assert path.read_bytes() == before
    with pytest.raises(LedgerError, match=message):
        Ledger(tmp_path)


def test_a_file_that_another_program_works_on_is_refused_and_left_to_it(tmp_path):
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as theirs:
        theirs.execute("PRAGMA journal_mode = WAL")
        theirs.execute("CREATE TABLE theirs (id INTEGER)")
        theirs.commit()  # into the log beside the file
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert before.keys() == {"run.sqlite", "run.sqlite-shm", "run.sqlite-wal"}
        with pytest.raises(LedgerError, match=NOT_OURS):
            Ledger(tmp_path)
        assert before.items() <= {file.name: file.read_bytes() for file in tmp_path.iterdir()}.items()
        with pytest.raises(LedgerError, match=NOT_OURS):
            database.read(tmp_path / "run.sqlite")
        del before["run.sqlite-shm"]  # in which readers say that they are there
        assert before.items() <= {file.name: file.read_bytes() for file in tmp_path.iterdir()}.items()
        assert [name for (name,) in theirs.execute("SELECT name FROM sqlite_master")] == ["theirs"]


def test_a_run_waits_for_a_program_that_locks_its_file_for_some_seconds(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.begin({})
        with closing(sqlite3.connect(tmp_path / database.NAME, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            Timer(6, other.rollback).start()  # Python has SQLite wait for five
            ledger.note(RunStatus.DONE)
        with history.opened(tmp_path) as (_, run):
            assert run.status == RunStatus.DONE


@pytest.mark.parametrize(
    "written", [(), (f"PRAGMA application_id = {database.APPLICATION}", "PRAGMA journal_mode = WAL")]
)
def test_a_first_run_that_was_killed_before_it_had_tables_left_an_empty_ledger(tmp_path, written):
    (tmp_path / "run.sqlite").touch()
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as db:
        for sql in written:
            db.execute(sql)
    with pytest.raises(LedgerError, match="holds no run yet"):
        database.read(tmp_path / "run.sqlite")
    database.copy(tmp_path / "run.sqlite", tmp_path / "copy.sqlite")
    with closing(Ledger(tmp_path)) as ledger:
        ledger.begin({})
        assert ledger.counts().rows == 0


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="cannot write to"):
        Ledger(tmp_path / "file" / "out")


def test_facts_are_kept_with_the_run(ledger):
    ledger.note(plan_s=1.5)
    ledger.note("done", labels={"good": 1})
    db = sqlite3.connect(ledger.folder / "run.sqlite")
    status, facts = db.execute("SELECT status, facts FROM run").fetchone()
    db.close()
    assert status == "done"
    assert json.loads(facts).keys() == {"plan_s", "labels", "finished"}


def test_a_run_is_stopped_from_beside_unless_it_is_an_earlier_one(tmp_path):
    with Ledger(tmp_path / "out") as ledger:
        assert not ledger.stop(exit={"status": 130}), "there is none"
        ledger.begin({})
    with Ledger(tmp_path / "out") as ledger:
        assert not ledger.stop(exit={"status": 130}), "it was killed"
        ledger.begin({})
        with ThreadPoolExecutor() as threads:
            assert threads.submit(ledger.stop, exit={"status": 130}).result()
            assert not threads.submit(ledger.stop, exit={"status": 1}).result(), "it has ended"
    with history.opened(tmp_path / "out") as (_, run):
        assert (run.status, run.facts["exit"]) == (RunStatus.STOPPED, {"status": 130})
