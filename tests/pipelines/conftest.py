"""What the tests of runs share: a run in this process, what it leaves, and what to ask about."""

import json
import sqlite3
from contextlib import closing

import polars as pl
import pytest

from pipelines import run
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.tasks import built_in
from pipelines.tasks.aggregation import aggregation
from pipelines.tasks.answer_schema import AnswerSchema, Field
from pipelines.tasks.points import MOST
from pipelines.tasks.writing import key

WORDS = ["soup", "bread", "staff", "garden", "queue", "price", "noodles", "music", "terrace", "coffee"]
# Two tasks that read a restaurant's reviews in chunks, as a person may write them.
CHUNKED = {
    name: aggregation(
        name,
        name,
        AnswerSchema((Field(name, {"type": "string", "maxLength": 30}),)),
        question,
        max_tokens=80,
        examples=[],
    )
    for name, question in {"mood": "How it feels there:", "dish": "The dish that is named most often:"}.items()
}


@pytest.fixture
def go(tmp_path, tiny):
    """Run tasks, sentiment unless others are named, over a file in this process; return the report and the events."""

    def go(path, start, *names, **settings):
        output = tmp_path / settings.pop("output", "out")
        known = built_in(single_stage=settings.pop("single_stage", False), style=settings.pop("style", "written"))
        tasks, mirror = [(known | CHUNKED)[name] for name in names or ("sentiment",)], settings.pop("mirror", None)
        told = settings.pop("told", None)
        config = Config(
            **{"tasks": tasks, "sources": [Source(str(path))], "limit": None, "model": tiny, "arguments": {},
               **settings}
        )  # fmt: skip
        events = []
        measurements = Measurements(tmp_path / "measurements" / "tiny.jsonl")
        ledger = Ledger(output)
        try:
            report = run.run(
                ledger, config, [lambda **_: start()], measurements, facts={"device": "cpu", "vllm": "0.32.0"}, emit=events.append,
                mirror=mirror, told=told,
            )  # fmt: skip
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
def reading(fake_engine, tokenizer):
    """Make an engine that reads: each review's first words are praised, and every line of facts becomes a sentence."""

    class Reads(fake_engine):
        def says(self, request):
            schema = json.loads(request.sampling.schema or "{}")
            prompt = tokenizer._backend.decode(request.prompt)
            if schema.get("type") == "object":
                facts = prompt.rpartition("Facts:\n")[2]
                return json.dumps({key(line): line[2:] for line in facts.splitlines() if line.startswith("- ")})
            if schema.get("maxItems") == MOST:
                words = prompt.rpartition("Review: ")[2].partition("\n")[0].split(" And ")[0]
                return json.dumps([[words.rstrip("."), "food", "bad" if "bad" in words else "good"]])
            return super().says(request)

    return Reads


@pytest.fixture
def stopping(fake_engine):
    """Make an engine that is interrupted once it has been handed more than so many requests."""

    def stopping(after, engine=fake_engine):
        class Stops(engine):
            def submit(self, requests):
                super().submit(requests)
                if len(self.submitted) > after:
                    raise KeyboardInterrupt

        return Stops

    return stopping
