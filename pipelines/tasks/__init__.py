"""The tasks: what can be asked of a corpus.

Imports `prompts` and what is below it, of the ledger its records alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from pipelines.tasks.digest import QUOTES, WRITTEN
from pipelines.tasks.expansion import expansion
from pipelines.tasks.points import points
from pipelines.tasks.sentiment import SENTIMENT
from pipelines.tasks.strengths import strengths
from pipelines.tasks.summary import summary
from pipelines.tasks.task import Task

__all__ = ["MAX_EXPANSIONS", "QUOTES", "TASKS", "WRITTEN", "Task", "built_in", "with_bases"]

MAX_EXPANSIONS = 5


def built_in(
    *,
    max_expansions: int = MAX_EXPANSIONS,
    single_stage: bool = False,
    aspects: Sequence[str] = (),
    style: str = WRITTEN,
) -> Mapping[str, Task]:
    """Return the tasks of this program by name, made to measure; digests in a style, `WRITTEN` or `QUOTES`."""
    pointing = points(aspects)
    classifier = SENTIMENT if style == QUOTES else None
    digests = summary(pointing, classifier), strengths(pointing, classifier, single=single_stage)
    made = (SENTIMENT, pointing, *digests, expansion(max_expansions))
    return MappingProxyType({task.name: task for task in made})


def with_bases(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks, and before them those that they are made of."""
    pairs = ((task.made_of, task) if task.made_of else (task,) for task in tasks)
    return list({task.name: task for pair in pairs for task in pair}.values())


TASKS = built_in()
