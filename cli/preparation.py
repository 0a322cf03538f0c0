"""Preparation: what a command needs before it can work, from the settings to a config for a model on a device."""

from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

    from cli.settings import Settings
    from pipelines.config import Config
    from pipelines.corpus.reading import Reading
    from pipelines.corpus.row import Layout
    from pipelines.corpus.sources import Found
    from pipelines.engine.interface import Engine, Start
    from pipelines.engine.vllm_setup import Device
    from pipelines.measurements import Measurements
    from pipelines.models.catalog import Model
    from pipelines.tasks import Task


def sources(asked: "list[Task]", chosen: "Settings") -> "Found":
    """Return the input files. Raises an error for what can be seen to be wrong before vLLM is imported."""
    from cli.loading import FILE
    from cli.values import ALL
    from pipelines.corpus import reader
    from pipelines.corpus.opening import is_stream
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
    _refuse_taken(chosen.keep, asked)
    if unknown := chosen.sla.keys() - {ALL, *TASKS, *(task.name for task in asked)}:
        raise ConfigError(f"setting sla: no such task {min(unknown)!r}: it is one of {', '.join(TASKS)}")
    found = find(chosen.input, output=chosen.folder.parent if chosen.shard else chosen.folder)
    if chosen.shard and any(task.compares for task in asked) and any(is_stream(one.path) for one in found.sources):
        raise UsageError("a shard that compares restaurants reads its input twice: give it files, not a pipe or -")
    reader.check(found.sources, reading(chosen, layout), chosen.limit)
    return found


def _refuse_taken(keep: "Sequence[str]", asked: "Sequence[Task]") -> None:
    """Raise ConfigError where a column to be kept is called like one of the results, also of what tasks are made of."""
    from pipelines.tasks import with_bases

    for task in with_bases(asked):
        if taken := [name for name in keep if name in task.schema.names]:
            raise ConfigError(f"--keep {taken[0]}: the results of {task.name} have a column of that name")


def slas(asked: "list[Task]", chosen: "Settings") -> dict[str, float]:
    """Return the seconds that a job of each task may take, of the tasks that have an SLA."""
    from cli.values import ALL

    common = chosen.sla.get(ALL)
    by_task = {task.name: chosen.sla.get(task.name, common) for task in asked}
    return {name: seconds for name, seconds in by_task.items() if seconds is not None}


def configure(
    asked: "list[Task]", chosen: "Settings", found: "Found", *, model: "Model", device: "Device"
) -> "tuple[Config, Measurements]":
    """Return the config of a run with a model on a device, and what has been measured of the two."""
    from dataclasses import fields

    from cli import chosen_tasks
    from pipelines import cache
    from pipelines.config import Config
    from pipelines.engine import vllm_setup
    from pipelines.measurements import Measurements

    asked = chosen_tasks.styled(asked, chosen, model)  # only now is it known how digests are made, and of what
    _refuse_taken(chosen.keep, asked)
    # A config has most settings by their own names, and of these what is made of them.
    made: dict[str, Any] = {
        "tasks": asked, "sources": found.sources, "passed_over": found.passed_over, "reading": reading(chosen),
        "model": model, "arguments": chosen.engine, "sla": slas(asked, chosen),
    }  # fmt: skip
    same = {
        field.name: getattr(chosen, field.name) for field in fields(Config) if field.init and field.name not in made
    }
    config = Config(**made, **same)
    measurements = Measurements.of(
        cache.folder("measurements"),
        model,
        device=device.name,
        vllm=device.vllm,
        dtype=vllm_setup.number_format(model, device.kind, chosen.engine),
        arguments=chosen.engine,
        feed=chosen.feed,
        **({"replicas": many} if (many := count(chosen)) > 1 and not vllm_setup.cards(chosen.engine) else {}),
    )
    return config, measurements


def count(chosen: "Settings") -> int:
    """Return how many replicas are asked for, as far as this machine can tell."""
    from pipelines.engine import vllm_setup

    return chosen.replicas or vllm_setup.replicas(chosen.engine)


def replicas(chosen: "Settings", config: "Config", after: "ExitStack") -> "Sequence[Start[Engine]]":
    """Return what starts each replica that is asked for; what they are on is left `after` all."""
    from contextlib import closing

    from pipelines.engine import vllm_setup
    from pipelines.engine.cluster import LOCAL, Cluster
    from pipelines.engine.local import Local
    from pipelines.engine.vllm_engine import ENGINES

    kind, cards = ENGINES[config.feed], vllm_setup.cards(config.arguments)
    many = count(chosen)
    if many == 1 and not chosen.ray:
        return [kind.starter(config.model, config.arguments)]
    told: Mapping[str, Any] = config.arguments
    places: list[dict[str, str]] = []
    if not chosen.ray or chosen.ray == LOCAL:
        told, places = vllm_setup.apart_from_each_other(config.model, config.arguments, many)
    if chosen.ray and cards > 1:  # within its actor; Ray is for placing that
        told = {"distributed_executor_backend": "mp", **told}
    start = kind.starter(config.model, told)
    on = Cluster(start, chosen.replicas, chosen.ray, cards=cards) if chosen.ray else Local(start, places)
    return after.enter_context(closing(on)).starts


def reading(chosen: "Settings", layout: "Layout | None" = None) -> "Reading":
    """Return how rows are read."""
    from pipelines.corpus.reading import Reading
    from pipelines.corpus.row import REVIEWS

    return Reading(
        layout=layout or REVIEWS,
        columns=chosen.columns,
        each=chosen.each,
        restaurant=chosen.restaurant,
        restaurant_from=chosen.restaurant_from,
        lang=chosen.lang,
        scale=chosen.rating_scale,
        keep=list(dict.fromkeys(chosen.keep)),
    )
