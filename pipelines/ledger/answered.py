"""The answered: which rows of a ledger have an answer under a task."""

import sqlite3
from collections.abc import Iterator


def answered(db: sqlite3.Connection, task: str) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of each row that is answered under a task, in no order.

    Where a task's rows are answered together it is what they are of, with no text, and may come more than once.
    """
    return db.execute(
        "SELECT CASE WHEN job.whole THEN item.unit ELSE item.id END, CASE WHEN job.whole THEN '' ELSE text END "
        "FROM outcome JOIN item USING (seq) JOIN job ON job.id = outcome.job "
        "WHERE outcome.task = ? AND outcome.state = 'answered'",
        (task,),
    )
