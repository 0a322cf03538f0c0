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
    from pipelines.events import Emit
    from pipelines.measurements import Measurements
    from pipelines.models.catalog import Model
    from pipelines.models.outcome import Outcome, Outcomes
    from pipelines.tasks import Task


def tasks(names: list[str], chosen: "Settings") -> "list[Task]":
    """Return the tasks that are asked for by name or file. Raises an error when they cannot be done together."""
    from pathlib import Path

    from pipelines.corpus.row import LAYOUTS
    from pipelines.tasks import custom

    ours = _ours(chosen)
    if unknown := [name for name in names if name not in ours]:
        raise UsageError(f"no task {unknown[0]!r}: it is one of {', '.join(ours)}, or a file given with --task-file")
    own = [custom.load(Path(path)) for path in chosen.task_file]
    asked = [*(ours[name] for name in dict.fromkeys(names)), *own]
    if not asked:
        raise UsageError(f"no task: name one or more of {', '.join(ours)}, or give a file with --task-file")
    if taken := [task.name for n, task in enumerate(own) if task.name in {*ours, *(t.name for t in own[:n])}]:
        raise UsageError(f"--task-file: there is a task {taken[0]!r} already, give yours another name")
    by_id = {LAYOUTS[task.unit].id: task.name for task in asked}
    if len(by_id) > 1:
        inputs = " and ".join(f"{name} (with {column})" for column, name in by_id.items())
        raise UsageError(f"{inputs} read different inputs: run each by itself")
    return asked


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
    if taken := [(name, task.name) for name in chosen.keep for task in asked if name in task.schema.names]:
        raise ConfigError("--keep {}: the results of {} have a column of that name".format(*taken[0]))
    if unknown := chosen.sla.keys() - {ALL, *TASKS, *(task.name for task in asked)}:
        raise ConfigError(f"setting sla: no such task {min(unknown)!r}: it is one of {', '.join(TASKS)}")
    found = find(chosen.input, output=chosen.folder.parent if chosen.shard else chosen.folder)
    if chosen.shard and any(task.compares for task in asked) and any(is_stream(one.path) for one in found.sources):
        raise UsageError("a shard that compares restaurants reads its input twice: give it files, not a pipe or -")
    reader.check(found.sources, reading(chosen, layout), chosen.limit)
    return found


def slas(asked: "list[Task]", chosen: "Settings") -> dict[str, float]:
    """Return the seconds that a job of each task may take, of the tasks that have an SLA."""
    from cli.values import ALL

    common = chosen.sla.get(ALL)
    by_task = {task.name: chosen.sla.get(task.name, common) for task in asked}
    return {name: seconds for name, seconds in by_task.items() if seconds is not None}


def model(chosen: "Settings", emit: "Emit") -> "tuple[Model, Device]":
    """Return the model, made ready, as it was found to be if it was examined, and the device that it runs on."""
    from pipelines import cache
    from pipelines.engine import arguments, process, vllm_setup
    from pipelines.events import Unpacking, Warned
    from pipelines.models import catalog

    device = vllm_setup.device()
    process.listen(lambda text: emit(Warned(text)))
    for argument in arguments.running_code(chosen.engine):
        emit(Warned(f"--engine {argument} may have code run that is neither this program's nor vLLM's"))
    name = chosen.model or catalog.default(device.kind, device.card_bytes)
    found = catalog.find(name, cache.folder("models"), lambda: emit(Unpacking(name)))
    outcome = _outcomes().of(found.fingerprint)
    return outcome.of(found) if outcome else found, device


def examined(model: "Model", asked: "list[Task]", chosen: "Settings", emit: "Emit") -> "Model":
    """Return the model as it is found to be: examined, where its style has to be known and nobody knows it yet."""
    import math
    from dataclasses import replace

    from pipelines.events import Warned

    if model.known or chosen.style != "auto" or not any(task.made_of for task in asked):
        return model
    how = f"`reviewbatch check --model {model.name}` does"
    if chosen.deadline < math.inf:
        emit(Warned(f"the model was never examined, and is not while there is a deadline: {how}"))
        return model
    try:
        found = examine(model, chosen, emit).of(model)
    except ConfigError as error:
        emit(Warned(f"the model cannot be examined, and is taken not to write: {error}"))
        return replace(model, writes=False)
    if found.chat != model.chat:
        emit(Warned("the model is better spoken to in another way than before: what it was asked then is asked anew"))
    return found


def examine(model: "Model", chosen: "Settings", emit: "Emit") -> "Outcome":
    """Return what a model is found to be in an examination, and keep it."""
    from pipelines.engine.vllm_engine import ENGINES
    from pipelines.events import Warned
    from pipelines.examination import examination

    start = ENGINES["continuous"].starter(model, chosen.engine)
    outcome = examination.examine(model, chosen.engine, start, emit)
    try:
        _outcomes().keep(model.fingerprint, outcome)
    except OSError as error:
        emit(Warned(f"the outcome of the examination could not be kept: {error}"))
    return outcome


def configure(
    asked: "list[Task]", chosen: "Settings", found: "Found", *, model: "Model", device: "Device"
) -> "tuple[Config, Measurements]":
    """Return the config of a run with a model on a device, and what has been measured of the two."""
    from dataclasses import fields

    from pipelines import cache
    from pipelines.config import Config
    from pipelines.engine import vllm_setup
    from pipelines.measurements import Measurements

    # Only now is it known how digests are made.
    styled = _ours(chosen, _style(chosen, model))
    asked = [styled.get(task.name, task) for task in asked]
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


def made(chosen: "Settings", model: "Model") -> dict[str, Any]:
    """Return what tasks with a model are made of, so that they can be `remade` where there is none."""
    from pathlib import Path

    return {
        "style": _style(chosen, model),
        "single_stage": chosen.single_stage,
        "aspects": chosen.aspects,
        "max_expansions": chosen.max_expansions,
        "task_file": [Path(path).read_text(encoding="utf-8") for path in chosen.task_file],
    }


def remade(facts: "Mapping[str, Any]") -> "list[Task]":
    """Return the tasks of a run of a shard, out of what it has written down."""
    from pathlib import Path

    from cli.settings import Settings
    from pipelines.tasks import custom

    settings = dict(facts["made"])
    own = [custom.loads(text, Path()) for text in settings.pop("task_file")]
    style = settings.pop("style")
    known = {**_ours(Settings(**settings), style), **{task.name: task for task in own}}
    return [known[name] for name in facts["apart"]["tasks"]]


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


def _outcomes() -> "Outcomes":
    from pipelines import cache
    from pipelines.models.outcome import Outcomes

    return Outcomes(cache.folder("examinations"))


def _ours(chosen: "Settings", style: str = "written") -> "Mapping[str, Task]":
    """Return the tasks of this program as they are chosen, digests in a style."""
    from pipelines.tasks import MAX_EXPANSIONS, built_in

    return built_in(
        max_expansions=chosen.max_expansions or MAX_EXPANSIONS,
        single_stage=chosen.single_stage,
        aspects=chosen.aspects,
        style=style,
    )


def _style(chosen: "Settings", model: "Model") -> str:
    """Return the style of digests that is chosen, or suits the model."""
    from pipelines.tasks import QUOTES, WRITTEN

    if chosen.style != "auto":
        return chosen.style
    return WRITTEN if model.writes else QUOTES
