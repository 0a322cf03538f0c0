"""Examples: a few of a run's answers, as a person reads them at its end."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pipelines.ledger import database
from pipelines.ledger.rows import Rows
from pipelines.output import tables
from pipelines.tasks import Task

MOST = 3  # of a task
LOOKED_AT = 50  # answers, of which some are about texts that say something
WORDS = 5  # of such a text, least


@dataclass(frozen=True, slots=True)
class Example:
    """What a task says of something: of a restaurant, or of a review or a query, which has a text."""

    said: str
    of: str
    text: str = ""


def examples(folder: Path, tasks: Iterable[Task]) -> dict[str, list[Example]]:
    """Return a few answers of each task that has results which can be said in a line."""
    found = {task.name: _of_task(folder, task, path) for task in tasks if (path := tables.of(folder, task.name))}
    return {name: some for name, some in found.items() if some}


def _of_task(folder: Path, task: Task, path: Path) -> list[Example]:
    table = tables.scan(path, tables.types_of(task.schema))
    if task.labels:  # of each label the surest
        table = table.sort("confidence", descending=True).group_by("label", maintain_order=True).head(LOOKED_AT)
        table = table.select(task.schema.names)
    rows = table.head(LOOKED_AT * max(len(task.labels), 1)).collect().rows(named=True)
    said = [(row, line) for row in rows if (line := task.line(row))]
    if task.unit == "restaurant":
        return [Example(line, row["restaurant_id"]) for row, line in said[:MOST]]
    id_ = task.columns[0].name
    with closing(database.read(folder / database.NAME)) as db:
        texts = Rows(db).texts([row[id_] for row, _ in said])
    some: dict[str, Example] = {}
    for row, line in said:
        text = texts.get(row[id_], "")
        if len(text.split()) >= WORDS or task.unit == "query":
            some.setdefault(row.get("label", row[id_]), Example(line, row.get("restaurant_id", ""), text))
    return list(some.values())[:MOST]
