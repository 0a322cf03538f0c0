"""`reviewbatch run`: do the work."""

import json
from typing import TYPE_CHECKING, Any

import typer

from cli import interruption, options, preparation, screen

if TYPE_CHECKING:
    from cli.settings import Settings

TOO_MANY_REJECTS, OUT_OF_TIME = 3, 4


def run(
    names: options.Tasks = None,
    inputs: options.Inputs = None,
    output: options.Output = None,
    model: options.Model = None,
    policy: options.Policy = None,
    objective: options.Objective = None,
    ageing: options.Ageing = None,
    max_wait: options.MaxWait = None,
    sla: options.Sla = None,
    deadline: options.Deadline = None,
    feed: options.Feed = None,
    limit: options.Limit = None,
    columns: options.Columns = None,
    task_files: options.TaskFiles = None,
    single_stage: options.SingleStage = None,
    max_expansions: options.MaxExpansions = None,
    lang: options.Lang = None,
    max_rejects: options.MaxRejects = None,
    result_format: options.Format = None,
    calibration: options.Calibration = None,
    engine: options.EngineArguments = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Do the work, or what is left of it: the same command on the same folder continues."""
    from cli import settings

    chosen = settings.load(
        input=inputs, output=output, model=model, policy=policy, objective=objective, ageing=ageing,
        max_wait=max_wait, sla=sla, deadline=deadline, feed=feed, limit=limit, columns=columns,
        max_rejects=max_rejects, format=result_format, calibration=calibration, engine=engine, lang=lang,
        task_file=task_files, single_stage=single_stage, max_expansions=max_expansions,
    )  # fmt: skip
    report = _run(names or [], chosen, quiet=quiet)
    if as_json:
        screen.data(json.dumps(report))
    if not quiet:
        from cli import tables

        tables.show(report)
        tables.show_files(chosen.output)
    rejected, waiting = report["rows"]["rejected"], report["rows"]["waiting"]
    if report["run"]["status"] == "deadline":
        screen.say(f"stopped at --deadline with {waiting:,} rows left: the same command continues")
        raise typer.Exit(OUT_OF_TIME)
    if chosen.max_rejects is not None and rejected > chosen.max_rejects:
        where = chosen.output / "rejects.jsonl"
        screen.say(f"{rejected:,} rows were rejected, more than --max-rejects {chosen.max_rejects:,}: see {where}")
        raise typer.Exit(TOO_MANY_REJECTS)


def _run(names: list[str], chosen: "Settings", *, quiet: bool) -> dict[str, Any]:
    from contextlib import closing

    from cli.progress import watching
    from pipelines.store import Ledger

    # What a person got wrong is said before the seconds that vLLM's import takes.
    asked = preparation.tasks(names, chosen)
    found = preparation.sources(asked, chosen)
    with closing(Ledger(chosen.output)) as ledger:
        screen.divert(chosen.output / "engine.log")
        with watching(quiet=quiet) as draw:
            from pipelines import run
            from pipelines.vllm_engine import ENGINES

            emit = interruption.heeding(draw)
            order, device, measurements = preparation.order(asked, chosen, found, emit)
            facts = {"device": device.name, "vllm": device.vllm}
            return run.run(
                ledger, order, lambda: ENGINES[order.feed](order.model, order.arguments), measurements, facts, emit
            )
