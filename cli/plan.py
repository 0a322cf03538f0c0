"""`reviewbatch plan`: what a run would do."""

import json

from cli import options, preparation, screen


def plan(
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
    calibration: options.Calibration = None,
    engine: options.EngineArguments = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what `run` would do: jobs, order, batches and predicted time. Loads no model weights."""
    from cli import plan_tables, settings
    from cli.progress import watching
    from pipelines import cache, vllm_setup
    from pipelines.preview import preview

    chosen = settings.load(
        input=inputs, output=output, model=model, policy=policy, objective=objective, ageing=ageing,
        max_wait=max_wait, sla=sla, deadline=deadline, feed=feed, limit=limit, columns=columns,
        calibration=calibration, engine=engine, lang=lang, task_file=task_files, single_stage=single_stage,
        max_expansions=max_expansions,
    )  # fmt: skip
    asked = preparation.tasks(names or [], chosen)
    found = preparation.sources(asked, chosen)
    screen.divert(cache.folder("logs") / "plan.log")
    with watching(quiet=quiet) as emit:
        order, _, measurements = preparation.order(asked, chosen, found, emit)
        limits = vllm_setup.limits(order.model, order.arguments)
        seen = preview(chosen.output, order, limits, measurements.speed(), emit)
    if as_json:
        screen.data(json.dumps(seen))
    if not quiet:
        plan_tables.show(seen)
