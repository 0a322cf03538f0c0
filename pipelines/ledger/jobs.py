"""The jobs: what somebody waits for, a restaurant or a query under a task."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping

from pipelines.ledger.database import transaction
from pipelines.ledger.records import NewJob, RestaurantJob, StoredJob
from scheduling.speed import Work

NO_CACHE = 1 << 40  # the block size of no prefix cache: nothing is shared


class Jobs:
    """The jobs in a ledger's file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, jobs: Iterable[NewJob]) -> None:
        """Add jobs."""
        with transaction(self._db):
            self._db.executemany(
                "INSERT INTO job (id, task, unit, whole) VALUES (?, ?, ?, ?)",
                ((job.id, job.task, job.unit, job.whole) for job in jobs),
            )

    def due(self, deadlines: Iterable[tuple[int, float]]) -> None:
        """Hold jobs to deadlines, in seconds since the epoch; the earliest of several counts."""
        with transaction(self._db):
            self._db.executemany("UPDATE job SET deadline = min(coalesce(deadline, ?2), ?2) WHERE id = ?1", deadlines)

    def price(self, costs: Mapping[int, tuple[int, float | None]]) -> None:
        """Write down what jobs were found to cost, by id: prompt tokens, and predicted seconds if known."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE job SET cost = ?, predicted_s = ? WHERE id = ?",
                ((cost, seconds, id_) for id_, (cost, seconds) in costs.items()),
            )

    def about_restaurants(self) -> list[RestaurantJob]:
        """Return every job about its unit as a whole, in input order."""
        stored = self._db.execute("SELECT id, task, unit FROM job WHERE whole ORDER BY id")
        return [RestaurantJob(id_, task, unit) for id_, task, unit in stored]

    def unasked(self) -> list[RestaurantJob]:
        """Return those of them that ask nothing yet."""
        stored = self._db.execute(
            "SELECT id, task, unit FROM job WHERE whole AND NOT EXISTS (SELECT 1 FROM ask WHERE ask.job = job.id) "
            "ORDER BY id"
        )
        return [RestaurantJob(id_, task, unit) for id_, task, unit in stored]

    def waiting(self, block_size: int) -> Iterator[StoredJob]:
        """Yield the jobs that have requests waiting, in input order.

        A request that two jobs ask counts in both. The prefix cache has blocks of `block_size` tokens, 0 for none.
        """
        for row in self._db.execute(_WAITING.format(only=""), {"block_size": block_size or NO_CACHE}):
            yield StoredJob(**row)

    def get(self, id_: int, block_size: int) -> StoredJob:
        """Return one of them by its id. Raises LookupError when nothing of it waits."""
        # So that SQLite can use an index.
        sql = _WAITING.format(only="WHERE job = :id")
        if row := self._db.execute(sql, {"block_size": block_size or NO_CACHE, "id": id_}).fetchone():
            return StoredJob(**row)
        raise LookupError(id_)

    def unit(self, id_: int) -> str:
        """Return what a job is about."""
        unit: str = self._db.execute("SELECT unit FROM job WHERE id = ?", (id_,)).fetchone()[0]
        return unit

    def work(self, block_size: int) -> dict[str, Work]:
        """Return the work that waits under each task, each request counted once."""
        rows = self._db.execute(
            "SELECT task, sum(prompt_tokens - head / :block_size * :block_size) AS prefilled, count(*) AS requests, "
            "sum(length) AS decoded FROM request WHERE state = 'waiting' GROUP BY task",
            {"block_size": block_size or NO_CACHE},
        )
        return {row["task"]: Work(row["prefilled"], row["requests"], row["decoded"]) for row in rows}


_WAITING = """
SELECT job.id, job.task, job.unit, max(stage) AS stage, job.deadline, count(*) AS requests,
    sum(prompt_tokens - head / :block_size * :block_size) AS cost,
    sum(prompt_tokens - prefix / :block_size * :block_size) AS cost_after_sibling,
    sum(length) AS expected_output_tokens
FROM (SELECT DISTINCT job, request FROM ask {only}) AS asked
JOIN job ON job.id = asked.job JOIN request ON request.id = asked.request
WHERE state = 'waiting' GROUP BY job.id ORDER BY job.id
"""
