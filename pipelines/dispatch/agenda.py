"""The agenda: the jobs that ended last and those that should end next, as people call them."""

from collections import deque
from collections.abc import Iterable
from itertools import chain, islice

from pipelines.dispatch.backlog import Backlog
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.events import JobName
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import ANCHORS, Asker
from pipelines.questions.stages import Settled
from scheduling.job import Job

SHOWN = 3  # jobs of either kind
NEAR = 64  # requests in the engine that are looked at


class Agenda:
    """Names the few jobs of a backlog that are worth a look now; nobody waits for those of anchors, which are left out.

    The ledger is asked for a name when it comes into view, so that it costs the same with a million jobs.
    """

    def __init__(self, backlog: Backlog, ledger: Ledger, queue: RequestQueue) -> None:
        self._config = backlog.costing.config
        self._ledger = ledger
        self._queue = queue
        self._left = dict(backlog.requests)
        self._done: deque[JobName] = deque(maxlen=SHOWN)
        self._names: dict[int, str] = {}  # of those that come next

    def settle(self, settled: Settled) -> None:
        """Take note of the jobs that have ended."""
        ended = [*filter(self._ends, settled.rowwise), *settled.ended]
        for job in ended[-SHOWN:]:
            if job.unit != ANCHORS:
                self._done.appendleft(JobName(self._name(job.task, job.unit), self._shown(job.task)))

    @property
    def done(self) -> tuple[JobName, ...]:
        """The jobs that ended last, the latest first."""
        return tuple(self._done)

    def next(self, in_engine: Iterable[Job]) -> tuple[JobName, ...]:
        """Return the jobs that should end next: those that are in the engine, then those whose turn comes."""
        coming = (turn.job for turn in self._queue.coming(SHOWN))
        jobs = {job.id: job for job in chain(islice(in_engine, NEAR), coming) if not job.pinned}
        shown = list(islice(jobs.values(), SHOWN))
        self._names = {
            job.id: self._names.get(job.id) or self._name(job.task, self._ledger.jobs.unit(job.id)) for job in shown
        }
        return tuple(JobName(self._names[job.id], self._shown(job.task), self._reviews(job)) for job in shown)

    def _ends(self, job: Asker) -> bool:
        """Count a request of a job as done, and say whether it was the last one."""
        left = self._left.pop(job.job, 1) - 1
        if left:
            self._left[job.job] = left
        return not left

    def _name(self, task: str, unit: str) -> str:
        """Return what people call what a job is about: a query by its text."""
        return self._ledger.rows.texts([unit])[unit] if self._config.task(task).unit == "query" else unit

    def _shown(self, task: str) -> str:
        return task if len(self._config.tasks) > 1 else ""

    def _reviews(self, job: Job) -> int:
        return self._left.get(job.id, 1) if self._config.task(job.task).unit == "review" else 0
