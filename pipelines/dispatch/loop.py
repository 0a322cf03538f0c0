"""The loop: requests into the engine, best first, and answers out of it into the ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipelines.dispatch.admission import Admission
from pipelines.dispatch.agenda import Agenda
from pipelines.dispatch.backlog import Backlog
from pipelines.dispatch.eta import Eta
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.engine.interface import Completion, Engine, Failure
from pipelines.errors import EngineError, OutOfTimeError
from pipelines.events import Emit
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import Answer
from pipelines.questions.reading import read
from pipelines.questions.stages import Stages
from scheduling.speed import Work

GRACE = 30.0  # seconds after the deadline that what is in flight may take to end


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchStats:
    """What the work took: seconds, and engine steps; in `dry_steps` a slot was free while a request could have had it.

    `sent_by_max_wait` jobs went because they had waited too long, and not by their rank. Each replica was so fast, in
    multiples of their mean.
    """

    makespan_s: float
    steps: int
    dry_steps: int
    sent_by_max_wait: int
    replica_speeds: list[float]


class Loop:
    """Does the work of a backlog, a step of the engine at a time, until all is done or time is up.

    It should give so many `answers` to rows.
    """

    def __init__(self, ledger: Ledger, stages: Stages, backlog: Backlog, engine: Engine, *, answers: int) -> None:
        costing = backlog.costing
        self._ledger, self._stages, self._backlog, self._engine = ledger, stages, backlog, engine
        self._config, self._prompts, self._clock = costing.config, costing.prompts, costing.clock
        self._deadline = self._clock.at(self._config.deadline)
        self._jobs = backlog.queue()
        predicted = backlog.prediction.makespan if backlog.prediction else 0.0
        self._eta = Eta(answers, backlog.work, engine.stats, predicted)
        queue = RequestQueue(self._jobs, ledger.requests.waiting)
        self._agenda = Agenda(backlog, ledger, queue)
        self._admission = Admission(
            queue,
            self._prompts,
            engine,
            self._eta,
            deadline=self._deadline,
            batched=self._config.feed == "generate",
            now=self._clock.now(),
        )
        self._answered = False
        self._refused = ""  # why the engine would not take the last request that it would not take

    def run(self, emit: Emit) -> DispatchStats:
        """Ask what is in the backlog, best first, and store every answer as it comes.

        A job whose stage is answered comes back into the queue with the next one. Raises EngineError when nothing at
        all was answered, ever: then it is not the rows' fault.
        """
        steps = dry_steps = 0
        group = self._admission.admit(now := self._clock.now())
        while group or len(self._admission):
            self._engine.submit(group)
            steps += 1
            dry_steps += self._admission.dry
            try:
                finished = self._engine.step(self._patience(now))
            except OutOfTimeError:
                break
            self._settle(list(self._read(finished)))
            group = self._admission.admit(now := self._clock.now())  # first, for the next step may take long
            progress = self._eta.progress(len(self._admission), self._admission.in_flight, now)
            following = self._agenda.next(self._admission.jobs)
            emit(replace(progress, restarts=self._engine.restarts, done=self._agenda.done, next=following))
            # What was in flight at an engine's death is asked a few at a time, which may take long.
            if now > self._deadline + (0 if self._engine.restarts else GRACE):
                break
        if self._refused and not self._answered and not self._ledger.counts().answered:
            raise EngineError(f"the engine refused every request; the last: {self._refused}")
        ended = self._clock.now()
        return DispatchStats(
            makespan_s=ended,
            steps=steps,
            dry_steps=dry_steps,
            sent_by_max_wait=self._jobs.sent_by_max_wait,
            replica_speeds=self._admission.speeds(ended),
        )

    def _patience(self, now: float) -> float:
        """Return how many seconds the engine may be silent in the next step."""
        usual = self._eta.patience(self._admission.in_flight, now, self._config.stall_timeout)
        return min(usual, self._deadline + GRACE - now)

    def _read(self, finished: Sequence[Completion | Failure]) -> Iterator[Answer | Failure]:
        """Yield what finished requests say; one that says nothing of use is asked again."""
        for done in finished:
            flight = self._admission.land(done)
            self._eta.finish(flight.work, done)
            task = self._config.task(flight.request.task)
            outcome = read(task, self._prompts, flight, done, zero=self._clock.monotonic)
            if outcome is None:
                self._eta.correct(Work(), flight.work)
                self._admission.readmit(flight)
            else:
                yield outcome

    def _settle(self, outcomes: Sequence[Answer | Failure]) -> None:
        """Make outcomes durable, and put the jobs into the queue that go on to a next stage."""
        answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        self._eta.observe(self._engine.stats)
        settled = self._stages.settle(answers, failures)
        self._eta.settle(settled.answered, settled.rejected)
        self._agenda.settle(settled)
        for id_ in settled.moved:
            job, work = self._backlog.take_up(self._ledger, id_)
            self._eta.correct(self._backlog.foreseen(id_), work)
            self._jobs.push(job)
        for ended in settled.ended:
            self._eta.correct(self._backlog.foreseen(ended.job), Work())
        self._answered = self._answered or bool(answers)
        self._refused = next((failure.detail for failure in failures if failure.raw is None), self._refused)
