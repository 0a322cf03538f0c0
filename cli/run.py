"""`reviewbatch run`: do the work."""

import json
from typing import TYPE_CHECKING, Any

import typer

from cli import interruption, options, screen
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from cli.settings import Settings

TOO_MANY_REJECTS = 3


def run(
    task: options.Task,
    inputs: options.Inputs = None,
    output: options.Output = None,
    model: options.Model = None,
    policy: options.Policy = None,
    limit: options.Limit = None,
    columns: options.Columns = None,
    max_rejects: options.MaxRejects = None,
    result_format: options.Format = None,
    calibration: options.Calibration = None,
    engine: options.EngineArguments = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Do the work, or what is left of it: the same command on the same folder continues."""
    from cli import settings

    chosen = settings.load({
        "input": inputs,
        "output": output,
        "model": model,
        "policy": policy,
        "limit": limit,
        "columns": settings.pairs(columns or [], "--column"),
        "max_rejects": max_rejects,
        "format": result_format,
        "calibration": calibration,
        "engine": settings.pairs(engine or [], "--engine", decode=True),
    })  # fmt: skip
    if not chosen.input:
        raise UsageError(
            "no input: give one with -i reviews.parquet (or a folder, a glob, - for JSON lines on stdin), "
            f'or write input = ["reviews.parquet"] in {settings.FILE}'
        )
    report = _run(task, chosen, quiet=quiet)
    if as_json:
        screen.data(json.dumps(report))
    if not quiet:
        from cli import tables

        tables.show(report)
        tables.show_files(chosen.output)
    rejected = report["rows"]["rejected"]
    if chosen.max_rejects is not None and rejected > chosen.max_rejects:
        where = chosen.output / "rejects.jsonl"
        screen.say(f"{rejected:,} rows were rejected, more than --max-rejects {chosen.max_rejects:,}: see {where}")
        raise typer.Exit(TOO_MANY_REJECTS)


def _run(task: str, chosen: "Settings", *, quiet: bool) -> dict[str, Any]:
    from contextlib import closing

    from cli.progress import watching
    from pipelines import corpus, sources
    from pipelines.store import Ledger

    # What a person got wrong is said before the seconds that vLLM's import takes.
    named = _task(task)
    found = sources.find(chosen.input, output=chosen.output)
    corpus.check(found, chosen.columns)
    with closing(Ledger(chosen.output)) as ledger:
        screen.divert(chosen.output / "engine.log")
        with watching(quiet=quiet) as draw:
            from pipelines import models, run, vllm_engine
            from pipelines.events import EngineStarted, Event, Unpacking, Warned

            def emit(event: Event) -> None:
                if isinstance(event, EngineStarted):
                    interruption.defer()
                interruption.check()
                draw(event)

            device = vllm_engine.device()
            vllm_engine.listen(lambda text: emit(Warned(text)))
            name = chosen.model or models.default(device.kind)
            model = models.find(name, models.cache_folder(), lambda: emit(Unpacking(name)))
            order = run.Order(
                task=named,
                sources=found,
                columns=chosen.columns,
                limit=chosen.limit,
                model=model,
                arguments=chosen.engine,
                policy=chosen.policy,
                format=chosen.format,
                calibration=chosen.calibration,
            )
            facts = {"device": device.name, "vllm": device.vllm}
            return run.run(ledger, order, lambda: vllm_engine.VllmEngine(model, chosen.engine), facts, emit)


def _task(name: str) -> Any:
    from pipelines.tasks import TASKS

    if name not in TASKS:
        raise UsageError(f"no task {name!r}: it is one of {', '.join(TASKS)}")
    return TASKS[name]
