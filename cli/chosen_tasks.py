"""Chosen tasks: those that a command is about, by their names and files, or as a run has written them down."""

from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.settings import Settings
    from pipelines.models.catalog import Model
    from pipelines.tasks import Task


def named(names: list[str], chosen: "Settings") -> "list[Task]":
    """Return the tasks that are asked for by name or file. Raises an error when they cannot be done together."""
    from pathlib import Path

    from pipelines.corpus.row import LAYOUTS
    from pipelines.tasks import custom

    known = _ours(chosen)
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no task {unknown[0]!r}: it is one of {', '.join(known)}, or a file given with --task-file")
    own = [custom.load(Path(path)) for path in chosen.task_file]
    asked = [*(known[name] for name in dict.fromkeys(names)), *own]
    if not asked:
        raise UsageError(f"no task: name one or more of {', '.join(known)}, or give a file with --task-file")
    if taken := [task.name for n, task in enumerate(own) if task.name in {*known, *(t.name for t in own[:n])}]:
        raise UsageError(f"--task-file: there is a task {taken[0]!r} already, give yours another name")
    by_id = {LAYOUTS[task.unit].id: task.name for task in asked}
    if len(by_id) > 1:
        inputs = " and ".join(f"{name} (with {column})" for column, name in by_id.items())
        raise UsageError(f"{inputs} read different inputs: run each by itself")
    return asked


def styled(asked: "list[Task]", chosen: "Settings", model: "Model") -> "list[Task]":
    """Return the same tasks with digests in the style that is chosen, or suits the model."""
    known = _ours(chosen, _style(chosen, model))
    return [known.get(task.name, task) for task in asked]


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
