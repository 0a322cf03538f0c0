"""An order: what is to be done, and who goes first."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.corpus.row import LAYOUTS, Layout
from pipelines.models.catalog import Model
from pipelines.tasks import Task
from scheduling.policy import DEFAULT

AUTO = "auto"  # the policy that picks one


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one run.

    `policy` is one of `scheduling.policy.POLICIES` or `auto`, which picks one for the `objective`. `ageing` and
    `max_wait` are those of `JobQueue`, `sla` has the seconds that a job of a task may take. No request is
    admitted that is not expected to be answered by the `deadline`, in seconds since the epoch. All rows are taken to be
    in the language `lang`, if it is given. An engine that has had nothing to tell for `stall_timeout` seconds is taken
    for hung. What an earlier run has answered is asked `again` if that is wanted.
    """

    tasks: Sequence[Task]
    sources: list[str]
    columns: Mapping[str, str]
    limit: int | None
    model: Model
    arguments: Mapping[str, Any]
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
    lang: str | None = None
    again: bool = False

    @property
    def names(self) -> list[str]:
        """The tasks by name."""
        return [task.name for task in self.tasks]

    @property
    def layout(self) -> Layout:
        """The columns that the input has."""
        return LAYOUTS[self.tasks[0].unit]

    @property
    def context(self) -> int:
        """Tokens that a prompt and its answer may have."""
        return int(self.arguments.get("max_model_len", self.model.context))
