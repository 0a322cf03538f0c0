"""The agenda: the jobs that wait, what each costs, and the order they go in."""

import math
from dataclasses import dataclass, replace

from pipelines.config import Order
from pipelines.corpus import language
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import StoredJob
from pipelines.questions.stages import ANCHORS, Desk
from pipelines.tasks.digest import Digest
from scheduling.forecast import choose
from scheduling.job import Job
from scheduling.policy import DEFAULT, POLICIES
from scheduling.queue import JobQueue
from scheduling.speed import Load, Prediction, Speed, together


@dataclass(frozen=True, slots=True)
class Costing:
    """What makes a job of what the ledger has of one.

    `block` is the engine's KV block in tokens, and `zero` the moment that times count from, in seconds since the
    epoch. Without a `speed` nothing is predicted.
    """

    desk: Desk
    order: Order
    block: int
    speed: Speed | None
    zero: float

    def job(self, stored: StoredJob, *, arrival: float = 0.0, beside: Job | None = None) -> Job:
        """Return the job, which arrives at `arrival`, seconds from zero, and goes `beside` another over its reviews."""
        cost = stored.beside if beside else stored.cost
        load = Load(cost, stored.requests, stored.length) + self.later(stored)
        predicted = self.speed.predict(stored.task, load) if self.speed else Prediction(0.0, 0.0, 0.0, 0.0)
        anchors = stored.unit == ANCHORS
        return Job(
            id=stored.id,
            task=stored.task,
            cost=cost,
            order=stored.id,
            arrival=arrival,
            seconds=predicted.prefill + predicted.decode,
            latency=predicted.tail,
            deadline=math.inf if stored.deadline is None else stored.deadline - self.zero,
            sla=self.order.sla.get(stored.task, math.inf) - arrival,  # it counts from the run's start
            # The anchors are needed at the end, and if that may come early, before.
            place=0 if not anchors else 1 if self.order.deadline == math.inf else -1,
            beside=beside,
        )

    def later(self, stored: StoredJob) -> Load:
        """Return the work that a job's next stage should be, before it is known."""
        task = self.desk.tasks[stored.task]
        form = task.later(stored.requests) if isinstance(task, Digest) and not stored.stage else None
        if not form:
            return Load()
        frame = self.desk.frames[task.name, task.form(form, language.DEFAULT)]
        return Load(frame.tokens + stored.requests * frame.length, 1, frame.length)


@dataclass(frozen=True, slots=True)
class Agenda:
    """The jobs, and `policy` in whose order they go; `why` says how that came about if it is not the one asked for.

    `work` is what there is to do, with what is foreseen of the next stages, which `later` has by job.
    """

    jobs: list[Job]
    policy: str
    why: str
    work: Load
    later: dict[int, Load]
    prediction: Prediction | None
    costing: Costing

    @property
    def size(self) -> int:
        """How many jobs there are that somebody waits for."""
        return sum(not job.place for job in self.jobs)

    def queue(self) -> JobQueue:
        """Return the jobs in a queue."""
        order = self.costing.order
        return JobQueue(POLICIES[self.policy], self.jobs, ageing=order.ageing, max_wait=order.max_wait)

    def take_up(self, ledger: Ledger, job: int, now: float) -> tuple[Job, Load]:
        """Return a job whose next stage has been asked by the moment `now`, in seconds from zero, and its work."""
        (stored,) = ledger.jobs(self.costing.block, job)
        return self.costing.job(stored, arrival=now), Load(stored.cost, stored.requests, stored.length)

    def foreseen(self, job: int) -> Load:
        """Return, once, what was foreseen of a job's next stage."""
        return self.later.pop(job, Load())


def make(ledger: Ledger, costing: Costing) -> Agenda:
    """Cost every job that waits in the ledger, and decide on the order."""
    jobs: list[Job] = []
    # Jobs that ask the same count it each; the engine answers it once.
    loads = ledger.waiting(costing.block)
    first: dict[str, Job] = {}
    later: dict[int, Load] = {}
    for stored in ledger.jobs(costing.block):
        digest = isinstance(costing.desk.tasks[stored.task], Digest)
        beside = digest and not stored.stage
        job = costing.job(stored, beside=first.get(stored.unit) if beside else None)
        jobs.append(job)
        if beside:
            first.setdefault(stored.unit, job)
            later[job.id] = costing.later(stored)
            loads[stored.task] += later[job.id] + Load(job.cost - stored.cost)
    # Jobs that ask the same have each been relieved of the reviews' blocks, which somebody computes.
    loads = {task: replace(load, prefilled=max(load.prefilled, 0.0)) for task, load in loads.items()}
    ledger.cost((job.id, job.cost, job.seconds if costing.speed else None) for job in jobs)
    policy, why = _decide(costing.order, jobs, costing.speed)
    speed = costing.speed
    prediction = together([speed.predict(task, load) for task, load in loads.items()]) if speed else None
    return Agenda(jobs, policy, why, sum(loads.values(), Load()), later, prediction, costing)


def _decide(order: Order, jobs: list[Job], speed: Speed | None) -> tuple[str, str]:
    if order.policy in POLICIES and order.policy != "cost":
        return order.policy, ""
    if not speed:
        return DEFAULT, f"{order.policy}: too little has been measured of this model on this machine"
    if order.policy == "cost":
        return "cost", "cost: from what earlier runs of this model took on this machine"
    chosen = choose(order.objective, jobs, ageing=order.ageing, max_wait=order.max_wait)
    return chosen, f"auto: the best forecast for {order.objective}"
