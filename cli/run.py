"""`reviewbatch run`: do the work."""

import json
from typing import TYPE_CHECKING, Any

import typer

from cli import chosen_model, chosen_tasks, exit_status, interruption, options, preparation, screen

if TYPE_CHECKING:
    from cli.settings import Settings
    from pipelines.tasks import Task


@options.settings()
def run(
    names: options.Tasks = None, *, as_json: options.AsJson = False, quiet: options.Quiet = False, **given: Any
) -> None:
    """Do the work, or what is left of it: the same command on the same folder continues."""
    from cli import loading

    chosen = loading.load(**given)
    # What a person got wrong is said before the seconds that vLLM's import takes.
    asked = chosen_tasks.named(names or [], chosen)
    report = _run(asked, chosen, quiet=quiet)
    if as_json:
        screen.data(json.dumps(report))
    if not quiet:
        from cli import ending

        ending.show(report, asked, chosen.folder, chosen.address)
    if status := report["run"]["exit"]["status"]:
        more = ": the same command continues" if status == exit_status.OUT_OF_TIME else ""
        screen.say(f"{report['run']['exit']['reason']}{more}")
        raise typer.Exit(status)


def _run(asked: "list[Task]", chosen: "Settings", *, quiet: bool) -> dict[str, Any]:
    from contextlib import ExitStack
    from functools import partial

    from cli.progress import watching
    from pipelines.events import Noted, Warned
    from pipelines.ledger.ledger import Ledger
    from pipelines.machine import filesystem
    from pipelines.output import targets
    from pipelines.output.mirror import Mirror
    from pipelines.tasks import with_bases

    found = preparation.sources(asked, chosen)
    targets.check(chosen.folder, targets.of_run(task.name for task in with_bases(asked)))
    with Ledger(chosen.folder) as ledger, ExitStack() as after:
        mirror = Mirror(chosen.folder, chosen.address) if chosen.address else None
        screen.divert(chosen.folder / "engine.log")
        with watching(quiet=quiet) as draw:
            from pipelines import clock, run

            def parting(status: int, reason: str) -> bool:
                return run.stop(ledger, exit_status.ended(status, reason, chosen))

            emit = interruption.heeding(
                draw, stall_timeout=chosen.stall_timeout, deadline=chosen.deadline, parting=parting
            )
            model, device = chosen_model.ready(chosen, emit)
            model = chosen_model.examined(model, asked, chosen, emit)
            config, measurements = preparation.configure(asked, chosen, found, model=model, device=device)
            facts: dict[str, Any] = {"device": device.name, "vllm": device.vllm}
            if chosen.shard:
                facts["made"] = chosen_tasks.made(chosen, model)
                emit(Noted(f"shard {chosen.shard}: about its own restaurants alone, in {chosen.folder}"))
            starts = preparation.replicas(chosen, config, after)
            if network := filesystem.network(chosen.folder):
                emit(Warned(f"{chosen.folder} is on {network}, where SQLite may lose answers: take a local disk"))
            facts["program_start_s"] = clock.since_start()
            told = partial(exit_status.told, chosen=chosen)
            return run.run(ledger, config, starts, measurements, facts=facts, emit=emit, mirror=mirror, told=told)
