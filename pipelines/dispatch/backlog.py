"""The backlog: the jobs that wait, what each costs, and the order they go in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.clock import Clock
from pipelines.config import Config
from pipelines.corpus import language
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import ANCHORS, StoredJob
from pipelines.prompts.prompts import Prompts
from scheduling.forecast import choose
from scheduling.job import Job
from scheduling.policy import DEFAULT, POLICIES
from scheduling.queue import JobQueue
from scheduling.speed import Prediction, Speed, Work, together

LINES = 96  # tokens that the lines of facts about a restaurant are taken to have


@dataclass(frozen=True, slots=True, kw_only=True)
class Costing:
    """What makes a job of what the ledger has of one.

    `block_size` is the engine's, in tokens. Without a `speed`, which is that of one of its replicas, nothing is
    predicted; they have the `speeds`, in multiples of that.
    """

    prompts: Prompts
    config: Config
    block_size: int
    speed: Speed | None
    clock: Clock
    speeds: Sequence[float] = (1.0,)

    def job(self, stored: StoredJob, *, arrival: float = 0.0, prefix_sibling: Job | None = None) -> Job:
        """Return the job, which arrives at `arrival` on the clock and goes right after its `prefix_sibling`."""
        cost = stored.cost_after_sibling if prefix_sibling else stored.cost
        work = Work(cost, stored.requests, stored.expected_output_tokens) + self.later(stored)
        predicted = self.speed.predict(stored.task, work) if self.speed else Prediction(0.0, 0.0, 0.0, 0.0)
        seconds = self.together(predicted)
        # The anchors are needed at the end, and if that may come early, before.
        anchors_go = 1 if self.config.deadline == math.inf else -1
        return Job(
            id=stored.id,
            task=stored.task,
            cost=cost,
            position=stored.id,
            task_rank=self.config.task(stored.task).rank,
            arrival=arrival,
            seconds=seconds,
            latency=max(predicted.tail, self.longest(stored, cost) - seconds),
            deadline=math.inf if stored.deadline is None else self.clock.at(stored.deadline),
            sla=self.config.sla.get(stored.task, math.inf) - arrival,  # it counts from when the engine was up
            pinned=anchors_go if stored.unit == ANCHORS else 0,
            prefix_sibling=prefix_sibling,
        )

    def together(self, predicted: Prediction) -> float:
        """Return the seconds that all replicas are at work which one of them is predicted to do."""
        return (predicted.prefill + predicted.decode) / sum(self.speeds)

    def longest(self, stored: StoredJob, cost: int) -> float:
        """Return the seconds that a request takes of a job that costs so much; its requests are taken for alike."""
        if not self.speed:
            return 0.0
        output = stored.expected_output_tokens / stored.requests
        one = self.speed.predict(stored.task, Work(cost / stored.requests, 1, output))
        return one.prefill + one.tail

    def later(self, stored: StoredJob) -> Work:
        """Return the work that a job's next stage should be, before it is known."""
        task = self.config.task(stored.task)
        form = None if stored.stage else task.later(stored.requests)
        if not form:
            return Work()
        template = self.prompts.templates[task.name, task.form(form, language.DEFAULT)]
        about = LINES if task.made_of else stored.expected_output_tokens
        return Work(template.tokens + about, 1, template.expected_output_tokens(about))

    def shares_reviews(self, stored: StoredJob) -> bool:
        """Say whether a job's prompts begin with a restaurant's reviews, as those of another task do."""
        task = self.config.task(stored.task)
        return task.whole and not task.made_of and not stored.stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The jobs, and `policy` in whose order they go; `why` says how that came about if it is not the one asked for.

    `work` is what there is to do, with what is foreseen of the next stages, which `later` has by job. `requests` counts
    those of each job that has more than one. One replica is predicted to take `alone` for all of it, and the `longest`
    request, of the job of this id, so many seconds.
    """

    jobs: list[Job]
    policy: str
    why: str
    work: Work
    later: dict[int, Work]
    requests: dict[int, int]
    alone: Prediction | None
    longest: tuple[float, int]
    costing: Costing

    @property
    def size(self) -> int:
        """How many jobs there are that somebody waits for."""
        return sum(not job.pinned for job in self.jobs)

    @property
    def prediction(self) -> Prediction | None:
        """What it is predicted to take."""
        return self.alone and self.alone.over(self.costing.speeds, self.longest[0])

    def queue(self) -> JobQueue:
        """Return the jobs in a queue."""
        config = self.costing.config
        return JobQueue(POLICIES[self.policy], self.jobs, ageing=config.ageing, max_wait=config.max_wait)

    def take_up(self, ledger: Ledger, job: int) -> tuple[Job, Work]:
        """Return a job whose next stage has just been asked, and its work."""
        stored = ledger.jobs.get(job, self.costing.block_size)
        work = Work(stored.cost, stored.requests, stored.expected_output_tokens)
        return self.costing.job(stored, arrival=self.costing.clock.now()), work

    def foreseen(self, job: int) -> Work:
        """Return, once, what was foreseen of a job's next stage."""
        return self.later.pop(job, Work())


def make(ledger: Ledger, costing: Costing) -> Backlog:
    """Cost every job that waits in the ledger, and decide on the order."""
    jobs: list[Job] = []
    # Jobs that ask the same count it each; the engine answers it once.
    work = ledger.jobs.work(costing.block_size)
    siblings: dict[str, Job] = {}  # the first over the reviews of each restaurant
    later: dict[int, Work] = {}
    requests: dict[int, int] = {}
    longest = 0.0, -1
    for stored in ledger.jobs.waiting(costing.block_size):
        shares = costing.shares_reviews(stored)
        job = costing.job(stored, prefix_sibling=siblings.get(stored.unit) if shares else None)
        jobs.append(job)
        if stored.requests > 1:
            requests[job.id] = stored.requests
        if not job.pinned:
            longest = max(longest, (costing.longest(stored, job.cost), job.id))
        if shares:
            siblings.setdefault(stored.unit, job)
        later[job.id] = costing.later(stored)
        relieved = Work(job.cost - stored.cost) if shares else Work()
        work[stored.task] = work.get(stored.task, Work()) + later[job.id] + relieved
    # Jobs that ask the same have each been relieved of the reviews' blocks, which somebody computes.
    work = {task: replace(part, prefilled=max(part.prefilled, 0.0)) for task, part in work.items()}
    speed = costing.speed
    ledger.jobs.price({job.id: (job.cost, job.seconds if speed else None) for job in jobs})
    policy, why = _decide(costing.config, jobs, speed)
    alone = together([speed.predict(task, part) for task, part in work.items()]) if speed else None
    return Backlog(
        jobs=jobs,
        policy=policy,
        why=why,
        work=sum(work.values(), Work()),
        later=later,
        requests=requests,
        alone=alone,
        longest=longest,
        costing=costing,
    )


def _decide(config: Config, jobs: list[Job], speed: Speed | None) -> tuple[str, str]:
    if config.policy in POLICIES and config.policy != "cost":
        return config.policy, ""
    if not speed:
        return DEFAULT, f"{config.policy}: too little has been measured of this model on this machine"
    if config.policy == "cost":
        return "cost", "cost: from what earlier runs of this model took on this machine"
    chosen = choose(config.objective, jobs, ageing=config.ageing, max_wait=config.max_wait)
    return chosen, f"auto: the best forecast for {config.objective}"
