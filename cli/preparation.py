"""Preparation: what a command needs before it can work, from the settings to an order for a model on a device."""

from typing import TYPE_CHECKING

from pipelines.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from cli.settings import Settings
    from pipelines.config import Config
    from pipelines.engine.vllm_setup import Device
    from pipelines.events import Emit
    from pipelines.measurements import Measurements
    from pipelines.tasks import Task


def tasks(names: list[str], chosen: "Settings") -> "list[Task]":
    """Return the tasks that are asked for by name or file. Raises an error when they cannot be done together."""
    from pathlib import Path

    from pipelines.corpus.row import LAYOUTS
    from pipelines.tasks import built_in, custom

    known = built_in(max_expansions=chosen.max_expansions, single_stage=chosen.single_stage)
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no task {unknown[0]!r}: it is one of {', '.join(known)}, or a file given with --task-file")
    own = [custom.load(Path(path)) for path in chosen.task_file]
    found = [*(known[name] for name in dict.fromkeys(names)), *own]
    if not found:
        raise UsageError(f"no task: name one or more of {', '.join(known)}, or give a file with --task-file")
    if taken := [task.name for n, task in enumerate(own) if task.name in {*known, *(t.name for t in own[:n])}]:
        raise UsageError(f"--task-file: there is a task {taken[0]!r} already, give yours another name")
    if len({LAYOUTS[task.unit].id for task in found}) > 1:
        of = {LAYOUTS[task.unit].id: task.name for task in found}
        inputs = " and ".join(f"{name} (with {column})" for column, name in of.items())
        raise UsageError(f"{inputs} read different inputs: run each by itself")
    return found


def sources(asked: "list[Task]", chosen: "Settings") -> list[str]:
    """Return the input files. Raises an error for what can be seen to be wrong before vLLM is imported."""
    from cli.settings import ALL, FILE
    from pipelines.corpus import reader
    from pipelines.corpus.row import LAYOUTS
    from pipelines.corpus.sources import find
    from pipelines.tasks import TASKS

    layout = LAYOUTS[asked[0].unit]
    if not chosen.input:
        raise UsageError(
            "no input: give one with -i reviews.parquet (or a folder, a glob, - for JSON lines on stdin), "
            f'or write input = ["reviews.parquet"] in {FILE}'
        )
    if unknown := chosen.columns.keys() - set(layout.names):
        raise ConfigError(f"no column {min(unknown)!r} for {asked[0].name}: it is one of {', '.join(layout.names)}")
    if unknown := chosen.sla.keys() - {ALL, *TASKS, *(task.name for task in asked)}:
        raise ConfigError(f"setting sla: no such task {min(unknown)!r}: it is one of {', '.join(TASKS)}")
    found = find(chosen.input, output=chosen.output)
    reader.check(found, layout, chosen.columns)
    return found


def slas(asked: "list[Task]", chosen: "Settings") -> dict[str, float]:
    """Return the seconds that a job of each task may take, of the tasks that have an SLA."""
    from cli.settings import ALL

    common = chosen.sla.get(ALL)
    found = {task.name: chosen.sla.get(task.name, common) for task in asked}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def configure(
    asked: "list[Task]", chosen: "Settings", found: list[str], emit: "Emit"
) -> "tuple[Config, Device, Measurements]":
    """Return the order, with its model made ready, the device, and what has been measured of the two."""
    from pipelines import cache
    from pipelines.config import Config
    from pipelines.engine import process, vllm_setup
    from pipelines.events import Unpacking, Warned
    from pipelines.measurements import Measurements
    from pipelines.models import catalog

    device = vllm_setup.device()
    process.listen(lambda text: emit(Warned(text)))
    name = chosen.model or catalog.default(device.kind)
    model = catalog.find(name, cache.folder("models"), lambda: emit(Unpacking(name)))
    made = Config(
        tasks=asked,
        sources=found,
        columns=chosen.columns,
        limit=chosen.limit,
        model=model,
        arguments=chosen.engine,
        policy=chosen.policy,
        objective=chosen.objective,
        ageing=chosen.ageing,
        max_wait=chosen.max_wait,
        sla=slas(asked, chosen),
        deadline=chosen.deadline,
        stall_timeout=chosen.stall_timeout,
        feed=chosen.feed,
        format=chosen.format,
        calibration=chosen.calibration,
        lang=chosen.lang,
        again=chosen.again,
    )
    kept = cache.folder("measurements")
    dtype = vllm_setup.number_format(model, device.kind, chosen.engine)
    measurements = Measurements.of(
        kept, model, device=device.name, vllm=device.vllm, dtype=dtype, arguments=chosen.engine, feed=chosen.feed
    )
    return made, device, measurements
