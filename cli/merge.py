"""`reviewbatch merge`: make one folder of results of those of all shards."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli import options, screen
from pipelines.errors import UsageError

Shards = Annotated[
    list[str], typer.Argument(metavar="OUT...", help="The folder that all shards lie in, or the folder of each.")
]
To = Annotated[
    str | None,
    typer.Option("-o", "--output", help="Folder for what is written, if not the one that the shards lie in."),
]


def merge(outs: Shards, *, output: To = None, as_json: options.AsJson = False, quiet: options.Quiet = False) -> None:
    """Make of what all shards have written what one run would have: the same tables, and one report."""
    from cli import chosen_tasks, ending
    from pipelines import merger, remote
    from pipelines.events import Event, Warned
    from pipelines.output.page.said import many

    if far := [name for name in (*outs, output or "") if remote.is_remote(name)]:
        raise UsageError(f"{far[0]} is far away: shards are merged where their ledgers are, on disks of this machine")

    def tell(event: Event) -> None:
        if isinstance(event, Warned):
            screen.say(event.text)

    folders = merger.folders(map(Path, outs))
    where = Path(output) if output else _common(folders)
    with merger.opened(folders) as shards:
        if not quiet:
            screen.say(f"merging {many(len(shards), 'shard')} into {where}")
        tasks = chosen_tasks.remade(shards[0].run.facts)
        report = merger.merge(shards, where, tasks, tell)
    if as_json:
        screen.data(json.dumps(report))
    if not quiet:
        ending.show(report, tasks, where)


def _common(folders: list[Path]) -> Path:
    """Return the folder that all of these are in. Raises UsageError when there is none."""
    parents = {folder.parent for folder in folders}
    if len(parents) > 1:
        raise UsageError("the shards do not lie in one folder: say with -o where to write")
    return parents.pop()
