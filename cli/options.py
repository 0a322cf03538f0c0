"""The options that commands share."""

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Annotated, Any, get_type_hints

import typer

from cli.settings import Option, Settings

Tasks = Annotated[
    list[str] | None,
    typer.Argument(metavar="TASK", help="What to ask, one or more: see `reviewbatch tasks`.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON line on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")]


def settings(
    *, without: Collection[str] = (), only: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of all settings, `without` a few, or of a few `only`.

    It takes what was chosen as keyword arguments.
    """

    def give(command: Callable[..., None]) -> Callable[..., None]:
        taken = inspect.signature(command).parameters.values()
        own = [parameter for parameter in taken if parameter.kind is not parameter.VAR_KEYWORD]
        shared = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[option.kind, option.typer]
            )
            for name, declared in get_type_hints(Settings, include_extras=True).items()
            for option in declared.__metadata__
            if isinstance(option, Option) and name not in without and (name in only or not only)
        ]

        @functools.wraps(command)
        def called(**given: Any) -> None:
            command(**given)

        # Typer reads this: arguments, then shared options, then the command's own.
        parameters = sorted([*shared, *own], key=lambda parameter: parameter.kind)
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return called

    return give
