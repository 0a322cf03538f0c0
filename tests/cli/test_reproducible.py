"""`--reproducible`: the same rows get the same answers to the last digit, whatever stands beside them and comes before."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

ANCHORS = 48
SMALL = ["--model", "tiny", "--engine", "kv_cache_memory_bytes=268435456"]
ALONE = ["--reproducible", "--calibration", "raw", "--quiet", *SMALL]


def answers(folder):
    """Return what has been answered or rejected, by what was asked, to the last digit."""
    with closing(sqlite3.connect(Path(folder) / "run.sqlite")) as db:
        return dict(db.execute("SELECT hex(key), answer FROM request WHERE state <> 'waiting'"))


@pytest.fixture
def rows():
    made = random.Random(6)
    things = ("soup", "bread", "staff", "garden", "queue", "noodles in broth with an egg")
    return [
        {
            "review_id": f"r{n}",
            "restaurant_id": f"x{n % 5}",
            "text": f"The {made.choice(things)} was fine. " * made.randint(1, 9) + f"Day {n}.",
        }
        for n in range(60)
    ]


def test_another_order_other_rows_and_a_kill_change_no_bit(program, run, write_jsonl, rows, answered, wait_for):
    path = write_jsonl(rows)
    assert run("run", "sentiment", "-i", path, "-o", "first", *ALONE)[0] == 0
    first = answers("first")
    shuffled = write_jsonl(random.Random(7).sample(rows, len(rows)), "shuffled.jsonl")
    assert (
        run("run", "sentiment", "-i", shuffled, "-o", "second", *ALONE, "--limit", "30", "--policy", "longest")[0] == 0
    )
    second = answers("second")
    assert len(second) == 30
    assert second == {key: first[key] for key in second}
    process = program("run", "sentiment", "-i", path, "-o", "out", *ALONE, "--policy", "fifo")
    wait_for(lambda: answered() > 20, process)
    process.kill()
    process.communicate()
    assert 20 < answered() < len(first)
    assert run("run", "sentiment", "-i", path, "-o", "out", *ALONE)[0] == 0
    assert answers("out") == first


def test_texts_are_the_same_too(run, write_jsonl, rows):
    queries = [{"query_id": row["review_id"], "query": row["text"]} for row in rows[:4]]
    for name, asked in (("first", queries), ("second", queries[:2:-1] + queries[:1])):
        assert run("run", "query-expansion", "-i", write_jsonl(asked, f"{name}.jsonl"), "-o", name, *ALONE)[0] == 0
    first, second = answers("first"), answers("second")
    assert (len(first), len(second)) == (4, 2)
    assert second == {key: first[key] for key in second}


def test_answers_of_other_runs_are_not_kept_for_it(run, write_jsonl, rows):
    path = write_jsonl(rows[:6])
    counted = []
    for more in ([], ["--reproducible"], ["--reproducible"]):
        status, out, err = run("run", "sentiment", "-i", path, "-o", "out", "--json", *SMALL, *more)
        assert status == 0, err
        counted.append(json.loads(out)["tasks"]["sentiment"]["requests"])
    assert counted == [6 + ANCHORS, 6 + ANCHORS, 0]


def test_what_it_decides_nobody_else_does(run, write_jsonl, rows):
    path = write_jsonl(rows[:2])
    status, _, err = run("run", "sentiment", "-i", path, "-o", "out", *ALONE, "--engine", "max_num_seqs=8")
    assert (status, err) == (1, "error: --reproducible decides --engine max_num_seqs: leave one of the two out\n")
