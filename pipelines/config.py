"""The config: what one run is told to do, and who goes first."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.corpus.reading import Reading
from pipelines.corpus.row import LAYOUTS
from pipelines.corpus.shard import Shard
from pipelines.corpus.sources import Source
from pipelines.models.catalog import Model
from pipelines.prompts.template import PromptTemplate
from pipelines.tasks import Task, with_bases
from scheduling.policy import DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one run is told.

    `policy` is one of `scheduling.policy.POLICIES` or `auto`, which picks one for the `objective`. `ageing` and
    `max_wait` are those of `JobQueue`, `sla` has the seconds that a job of a task may take. No request is
    admitted that is not expected to be answered by the `deadline`, in seconds since the epoch. Rows are of the
    `sources`, read as `reading` says; files that are `passed_over` lie beside them. An engine that has had nothing to
    tell for `stall_timeout` seconds is taken for hung. What an earlier run has answered is asked `again` if that is
    wanted. `arguments` are the engine's. A `shard` asks only about its own part of the rows.
    """

    tasks: Sequence[Task]
    sources: Sequence[Source]
    model: Model
    passed_over: Sequence[str] = ()
    reading: Reading = field(default_factory=Reading)
    limit: int | None = None
    shard: Shard | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    policy: str = DEFAULT
    objective: str = "completion"
    ageing: float = 0.0
    max_wait: float = math.inf
    sla: Mapping[str, float] = field(default_factory=dict)
    deadline: float = math.inf
    stall_timeout: float = 600.0
    feed: str = "continuous"
    format: str = "parquet"
    calibration: str = "anchors"
    again: bool = False
    _by_name: Mapping[str, Task] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Have the tasks at hand by their names, and before them those that they are made of."""
        object.__setattr__(self, "tasks", with_bases(self.tasks))
        object.__setattr__(self, "_by_name", {task.name: task for task in self.tasks})
        object.__setattr__(self, "reading", replace(self.reading, layout=LAYOUTS[self.tasks[0].unit]))

    @property
    def names(self) -> list[str]:
        """The tasks by name."""
        return [task.name for task in self.tasks]

    def task(self, name: str) -> Task:
        """Return one of the tasks; KeyError when it is none of them."""
        return self._by_name[name]

    @property
    def templates(self) -> dict[tuple[str, str], PromptTemplate]:
        """The prompt templates of all tasks, by task and form."""
        return {(task.name, form): template for task in self.tasks for form, template in task.forms.items()}
