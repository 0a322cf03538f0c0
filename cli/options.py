"""The options that commands share."""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

Tasks = Annotated[
    list[str] | None,
    typer.Argument(metavar="TASK", help="What to ask, one or more: see `reviewbatch tasks`.", show_default=False),
]
TaskFiles = Annotated[
    list[str] | None, typer.Option("--task-file", metavar="TOML", help="A task of your own. Repeatable.")
]
SingleStage = Annotated[
    bool | None, typer.Option("--single-stage", help="Ask for strengths in one prompt, not in two.")
]
MaxExpansions = Annotated[int | None, typer.Option(help="How many expansions of a query at most, 1 to 10 (5).")]
Lang = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="The language of all rows, instead of a `lang` column or their script."),
]
Again = Annotated[
    bool | None,
    typer.Option("--again", help="Ask afresh what an earlier run has answered, for instance with another vLLM."),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("-i", "--input", help="File, folder or glob of Parquet or JSON lines; - is stdin. Repeatable."),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Folder for results and ledger; the same folder again continues."),
]
Model = Annotated[str | None, typer.Option(help="Alias (see `reviewbatch models`), folder, or Hugging Face id.")]
Policy = Annotated[
    str | None,
    typer.Option(help="Who goes first: prefill (the cheapest job), fifo, task, hybrid, cost, longest, or auto."),
]
Objective = Annotated[
    str | None, typer.Option(help="What --policy auto picks a policy for: completion, makespan or sla.")
]
Ageing = Annotated[
    float | None, typer.Option(metavar="COST", help="How much cost a second of waiting makes up for, in prompt tokens.")
]
MaxWait = Annotated[
    str | None, typer.Option(metavar="DURATION", help="A job that has waited so long goes next, whatever its cost.")
]
Sla = Annotated[
    str | None, typer.Option(metavar="DURATION", help="How long a job may take, for goodput and SLA attainment.")
]
Deadline = Annotated[
    str | None,
    typer.Option(
        metavar="TIME|DURATION", help="Stop in time for 06:00, or for 45m from now, with status 4 if work is left."
    ),
]
StallTimeout = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="An engine that has had nothing to tell for so long is started again (10m)."),
]
Feed = Annotated[str | None, typer.Option(help="continuous, or generate: one LLM.generate a batch, the plain way.")]
Limit = Annotated[int | None, typer.Option(help="Read only the first N rows.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="NAME=THEIRS", help="A column the input calls something else. Repeatable."),
]
MaxRejects = Annotated[int | None, typer.Option(help="Exit with status 3 when more rows are rejected.")]
Format = Annotated[str | None, typer.Option("--format", help="Results as parquet or jsonl.")]
Calibration = Annotated[
    str | None,
    typer.Option(help="How label probabilities are made: anchors, corpus or raw (see the README)."),
]
EngineArguments = Annotated[
    list[str] | None,
    typer.Option("--engine", metavar="KEY=VALUE", help="Any vLLM engine argument. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON line on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")]

# The option of each setting, in the order in which --help has them.
SETTINGS: Mapping[str, Any] = MappingProxyType({
    "input": Inputs, "output": Output, "again": Again, "model": Model, "policy": Policy, "objective": Objective,
    "ageing": Ageing, "max_wait": MaxWait, "sla": Sla, "deadline": Deadline, "stall_timeout": StallTimeout,
    "feed": Feed, "limit": Limit, "columns": Columns,
    "task_file": TaskFiles, "single_stage": SingleStage, "max_expansions": MaxExpansions, "lang": Lang,
    "max_rejects": MaxRejects, "format": Format, "calibration": Calibration, "engine": EngineArguments,
})  # fmt: skip


def settings(*, without: Collection[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of all settings, `without` a few; it takes what was chosen as keyword arguments."""

    def give(command: Callable[..., None]) -> Callable[..., None]:
        taken = inspect.signature(command).parameters.values()
        own = [parameter for parameter in taken if parameter.kind is not parameter.VAR_KEYWORD]
        shared = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
            for name, option in SETTINGS.items()
            if name not in without
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
