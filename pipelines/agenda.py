"""The agenda: the jobs that wait, what each costs, and the order they go in."""

import math
from dataclasses import dataclass

from pipelines.order import Order
from pipelines.outlook import Outlook
from pipelines.plan import ANCHORS
from pipelines.records import StoredJob
from pipelines.store import Ledger
from pipelines.tasks import Task
from scheduling.cost import prefill_cost
from scheduling.forecast import choose
from scheduling.job import Job
from scheduling.policy import DEFAULT, POLICIES
from scheduling.queue import JobQueue
from scheduling.speed import Prediction, Speed


@dataclass(frozen=True, slots=True)
class Agenda:
    """The jobs, and `policy` in whose order they go; `why` says how that came about if it is not the one asked for."""

    jobs: list[Job]
    outlook: Outlook
    policy: str
    why: str
    prediction: Prediction | None
    ageing: float
    max_wait: float

    @property
    def size(self) -> int:
        """How many jobs there are that somebody waits for."""
        return sum(not job.place for job in self.jobs)

    def queue(self) -> JobQueue:
        """Return the jobs in a queue."""
        return JobQueue(POLICIES[self.policy], self.jobs, ageing=self.ageing, max_wait=self.max_wait)


def make(
    ledger: Ledger, outlook: Outlook, task: Task, order: Order, block: int, speed: Speed | None, zero: float
) -> Agenda:
    """Cost every job that waits in the ledger, whose `outlook` is known by now, and decide on the order.

    `block` is the engine's KV block in tokens, and `zero` the moment that times count from, in seconds since the
    epoch. Without a `speed` nothing is predicted.
    """
    shared = len(task.frame.head)

    def job(stored: StoredJob) -> Job:
        cost = prefill_cost(stored.prompt_tokens, stored.requests, shared, block)
        predicted = speed.predict(stored.task, cost, stored.requests) if speed else Prediction(0.0, 0.0, 0.0, 0.0)
        anchors = stored.unit == ANCHORS
        return Job(
            id=stored.id,
            task=stored.task,
            cost=cost,
            order=stored.id,
            seconds=predicted.prefill + predicted.decode,
            latency=predicted.tail,
            deadline=math.inf if stored.deadline is None else stored.deadline - zero,
            sla=order.sla.get(stored.task, math.inf),
            # The anchors are needed at the end, and if that may come early, before.
            place=0 if not anchors else 1 if order.deadline == math.inf else -1,
        )

    jobs = [job(stored) for stored in ledger.jobs()]
    ledger.cost((job.id, job.cost, job.seconds if speed else None) for job in jobs)
    policy, why = _decide(order, jobs, speed)
    # Jobs that ask the same count it each; the engine answers it once.
    computed = prefill_cost(outlook.prompt_tokens, outlook.requests, shared, block)
    prediction = speed.predict(task.name, computed, outlook.requests) if speed else None
    return Agenda(jobs, outlook, policy, why, prediction, order.ageing, order.max_wait)


def _decide(order: Order, jobs: list[Job], speed: Speed | None) -> tuple[str, str]:
    if order.policy in POLICIES and order.policy != "cost":
        return order.policy, ""
    if not speed:
        return DEFAULT, f"{order.policy}: too little has been measured of this model on this machine"
    if order.policy == "cost":
        return "cost", "cost: from what earlier runs of this model took on this machine"
    chosen = choose(order.objective, jobs, ageing=order.ageing, max_wait=order.max_wait)
    return chosen, f"auto: the best forecast for {order.objective}"
