"""Preparation: what a command needs before it can work, from the settings to an order for a model on a device."""

from typing import TYPE_CHECKING

from pipelines.errors import UsageError

if TYPE_CHECKING:
    from cli.settings import Settings
    from pipelines.events import Emit
    from pipelines.measurements import Measurements
    from pipelines.order import Order
    from pipelines.vllm_engine import Device


def sources(task: str, chosen: "Settings") -> list[str]:
    """Return the input files. Raises an error for what can be seen to be wrong before vLLM is imported."""
    from cli.settings import FILE
    from pipelines import corpus
    from pipelines.sources import find
    from pipelines.tasks import TASKS

    if task not in TASKS:
        raise UsageError(f"no task {task!r}: it is one of {', '.join(TASKS)}")
    if not chosen.input:
        raise UsageError(
            "no input: give one with -i reviews.parquet (or a folder, a glob, - for JSON lines on stdin), "
            f'or write input = ["reviews.parquet"] in {FILE}'
        )
    found = find(chosen.input, output=chosen.output)
    corpus.check(found, chosen.columns)
    return found


def order(task: str, chosen: "Settings", found: list[str], emit: "Emit") -> "tuple[Order, Device, Measurements]":
    """Return the order, with its model made ready, the device, and what has been measured of the two."""
    from pipelines import cache, models, process, vllm_engine
    from pipelines.events import Unpacking, Warned
    from pipelines.measurements import Measurements
    from pipelines.order import Order
    from pipelines.tasks import TASKS

    device = vllm_engine.device()
    process.listen(lambda text: emit(Warned(text)))
    name = chosen.model or models.default(device.kind)
    model = models.find(name, cache.folder("models"), lambda: emit(Unpacking(name)))
    made = Order(
        task=TASKS[task],
        sources=found,
        columns=chosen.columns,
        limit=chosen.limit,
        model=model,
        arguments=chosen.engine,
        policy=chosen.policy,
        objective=chosen.objective,
        ageing=chosen.ageing,
        max_wait=chosen.max_wait,
        sla=chosen.sla,
        deadline=chosen.deadline,
        feed=chosen.feed,
        format=chosen.format,
        calibration=chosen.calibration,
    )
    kept = cache.folder("measurements")
    measurements = Measurements.of(
        kept, model, device=device.name, vllm=device.vllm, arguments=chosen.engine, feed=chosen.feed
    )
    return made, device, measurements
