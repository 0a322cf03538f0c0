"""What a row costs does not grow with their number: counted in steps of SQLite's machine, which no clock disturbs."""

import pytest

from pipelines.ledger import ledger

STEPS = 100  # after so many the counter is told


@pytest.fixture
def steps_for(go, corpus, write_jsonl, reading, monkeypatch):
    """Return how many steps the ledger takes for each row of a run of some tasks."""

    def steps_for(sizes, *tasks):
        counted = [0]

        def count():
            counted[0] += STEPS

        def connect(path):
            db = connected(path)
            db.set_progress_handler(count, STEPS)
            return db

        monkeypatch.setattr(ledger, "connect", connect)
        name = f"{len(sizes)}-{sum(sizes.values())}"
        rows = corpus(sizes, words=1)
        report, _ = go(write_jsonl(rows, f"{name}.jsonl"), reading, *tasks, output=name)
        assert report["rows"]["answered"] == len(rows)
        return counted[0] / len(rows)

    connected = ledger.connect
    return steps_for


@pytest.mark.parametrize("task", ["sentiment", "summary"])
def test_a_restaurant_of_four_times_as_many_reviews_takes_as_long_for_each(steps_for, task):
    assert steps_for({"x": 1200}, task) < 1.05 * steps_for({"x": 300}, task)


def test_four_times_as_many_restaurants_take_as_long_for_each(steps_for):
    many, few = ({f"x{n}": 1 for n in range(number)} for number in (600, 150))
    assert steps_for(many, "summary") < 1.05 * steps_for(few, "summary")
