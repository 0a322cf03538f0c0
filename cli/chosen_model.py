"""Chosen model: the one that a command works with, made ready, and what it is found to be."""

from typing import TYPE_CHECKING

from pipelines.errors import ConfigError

if TYPE_CHECKING:
    from cli.settings import Settings
    from pipelines.engine.vllm_setup import Device
    from pipelines.events import Emit
    from pipelines.models.catalog import Model
    from pipelines.models.outcome import Outcome, Outcomes
    from pipelines.tasks import Task


def ready(chosen: "Settings", emit: "Emit") -> "tuple[Model, Device]":
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


def _outcomes() -> "Outcomes":
    from pipelines import cache
    from pipelines.models.outcome import Outcomes

    return Outcomes(cache.folder("examinations"))
