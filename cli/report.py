"""`reviewbatch report`: draw the report of a run again, or two side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli import options, screen


def report(
    out: Annotated[Path, typer.Argument(help="The output folder of a run, finished or not.")],
    other: Annotated[
        Path | None, typer.Argument(metavar="[OUT]", help="Another one: say what it changes.", show_default=False)
    ] = None,
    *,
    as_json: options.AsJson = False,
) -> None:
    """Draw the report of a run again, and its page, finished or not, or say what another run changes."""
    if other:
        from cli import changes_tables
        from pipelines.output import changes

        changed = changes.between(out, other)
        if as_json:
            screen.data(json.dumps(changed, ensure_ascii=False))
        else:
            changes_tables.show(changed)
        return
    from cli import tables
    from pipelines.output.report import build, write

    if as_json:
        screen.data(json.dumps(build(out)))
        return
    try:
        built = write(out)  # a run that was killed has left none
    except OSError as error:
        screen.say(f"note: the page was not drawn again: {error}")
        built = build(out)
    tables.show(built)
    tables.show_files(out)
