"""The restaurants of a ledger: what is known of each when a task asks about it as a whole."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice

from pipelines.ledger.jobs import Jobs
from pipelines.ledger.records import RequestState, StageRequest
from pipelines.ledger.requests import Requests
from pipelines.ledger.rows import Rows
from pipelines.questions.peers import Peers
from pipelines.tasks import Task
from pipelines.tasks.restaurant import Heard, RestaurantState

SAMPLE = 16  # reviews of another restaurant that are looked at
COMPARED = 4  # other restaurants


class Restaurants:
    """The restaurants of the rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def state(self, unit: str, task: Task, requests: Sequence[StageRequest]) -> RestaurantState:
        """Return a restaurant, how far the `requests` of a task have come, and what the task is made of."""
        reviews = self._rows.reviews(unit)
        last = max((request.stage for request in requests), default=-1)
        answered = [request for request in requests if request.state == RequestState.ANSWERED]
        return RestaurantState(
            unit=unit,
            reviews=[review for review, _ in reviews],
            lang=Counter(lang for _, lang in reviews).most_common(1)[0][0],
            middle=self._rows.scale.middle if self._rows.scale else None,
            answers=[[request.answer for request in answered if request.stage == stage] for stage in range(last + 1)],
            used=sum(request.rows for request in answered if request.stage == 0),
            chunks=sum(request.stage == 0 for request in requests),
            heard=self._heard(unit, task),
            others={other: heard for other in self.others(unit, task) if (heard := self._heard(other, task, SAMPLE))},
        )

    def complete(self, task: Task, jobs: Jobs, requests: Requests) -> Iterator[RestaurantState]:
        """Yield the restaurants that a task has done with and has an answer for, in input order."""
        for job in jobs.about_restaurants():
            if job.task != task.name:
                continue
            asked = requests.stages(job.id)
            if any(r.state != RequestState.ANSWERED and (r.stage or r.state == RequestState.WAITING) for r in asked):
                continue
            restaurant = self.state(job.unit, task, asked)
            if restaurant.used and restaurant.answers[-1]:
                yield restaurant

    def others(self, unit: str, task: Task) -> list[str]:
        """Return those that a task compares a restaurant with, none if it does not compare."""
        return list(islice(self._peers.of(unit), COMPARED)) if task.compares else []

    def _heard(self, unit: str, task: Task, most: int = -1) -> list[Heard]:
        rows = self._rows.heard(unit, task.made_of.name, most) if task.made_of else []
        return [Heard(*row) for row in rows]

    @cached_property
    def _peers(self) -> Peers:
        return Peers(self._rows.places())
