"""`reviewbatch plan`: what a run would do."""

import json
from functools import partial
from typing import Any

from cli import chosen_model, chosen_tasks, options, preparation, screen


@options.settings(without=("ray",))
def plan(
    names: options.Tasks = None, *, as_json: options.AsJson = False, quiet: options.Quiet = False, **given: Any
) -> None:
    """Show what `run` would do: jobs, order, batches and predicted time. Loads no model weights."""
    from cli import loading, plan_tables
    from cli.progress import watching
    from pipelines import cache
    from pipelines.engine import vllm_setup
    from pipelines.preview.preview import preview

    chosen = loading.load(**given)
    asked = chosen_tasks.named(names or [], chosen)
    found = preparation.sources(asked, chosen)
    screen.divert(cache.folder("logs") / "plan.log")
    with watching(quiet=quiet) as emit:
        model, device = chosen_model.ready(chosen, emit)
        config, measurements = preparation.configure(asked, chosen, found, model=model, device=device)
        seen = preview(
            chosen.folder,
            config,
            partial(vllm_setup.limits, config.model, config.arguments),
            measurements.speed(config.names),
            emit=emit,
            speeds=measurements.speeds(preparation.count(chosen)),
            apart=bool(vllm_setup.cards(config.arguments)),
            start=measurements.start(),
        )
    if as_json:
        screen.data(json.dumps(seen))
    if not quiet:
        plan_tables.show(seen)
