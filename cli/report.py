"""`reviewbatch report`: draw the report of a run again."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli import options, screen


def report(
    out: Annotated[Path, typer.Argument(help="The output folder of a run, finished or not.")],
    as_json: options.AsJson = False,
) -> None:
    """Draw the report of a run again, finished or not."""
    from cli import tables
    from pipelines.output.report import build

    built = build(out)
    if as_json:
        screen.data(json.dumps(built))
    else:
        tables.show(built)
        tables.show_files(out)
