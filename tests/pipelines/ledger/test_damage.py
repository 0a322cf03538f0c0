"""A ledger whose file is not as it was written."""

import sqlite3
from contextlib import closing

import pytest

from pipelines.errors import LedgerError
from pipelines.events import Warned
from pipelines.ledger import damage, database, failures
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import RunStatus
from pipelines.ledger.recovery import recover
from pipelines.output import report

WAY_OUT = r"out/run.sqlite is damaged \(.*\): `reviewbatch recover .*/out` saves what can be read"


@pytest.fixture
def finished(go, tmp_path, write_jsonl, reviews, fake_engine):
    """A finished run's file, and how to do the same again; return the report and what was asked and warned of."""
    path = write_jsonl(reviews(30))
    go(path, fake_engine)

    def again():
        engines = []

        def start():
            engines.append(fake_engine())
            return engines[-1]

        report, events = go(path, start)
        asked = sum(len(engine.submitted) for engine in engines)
        return report, asked, [event.text for event in events if isinstance(event, Warned)]

    return tmp_path / "out" / "run.sqlite", again


@pytest.fixture
def spoil(finished):
    """Change a row behind the program's back."""

    def spoil(sql, *values):
        with closing(sqlite3.connect(finished[0])) as db, db:
            assert db.execute(sql, values).rowcount > 0

    return spoil


def test_what_nobody_has_touched_is_asked_for_nothing(finished):
    _, again = finished
    assert again()[1:] == (0, [])


def test_an_index_that_somebody_has_made_is_no_damage(finished):
    with closing(sqlite3.connect(finished[0])) as db:
        db.executescript("CREATE INDEX mine ON request (task); ANALYZE;")
    assert finished[1]()[1:] == (0, [])


@pytest.mark.parametrize(
    "change",
    ["answer = replace(answer, '-', '-1')", "key = randomblob(16)", "task = 'other'", "stage = 1", "run = 7", "form = 'x'",
     "digest = NULL", "digest = x'00'", "answer = CAST(x'ff' AS TEXT)"],
)  # fmt: skip
def test_an_answer_that_is_not_what_was_written_is_asked_again(finished, spoil, results, change):
    before = results()
    spoil(f"UPDATE request SET {change} WHERE id IN (3, 5)")
    report, asked, warned = finished[1]()
    assert (asked, warned) == (2, ["damaged in the ledger, and asked again: 2 answers"])
    assert report["rows"]["answered"] == 30
    assert results().equals(before)
    assert finished[1]()[1:] == (0, [])


def test_facts_that_are_not_what_was_written_are_told_of(finished, spoil):
    spoil("UPDATE run SET facts = json_set(facts, '$.input', 7)")
    with pytest.raises(LedgerError, match=WAY_OUT):
        finished[1]()


@pytest.mark.parametrize(
    "sql", ["UPDATE item SET unit = 'x', rating = 3", "UPDATE ask SET seq = seq + 1000", "DELETE FROM job"]
)
def test_what_the_next_run_writes_anew_may_be_anything(finished, spoil, results, sql):
    before = results()
    spoil(sql)
    assert finished[1]()[1:] == (0, [])
    assert results().equals(before)


def overwrite(path, at, content):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def page_of(path, kind, name):
    """Return where the root of a table or an index is in the file, and how long a page is."""
    with closing(sqlite3.connect(path)) as db:
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE type = ? AND name = ?", (kind, name)).fetchone()
        return (root - 1) * size, size


@pytest.mark.parametrize(
    ("kind", "name"), [("table", "request"), ("table", "item"), ("index", "ask_by_job"), ("table", "run")]
)
def test_a_page_that_is_no_page_is_told_of_with_the_way_out(finished, kind, name):
    path, again = finished
    at, size = page_of(path, kind, name)
    overwrite(path, at, b"\x5a" * size)
    with pytest.raises(LedgerError, match=WAY_OUT):
        again()
    for contents in (False, True):
        with pytest.raises(LedgerError, match=WAY_OUT):
            damage.refuse(path.parent, contents=contents)


def test_a_key_that_leads_to_another_answer_is_told_of(finished):
    path, again = finished
    with closing(sqlite3.connect(path)) as db:
        (key,) = db.execute("SELECT key FROM request WHERE id = 9").fetchone()
    content = path.read_bytes()
    places = [n for n in range(len(content)) if content.startswith(key, n)]
    (in_index,) = [n for n in places if content[n + 16] == 9]  # in the table another column follows
    overwrite(path, in_index + 16, b"\x0a")
    with pytest.raises(LedgerError, match=WAY_OUT):
        again()


@pytest.mark.parametrize(("table", "column"), [("run", "status"), ("request", "state")])
def test_a_state_that_there_is_not_is_told_of(finished, table, column):
    path, again = finished
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(f"UPDATE {table} SET {column} = 'inswered'")
    with pytest.raises(LedgerError, match=WAY_OUT):
        damage.refuse(path.parent)
    with pytest.raises(LedgerError, match=WAY_OUT):
        again()


def test_answers_count_where_they_are_read(finished, spoil):
    spoil("UPDATE request SET answer = '[]' WHERE id = 3")
    damage.refuse(finished[0].parent)
    with pytest.raises(LedgerError, match=r"damaged \(1 of its answers are not what was written\)"):
        damage.refuse(finished[0].parent, contents=True)


def test_a_view_that_is_not_what_was_written_is_not_used(finished):
    before = report.build(finished[0].parent)
    with closing(sqlite3.connect(finished[0])) as db:
        db.executescript(
            "DROP VIEW job_times; CREATE VIEW job_times AS SELECT job, requests FROM ask; DROP VIEW outcome;"
        )
    assert report.build(finished[0].parent) == before


def test_a_table_in_the_place_of_a_view_is_told_of_with_the_way_out(finished):
    with closing(sqlite3.connect(finished[0])) as db:
        db.executescript("DROP VIEW outcome; CREATE TABLE outcome (a);")
    with pytest.raises(LedgerError, match="its tables are not those of this version"):
        damage.refuse(finished[0].parent)
    recover(finished[0].parent)
    assert finished[1]()[1:] == (0, [])


def test_a_folder_without_a_ledger_is_not_damaged(tmp_path):
    damage.refuse(tmp_path)
    (tmp_path / "run.sqlite").touch()
    damage.refuse(tmp_path)


def test_what_damage_leads_to_is_told_as_damage_and_a_mistake_of_ours_is_not(finished):
    path, _ = finished
    with pytest.raises(ZeroDivisionError), closing(database.read(path)) as db, damage.judged(db, path):
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), Ledger(path.parent):
        raise ZeroDivisionError
    Ledger(path.parent).close()  # it has let go of the folder
    with closing(database.connect(path)) as db:
        db.execute("UPDATE run SET facts = 'x'")
        with pytest.raises(LedgerError, match=WAY_OUT), damage.judged(db, path):
            raise KeyError("makespan_s")


@pytest.mark.parametrize("code", failures.DISK)
def test_what_the_disk_cannot_is_no_damage(tmp_path, code):
    error = sqlite3.OperationalError("it says something")
    error.sqlite_errorcode, error.sqlite_errorname = code | 5 << 8, "SQLITE_NAME"
    told = failures.failure(error, tmp_path / "run.sqlite")
    assert isinstance(told, OSError)
    assert "damaged" not in str(told)
    assert str(tmp_path / "run.sqlite") in str(told)


def test_a_full_disk_is_called_one(tmp_path):
    with closing(Ledger(tmp_path)) as ledger:
        ledger.begin({})
        (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
        ledger._db.execute(f"PRAGMA max_page_count = {pages}")
        with (
            pytest.raises(OSError, match=r"run.sqlite: the disk is full \(SQLITE_FULL\)"),
            damage.judged(ledger._db, tmp_path / "run.sqlite"),
        ):
            ledger.note(long="x" * 10_000)


def test_the_states_of_a_run_are_those_of_the_schema():
    assert f"CHECK (status IN ({', '.join(repr(str(status)) for status in RunStatus)}))" in database.SCHEMA


@pytest.mark.parametrize("sql", ["UPDATE item SET id = 'other' WHERE seq = 3", "UPDATE ask SET request = 3 WHERE seq = 9",
                                 "UPDATE item SET text = CAST(x'ff' AS TEXT) WHERE seq = 3"])  # fmt: skip
def test_a_finished_runs_rows_count_where_they_are_read(finished, spoil, sql):
    damage.refuse(finished[0].parent, contents=True)
    spoil(sql)
    damage.refuse(finished[0].parent)
    with pytest.raises(LedgerError, match=WAY_OUT):
        damage.refuse(finished[0].parent, contents=True)
    assert recover(finished[0].parent).answers > 30
    damage.refuse(finished[0].parent, contents=True)
