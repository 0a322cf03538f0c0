"""`reviewbatch tasks` and `reviewbatch models`: what there is to choose from."""

from rich.table import Table

from cli.screen import lists


def tasks() -> None:
    """List the tasks, with the columns of their results."""
    from pipelines.tasks import TASKS

    for name, task in TASKS.items():
        table = Table("column", "type", title=f"{name}: {task.about}", title_justify="left")
        for field in task.schema:
            table.add_row(field.name, str(field.type))
        lists.print(table)


def models() -> None:
    """List the models with a short name, and whether they are on this machine."""
    from pipelines import cache
    from pipelines.models import ALIASES, installed

    table = Table("model", "what it is", "on this machine")
    for name, alias in ALIASES.items():
        table.add_row(name, alias.about, installed(name, cache.folder("models")))
    lists.print(table)
    lists.print("Besides these, --model takes a folder or a Hugging Face id.")
