"""`reviewbatch compare`: the same work under several policies."""

import json
from typing import Annotated, Any

import typer

from cli import chosen_model, chosen_tasks, interruption, options, preparation, screen
from pipelines.errors import UsageError


@options.settings(
    without=(
        "again",
        "shard",
        "policy",
        "replicas",
        "ray",
        "objective",
        "deadline",
        "feed",
        "max_rejects",
        "format",
        "keep",
        "calibration",
        "reproducible",
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
    """Do the same work under several policies on one engine, in turns, and show what the order changes.

    On the terminal, and on a page: compare.html in the output folder.
    """
    from cli import comparison_tables, loading
    from cli.progress import watching
    from pipelines import cache, remote
    from pipelines.comparison import compare
    from pipelines.engine.vllm_engine import ENGINES
    from pipelines.output import targets
    from pipelines.output.mirror import Mirror
    from pipelines.output.page import comparison

    chosen = loading.load(**given)
    ranked = [loading.load(policy=name.strip()).policy for name in policies.split(",")]
    if len(set(ranked)) < max(2, len(ranked)):
        raise UsageError(f"--policies {policies}: two or more different ones expected, as in --policies fifo,prefill")
    asked = chosen_tasks.named(names or [], chosen)
    found = preparation.sources(asked, chosen)
    # What cannot be written is said before the work.
    mirror = Mirror(chosen.folder, chosen.address) if chosen.address else None
    targets.check(chosen.folder, [comparison.NAME])
    screen.divert(cache.folder("logs") / "compare.log")
    with watching(quiet=quiet) as draw:
        emit = interruption.heeding(draw, stall_timeout=chosen.stall_timeout)
        model, device = chosen_model.ready(chosen, emit)
        config, measurements = preparation.configure(asked, chosen, found, model=model, device=device)
        start = ENGINES[config.feed].starter(config.model, config.arguments)
        facts = {"device": device.name, "vllm": device.vllm}
        speed = measurements.speed(config.names)
        compared = compare(config, ranked, repeat, start, speed=speed, facts=facts, emit=emit)
    if as_json:
        screen.data(json.dumps(compared))
    if not quiet:
        comparison_tables.show(compared)
    page = comparison.write(chosen.folder, compared)
    if mirror:
        mirror.put(page.name)
    if not quiet:
        screen.say(f"look at {page}" + (f", also in {remote.shown(chosen.address)}" if chosen.address else ""))
