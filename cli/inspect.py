"""`reviewbatch inspect`: what an unknown file or folder holds."""

import json
from typing import Annotated, Any

import typer

from cli import options, screen

Paths = Annotated[
    list[str], typer.Argument(metavar="PATH", help="File, folder, glob or address; one or more.", show_default=False)
]


@options.settings(only=("columns", "each", "restaurant", "restaurant_from", "rating_scale", "lang", "limit", "output"))
def inspect(paths: Paths, *, as_json: options.AsJson = False, quiet: options.Quiet = False, **given: Any) -> None:
    """Show what files hold, which column looks like what, and the command that would run them."""
    from cli import inspection_tables, loading, preparation
    from cli.progress import watching
    from pipelines.corpus.sources import find
    from pipelines.inspection import inspect

    chosen = loading.load(**given)
    found = find(paths, output=chosen.folder)
    with watching(quiet=quiet) as emit:
        seen = inspect(paths, found, preparation.reading(chosen), chosen.limit, emit=emit)
    if as_json:
        screen.data(json.dumps(seen, ensure_ascii=False, default=str))
    if not quiet:
        inspection_tables.show(seen, to=screen.people if as_json else screen.lists)
