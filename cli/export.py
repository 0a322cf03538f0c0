"""`reviewbatch export`: what a run has asked or answered, in the forms that others take it in."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import doctor, options, screen
from pipelines.errors import UsageError

if TYPE_CHECKING:
    import sqlite3

    from cli.settings import Settings
    from pipelines.ledger.history import Run
    from pipelines.tasks import Task


class Form(StrEnum):
    """A form that others take a run in."""

    OPENAI = "openai"
    DATASET = "dataset"


As = Annotated[
    Form,
    typer.Option(
        "--as", help="openai: what was asked, as OpenAI's batch files. dataset: the results, as Hugging Face has them."
    ),
]
To = Annotated[Path, typer.Option("-t", "--to", help="A new folder for it.", show_default=False)]
HostedModel = Annotated[str | None, typer.Option("--model", help="openai: the hosted model to ask (gpt-4o-mini).")]
Push = Annotated[
    str | None,
    typer.Option(help="dataset: also upload it to this repository, a private one if it is new.", metavar="ID"),
]


@options.settings(only=("task_file", "aspects", "single_stage", "max_expansions"))
def export(
    out: Annotated[Path, typer.Argument(help="The output folder of a run, finished or not.")],
    *,
    form: As,
    to: To,
    model: HostedModel = None,
    push: Push = None,
    **given: Any,
) -> None:
    """Write what a run has asked as requests to a hosted model, or its results as a dataset."""
    from cli import loading
    from pipelines.export.folder import making
    from pipelines.ledger import damage, history

    if form is Form.DATASET and model:
        raise UsageError("--model is the one that --as openai asks")
    if form is Form.OPENAI and push:
        raise UsageError("--push goes with --as dataset")
    chosen = loading.load(**given)
    damage.refuse(out, contents=True)
    with history.opened(out) as (db, run), making(to) as folder:
        if form is Form.OPENAI:
            _requests(db, run, chosen, folder=folder, model=model)
        else:
            _dataset(db, run, chosen, folder=folder, out=out)
    screen.say(str(to))
    if push:
        from pipelines.export import hub

        screen.data(hub.push(to, push))


def _requests(db: "sqlite3.Connection", run: "Run", chosen: "Settings", *, folder: Path, model: str | None) -> None:
    """Write what was asked, and say how much of which task and stage that is."""
    from pipelines.errors import LedgerError
    from pipelines.export import openai_batch
    from pipelines.export.asked import Questions
    from pipelines.ledger import counts, history
    from pipelines.ledger.records import RequestState
    from pipelines.output.page.said import many

    questions, names = Questions(db, run), history.tasks(db)
    known = _known(names, chosen)
    asked = (one for name in names for one in questions.of(known[name]))
    written = openai_batch.write(folder, asked, model or openai_batch.MODEL)
    if not written.requests:
        raise LedgerError("the last run has asked nothing: there is nothing to write")
    for (name, stage), requests in written.requests.items():
        rows, anchors = written.rows[name, stage], written.anchors[name, stage]
        among = f", {anchors:,} of them anchors" if anchors else ""
        screen.say(f"{name}, stage {stage}: {many(requests, 'request')} for {many(rows, 'row')}{among}")
    for name in names:
        waiting = counts.of_task(db, name)[RequestState.WAITING]
        if known[name].whole and waiting:
            more = "what a next stage asks is known once the one before is answered"
            screen.say(f"{name}: {many(waiting, 'row')} still waiting, and {more}")


def _dataset(db: "sqlite3.Connection", run: "Run", chosen: "Settings", *, folder: Path, out: Path) -> None:
    """Write the results, and say how many rows each table has."""
    from pipelines.export import dataset
    from pipelines.output.page.said import many

    found = dataset.tables(out)
    known = _known((table.task for table in found), chosen)
    version = doctor.version("reviewbatch") or "of an unknown version"
    rows = dataset.write(folder, found, known, db=db, run=run, version=version)
    for name, number in rows.items():
        screen.say(f"{name}: {many(number, 'row') if number else 'no row, left out'}")


def _known(names: Iterable[str], chosen: "Settings") -> "dict[str, Task]":
    """Return the tasks as they are chosen, by name. Raises UsageError when one of these names is not among them."""
    from pipelines.tasks import MAX_EXPANSIONS, built_in, custom

    ours = built_in(
        max_expansions=chosen.max_expansions or MAX_EXPANSIONS,
        single_stage=chosen.single_stage,
        aspects=chosen.aspects,
    )
    known = {task.name: task for task in (*map(custom.load, map(Path, chosen.task_file)), *ours.values())}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"{unknown[0]!r} is a task of your own: give its file again with --task-file")
    return known
