"""The agenda: the jobs that wait, what each costs, and the order they go in."""

import math
from dataclasses import dataclass, replace

from pipelines.config import Config
from pipelines.corpus import language
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import StoredJob
from pipelines.questions.stages import ANCHORS, Desk
from pipelines.tasks.aggregation import Aggregation
from scheduling.forecast import choose
from scheduling.job import Job
from scheduling.policy import DEFAULT, POLICIES
from scheduling.queue import JobQueue
from scheduling.speed import Prediction, Speed, Work, together


@dataclass(frozen=True, slots=True)
class Costing:
    """What makes a job of what the ledger has of one.

    `block_size` is the engine's KV block in tokens, and `zero` the moment that times count from, in seconds since the
    epoch. Without a `speed` nothing is predicted.
    """

    desk: Desk
    config: Config
    block_size: int
    speed: Speed | None
    zero: float

    def job(self, stored: StoredJob, *, arrival: float = 0.0, prefix_sibling: Job | None = None) -> Job:
        """Return the job, which arrives at `arrival`, seconds from zero, and goes right after its `prefix_sibling`."""
        cost = stored.cost_after_sibling if prefix_sibling else stored.cost
        load = Work(cost, stored.requests, stored.expected_output_tokens) + self.later(stored)
        predicted = self.speed.predict(stored.task, load) if self.speed else Prediction(0.0, 0.0, 0.0, 0.0)
        anchors = stored.unit == ANCHORS
        return Job(
            id=stored.id,
            task=stored.task,
            cost=cost,
            position=stored.id,
            arrival=arrival,
            seconds=predicted.prefill + predicted.decode,
            latency=predicted.tail,
            deadline=math.inf if stored.deadline is None else stored.deadline - self.zero,
            sla=self.config.sla.get(stored.task, math.inf) - arrival,  # it counts from the run's start
            # The anchors are needed at the end, and if that may come early, before.
            pinned=0 if not anchors else 1 if self.config.deadline == math.inf else -1,
            prefix_sibling=prefix_sibling,
        )

    def later(self, stored: StoredJob) -> Work:
        """Return the work that a job's next stage should be, before it is known."""
        task = self.desk.tasks[stored.task]
        form = task.later(stored.requests) if isinstance(task, Aggregation) and not stored.stage else None
        if not form:
            return Work()
        frame = self.desk.frames[task.name, task.form(form, language.DEFAULT)]
        return Work(frame.tokens + stored.requests * frame.expected_output_tokens, 1, frame.expected_output_tokens)


@dataclass(frozen=True, slots=True)
class Backlog:
    """The jobs, and `policy` in whose order they go; `why` says how that came about if it is not the one asked for.

    `work` is what there is to do, with what is foreseen of the next stages, which `later` has by job.
    """

    jobs: list[Job]
    policy: str
    why: str
    work: Work
    later: dict[int, Work]
    prediction: Prediction | None
    costing: Costing

    @property
    def size(self) -> int:
        """How many jobs there are that somebody waits for."""
        return sum(not job.pinned for job in self.jobs)

    def queue(self) -> JobQueue:
        """Return the jobs in a queue."""
        config = self.costing.config
        return JobQueue(POLICIES[self.policy], self.jobs, ageing=config.ageing, max_wait=config.max_wait)

    def take_up(self, ledger: Ledger, job: int, now: float) -> tuple[Job, Work]:
        """Return a job whose next stage has been asked by the moment `now`, in seconds from zero, and its work."""
        (stored,) = ledger.jobs(self.costing.block_size, job)
        return self.costing.job(stored, arrival=now), Work(stored.cost, stored.requests, stored.expected_output_tokens)

    def foreseen(self, job: int) -> Work:
        """Return, once, what was foreseen of a job's next stage."""
        return self.later.pop(job, Work())


def make(ledger: Ledger, costing: Costing) -> Backlog:
    """Cost every job that waits in the ledger, and decide on the order."""
    jobs: list[Job] = []
    # Jobs that ask the same count it each; the engine answers it once.
    loads = ledger.waiting(costing.block_size)
    first: dict[str, Job] = {}
    later: dict[int, Work] = {}
    for stored in ledger.jobs(costing.block_size):
        digest = isinstance(costing.desk.tasks[stored.task], Aggregation)
        shares_reviews = digest and not stored.stage
        job = costing.job(stored, prefix_sibling=first.get(stored.unit) if shares_reviews else None)
        jobs.append(job)
        if shares_reviews:
            first.setdefault(stored.unit, job)
            later[job.id] = costing.later(stored)
            loads[stored.task] += later[job.id] + Work(job.cost - stored.cost)
    # Jobs that ask the same have each been relieved of the reviews' blocks, which somebody computes.
    loads = {task: replace(load, prefilled=max(load.prefilled, 0.0)) for task, load in loads.items()}
    ledger.cost((job.id, job.cost, job.seconds if costing.speed else None) for job in jobs)
    policy, why = _decide(costing.config, jobs, costing.speed)
    speed = costing.speed
    prediction = together([speed.predict(task, load) for task, load in loads.items()]) if speed else None
    return Backlog(jobs, policy, why, sum(loads.values(), Work()), later, prediction, costing)


def _decide(config: Config, jobs: list[Job], speed: Speed | None) -> tuple[str, str]:
    if config.policy in POLICIES and config.policy != "cost":
        return config.policy, ""
    if not speed:
        return DEFAULT, f"{config.policy}: too little has been measured of this model on this machine"
    if config.policy == "cost":
        return "cost", "cost: from what earlier runs of this model took on this machine"
    chosen = choose(config.objective, jobs, ageing=config.ageing, max_wait=config.max_wait)
    return chosen, f"auto: the best forecast for {config.objective}"
