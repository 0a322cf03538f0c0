"""The tasks: what can be asked of a corpus.

Imports `prompts` and what is below it, of the ledger its records alone.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pipelines.tasks.expansion import expansion
from pipelines.tasks.points import points
from pipelines.tasks.sentiment import SENTIMENT
from pipelines.tasks.strengths import strengths
from pipelines.tasks.summary import SUMMARY
from pipelines.tasks.task import Task

__all__ = ["MAX_EXPANSIONS", "TASKS", "Task", "built_in"]

MAX_EXPANSIONS = 5


def built_in(
    *, max_expansions: int = MAX_EXPANSIONS, single_stage: bool = False, aspects: Sequence[str] = ()
) -> Mapping[str, Task]:
    """Return the tasks of this program by name, made to measure."""
    made = (SENTIMENT, points(aspects), SUMMARY, strengths(single=single_stage), expansion(max_expansions))
    return MappingProxyType({task.name: task for task in made})


TASKS = built_in()
