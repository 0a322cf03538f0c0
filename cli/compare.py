"""`reviewbatch compare`: the same work under several policies."""

import json
from typing import Annotated, Any

import typer

from cli import interruption, options, preparation, screen
from pipelines.errors import UsageError


@options.settings(
    without=(
        "output",
        "again",
        "policy",
        "objective",
        "deadline",
        "feed",
        "max_rejects",
        "format",
        "keep",
        "calibration",
    )
)
def compare(
    names: options.Tasks = None,
    *,
    policies: Annotated[str, typer.Option(help="Policies to compare, the one to compare with first.")] = "fifo,prefill",
    repeat: Annotated[int, typer.Option(min=1, help="How often each policy does all of the work.")] = 3,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    **given: Any,
) -> None:
    """Do the same work under several policies on one engine, in turns, and show what the order changes."""
    from cli import comparison_tables, loading
    from cli.progress import watching
    from pipelines import cache
    from pipelines.comparison import compare
    from pipelines.engine.vllm_engine import ENGINES

    chosen = loading.load(**given)
    ranked = [loading.load(policy=name.strip()).policy for name in policies.split(",")]
    if len(set(ranked)) < max(2, len(ranked)):
        raise UsageError(f"--policies {policies}: two or more different ones expected, as in --policies fifo,prefill")
    asked = preparation.tasks(names or [], chosen)
    found = preparation.sources(asked, chosen)
    screen.divert(cache.folder("logs") / "compare.log")
    with watching(quiet=quiet) as draw:
        emit = interruption.heeding(draw, stall_timeout=chosen.stall_timeout)
        model, device = preparation.model(chosen, emit)
        config, measurements = preparation.configure(asked, chosen, found, model=model, device=device)
        start = ENGINES[config.feed].starter(config.model, config.arguments)
        compared = compare(config, ranked, repeat, start, speed=measurements.speed(config.names), emit=emit)
    if as_json:
        screen.data(json.dumps(compared))
    if not quiet:
        comparison_tables.show(compared)
