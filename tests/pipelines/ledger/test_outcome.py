"""What has become of rows, as the ledger's view has it, held against what it is to mean."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from pipelines.ledger import counts
from pipelines.ledger.database import SCHEMA, views

ROWS, TASKS = 5, {"each": False, "whole": True}
STATES = st.sampled_from(["answered", "answered", "waiting", "rejected"])
# Of each request its state and stage.
REQUESTS = st.lists(st.tuples(STATES, st.integers(0, 1)), min_size=1, max_size=8)


@given(REQUESTS, st.data())
def test_a_row_is_answered_rejected_or_waits(requests, data):
    """Rows 0 to 2 are of one restaurant, the others of another; a restaurant may not have been asked about yet."""
    units = ["a", "a", "a", "b", "b"]
    asked = {("each", "a"), ("each", "b")} | data.draw(st.sets(st.sampled_from([("whole", "a"), ("whole", "b")])))
    some = st.integers(0, len(requests) - 1)
    asks = {(task, seq): data.draw(some) for task in TASKS for seq in range(ROWS) if (task, units[seq]) in asked}
    later = {unit: data.draw(some) for task, unit in asked if task == "whole"}
    db = made(units, requests, asks, later)

    def state(task: str, seq: int) -> str:
        if (task, seq) not in asks:
            return "waiting"
        own, _ = requests[asks[task, seq]]
        if own != "answered" or not TASKS[task]:
            return own
        of_all = [requests[n] for (of, n_), n in asks.items() if of == task and units[n_] == units[seq]]
        of_all.append(requests[later[units[seq]]])
        if any(one == "waiting" for one, _ in of_all):
            return "waiting"
        return "rejected" if ("rejected", 1) in of_all else "answered"

    expected = {(task, seq): state(task, seq) for task in TASKS for seq in range(ROWS)}
    found = db.execute("SELECT task, seq, state FROM outcome").fetchall()
    assert len(found) == len(expected)
    assert {(task, seq): state for task, seq, state in found} == expected
    for task in TASKS:
        states = [expected[task, seq] for seq in range(ROWS)]
        assert counts.of_task(db, task) == {one: states.count(one) for one in ("answered", "rejected", "waiting")}
    of_rows = [{expected[task, seq] for task in TASKS} for seq in range(ROWS)]
    total = counts.count(db)
    assert (total.rows, total.answered) == (ROWS, of_rows.count({"answered"}))
    assert total.rejected == sum("rejected" in states for states in of_rows)
    assert total.answers == [*expected.values()].count("waiting")


def made(units, requests, asks, later) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA + views())
    jobs = {(task, unit): n for n, (unit, task) in enumerate((unit, task) for unit in "ab" for task in TASKS)}
    db.executemany(
        "INSERT INTO item (seq, id, unit, source, row, lang, text) VALUES (?, ?, ?, 'f', 1, 'en', '')",
        ((seq, str(seq), unit) for seq, unit in enumerate(units)),
    )
    db.executemany(
        "INSERT INTO job (id, task, unit, whole) VALUES (?, ?, ?, ?)",
        ((n, task, unit, TASKS[task]) for (task, unit), n in jobs.items()),
    )
    db.executemany(
        "INSERT INTO request (id, key, task, form, state, stage, prompt_tokens) VALUES (?, ?, 'each', 'ask', ?, ?, 1)",
        ((n, n.to_bytes(8), *request) for n, request in enumerate(requests)),
    )
    db.executemany(
        "INSERT INTO ask VALUES (?, ?, ?, ?)",
        [
            *((task, seq, jobs[task, units[seq]], request) for (task, seq), request in asks.items()),
            *(("whole", -1 - jobs["whole", unit], jobs["whole", unit], request) for unit, request in later.items()),
        ],
    )
    return db
