"""`reviewbatch tasks` and `reviewbatch models`: what there is to choose from."""

import json
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from cli.screen import lists

if TYPE_CHECKING:
    from pipelines.models.catalog import Alias
    from pipelines.models.outcome import Outcome
    from pipelines.tasks import Task


def tasks() -> None:
    """List the tasks, with the columns of their results and an example of each."""
    from pipelines.tasks import TASKS

    for name, task in TASKS.items():
        table = Table(title=f"{name}: {task.about}", title_justify="left")
        for column in ("column", "type", "meaning", "example"):
            table.add_column(column, overflow="fold")
        for row in described(task):
            table.add_row(*map(Text, row))
        lists.print(table)


def described(task: "Task") -> list[tuple[str, str, str, str]]:
    """Return name, type, meaning and an example of each column of a task's results, as people read them."""
    return [
        (
            column.name,
            str(column.type).replace("item: ", "").replace("element: ", ""),
            column.meaning,
            json.dumps(column.example, ensure_ascii=False),
        )
        for column in task.columns
    ]


def models() -> None:
    """List the models with a short name, whether they are on this machine, and how their digests are made."""
    from pipelines import cache
    from pipelines.models.catalog import ALIASES, installed
    from pipelines.models.outcome import Outcomes

    table = Table("model", "what it is", "on this machine", "digests")
    for name, alias in ALIASES.items():
        table.add_row(name, alias.about, installed(name, cache.folder("models")), _digests(alias))
    lists.print(table)
    if found := Outcomes(cache.folder("examinations")).all():
        examined = Table("examined here", "labels", "points", "facts told", "injections resisted", "digests")
        for outcome in found:
            marks = [outcome.scores.get(name) for name in ("labels", "points", "supported", "resisted")]
            shown = ["" if mark is None else f"{mark:.2f}" for mark in marks]
            examined.add_row(Text(outcome.model), *shown, _digests(outcome))
        lists.print(examined)
    lists.print(
        "Besides these, --model takes a folder or a Hugging Face id; `reviewbatch check --model X` examines one."
    )


def _digests(of: "Alias | Outcome") -> str:
    return "written" if of.writes else "quotes"
