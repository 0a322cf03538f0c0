"""What the tests of runs share: a run in this process, what it leaves, and what to ask about."""

import sqlite3
from contextlib import closing

import polars as pl
import pytest

from pipelines import run
from pipelines.config import Config
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.tasks import built_in

WORDS = ["soup", "bread", "staff", "garden", "queue", "price", "noodles", "music", "terrace", "coffee"]


@pytest.fixture
def go(tmp_path, tiny):
    """Run tasks, sentiment unless others are named, over a file in this process; return the report and the events."""

    def go(path, start, *names, **settings):
        known = built_in(single_stage=settings.pop("single_stage", False))
        tasks = [known[name] for name in names or ("sentiment",)]
        config = Config(
            **{"tasks": tasks, "sources": [str(path)], "columns": {}, "limit": None, "model": tiny, "arguments": {},
               **settings}
        )  # fmt: skip
        events = []
        measurements = Measurements(tmp_path / "measurements" / "tiny.jsonl")
        ledger = Ledger(tmp_path / "out")
        try:
            report = run.run(
                ledger, config, lambda **_: start(), measurements, facts={"device": "cpu"}, emit=events.append
            )
        finally:
            ledger.close()
        return report, events

    return go


@pytest.fixture
def results(tmp_path):
    """Read a table that a run has left."""

    def results(name="sentiment"):
        return pl.read_parquet(tmp_path / "out" / "results" / f"{name}.parquet")

    return results


@pytest.fixture
def query(tmp_path):
    """Ask the ledger that a run has left."""

    def query(sql, *values):
        with closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as db:
            return db.execute(sql, values).fetchall()

    return query


@pytest.fixture
def corpus():
    """Make reviews of restaurants of some sizes, no two alike, in turns."""

    def corpus(sizes: dict[str, int], words: int = 12) -> list[dict]:
        rows = [
            {
                "review_id": f"{name}-{n}",
                "restaurant_id": name,
                "text": f"The {WORDS[n % 10]} at {name} was good, visit {n}. "
                + f"And {WORDS[(n + 3) % 10]} too. " * words,
                "rating": 1 + n % 5,
            }
            for name, size in sizes.items()
            for n in range(size)
        ]
        return sorted(rows, key=lambda row: int(row["review_id"].rpartition("-")[2]))

    return corpus


@pytest.fixture
def stopping(fake_engine):
    """Make an engine that is interrupted once it has been handed more than so many requests."""

    def stopping(after):
        class Stops(fake_engine):
            def submit(self, requests):
                super().submit(requests)
                if len(self.submitted) > after:
                    raise KeyboardInterrupt

        return Stops

    return stopping
