"""Keys: what a question of a run is known by, worked out without its model."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.models.catalog import Model
from pipelines.prompts import cache_key
from pipelines.tasks import Task


class Keys:
    """The keys of a run, by the facts that it has noted of itself."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        # Of a model nothing but its fingerprint goes into a key.
        self._model = Model(facts["model"], Path(), facts["fingerprint"], context=0)
        self._arguments: Mapping[str, Any] = facts["engine"]
        self._salts: dict[tuple[str, str], set[bytes]] = {}

    def of(self, task: Task, form: str, parts: Iterable[str]) -> set[bytes]:
        """Return what a question that has these parts may be known by: see `Prompts.key`.

        There is one for each way in which a model may be told the form, and none where the task has no such form.
        """
        parts = list(parts)
        return {cache_key.key(salt, parts) for salt in self._salted(task, form)}

    def _salted(self, task: Task, form: str) -> set[bytes]:
        if (task.name, form) not in self._salts:
            usual = task.forms.get(form)
            self._salts[task.name, form] = {
                cache_key.identity(task.name, template, self._model, self._arguments, chat=chat)
                for template in (usual, usual and usual.lettered)
                if template
                for chat in (False, True)
            }
        return self._salts[task.name, form]
