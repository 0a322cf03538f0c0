"""A run: the life of a corpus, from its rows to its results and report."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from pipelines.config import Config
from pipelines.dispatch import backlog
from pipelines.dispatch.admission import Admission
from pipelines.dispatch.backlog import Backlog, Costing
from pipelines.dispatch.eta import Eta
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.engine.interface import Completion, Engine, Failure, Start
from pipelines.engine.supervised import SupervisedEngine
from pipelines.errors import EngineError, OutOfTimeError
from pipelines.events import Emit, KeptAnswers, Ordered, Warned, WritingResults
from pipelines.ledger.counts import Counts
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import Answer
from pipelines.measurements import Measurements
from pipelines.output import report, results, times
from pipelines.questions import context, ingest
from pipelines.questions.stages import Desk
from scheduling.speed import Work

GRACE = 30.0  # seconds after the deadline that what is in flight may take to end


def run(
    ledger: Ledger,
    config: Config,
    start: Start[Engine],
    measurements: Measurements,
    facts: Mapping[str, Any],
    emit: Emit,
) -> dict[str, Any]:
    """Do the work, or what is left of it, and return the report.

    `start` makes the engine, which happens only if something is left to ask. `facts` go into the report.
    """
    began = time.monotonic()
    # What cannot be done is said before the ledger forgets the last run's rows.
    rows, desk = ingest.rows(config), Desk(ledger, config)
    ledger.begin({**facts, **_settings(config)}, again=config.again)
    try:
        ingest.fill(ledger, desk, rows, config, emit)
        ledger.note(plan_s=time.monotonic() - began)
        counts = ledger.counts()
        emit(counts.planned)
        if counts.requests and time.time() + times.usual_start(ledger.folder) < config.deadline:
            with suppress(OutOfTimeError):
                _ask(ledger, counts, desk, config, start, measurements, emit)
        else:
            _tell_kept(ledger, emit)
        emit(WritingResults())
        figures = results.write(ledger, desk, config, emit)
    except BaseException:
        with suppress(Exception):  # the disk may be full: what is under way is the error to tell of
            ledger.note("stopped")
            report.write(ledger.folder)
        raise
    status = "deadline" if ledger.counts().requests else "done"
    ledger.note(status, tasks=figures)
    return report.write(ledger.folder)


def _ask(
    ledger: Ledger,
    counts: Counts,
    desk: Desk,
    config: Config,
    start: Start[Engine],
    measurements: Measurements,
    emit: Emit,
) -> None:
    """Start the engine, put the jobs in order, do the work, and keep what it took."""
    over = time.monotonic() + config.deadline + GRACE - time.time()
    desk.context = context.needed(counts, desk, config)
    ledger.note(context=desk.context)
    with closing(SupervisedEngine(partial(start, context=desk.context), config.model.name, emit, over)) as engine:
        ledger.note(engine_start_s=engine.started, dtype=engine.limits.dtype)
        _tell_kept(ledger, emit)
        began = time.monotonic()
        costing = Costing(desk, config, engine.limits.block_size, measurements.speed(config.names), time.time())
        todo = backlog.make(ledger, costing)
        emit(Ordered(todo.size, todo.policy, todo.why, todo.prediction))
        predicted = todo.prediction and todo.prediction.figures()
        ledger.note(ordered_by=todo.policy, why=todo.why or None, predicted=predicted)
        ledger.note(order_s=time.monotonic() - began, engine_up=time.time())
        done = work(ledger, todo, engine, counts, emit)
        ledger.note(**asdict(done), engine_restarts=engine.restarts)
    if not engine.restarts:  # or the engine would seem slow
        measurements.add(times.measured(ledger.folder, done.steps), lambda why: emit(Warned(why)))


@dataclass(frozen=True, slots=True)
class DispatchStats:
    """What the work took: seconds, and engine steps; in `dry_steps` a slot was free while a request could have had it.

    `sent_by_max_wait` jobs went because they had waited too long, and not by their rank.
    """

    makespan_s: float
    steps: int
    dry_steps: int
    sent_by_max_wait: int


def work(ledger: Ledger, todo: Backlog, engine: Engine, counts: Counts, emit: Emit) -> DispatchStats:
    """Ask what is on the agenda, best first, and store every answer as it comes, until all is done or time is up.

    A job whose stage is answered comes back into the queue with the next one. Raises EngineError when nothing at
    all was answered, ever: then it is not the rows' fault.
    """
    desk, config = todo.costing.desk, todo.costing.config
    zero, deadline = time.monotonic(), config.deadline - time.time()
    queue = todo.queue()
    tally = Eta(counts.answers, todo.work, engine.stats, todo.prediction.makespan if todo.prediction else 0.0)
    feed, batched = RequestQueue(queue, ledger.requests), config.feed == "generate"
    gate = Admission(feed, desk, engine.limits, engine.kv_cache_tokens, tally, deadline, batched=batched)
    steps = dry_steps = answered = restarts = 0
    refused = ""
    while (group := gate.admit(now := time.monotonic() - zero)) or len(gate):
        engine.submit(group)
        steps += 1
        dry_steps += gate.dry
        try:
            finished = engine.step(min(tally.patience(now, config.stall_timeout), deadline + GRACE - now))
        except OutOfTimeError:
            break
        if engine.restarts > restarts:
            restarts = engine.restarts
            gate.engine_restarted()
        answers, refusals = _read(finished, gate, desk, zero)
        tally.observe(engine.stats)
        settled = desk.settle(answers, refusals)
        tally.settle(settled.answered, settled.rejected)
        for id_ in settled.moved:
            job, load = todo.take_up(ledger, id_, time.monotonic() - zero)
            tally.correct(todo.foreseen(id_), load)
            queue.push(job)
        for id_ in settled.ended:
            tally.correct(todo.foreseen(id_), Work())
        answered += len(answers)
        refused = next((refusal.detail for refusal in refusals if refusal.raw is None), refused)
        emit(gate.progress(time.monotonic() - zero))
        if time.monotonic() - zero > deadline + (0 if restarts else GRACE):
            break  # what was in flight at an engine's death is asked a few at a time, which may take long
    if refused and not answered and not ledger.counts().answered:
        raise EngineError(f"the engine refused every request; the last: {refused}")
    return DispatchStats(time.monotonic() - zero, steps, dry_steps, queue.sent_by_max_wait)


def _read(
    finished: Sequence[Completion | Failure], gate: Admission, desk: Desk, zero: float
) -> tuple[list[Answer], list[Failure]]:
    """Return the answers, with times since `zero`, and refusals that finished requests are; others are asked again."""
    answers: list[Answer] = []
    refusals: list[Failure] = []
    for done in finished:
        flight = gate.land(done)
        match desk.read(flight, done):
            case None:
                gate.readmit(flight)
            case Failure() as refusal:
                refusals.append(refusal)
            case Answer() as answer:
                answers.append(replace(answer, timing=answer.timing.since(zero)))
    return answers, refusals


def _tell_kept(ledger: Ledger, emit: Emit) -> None:
    """Tell of answers that are kept although this run's vLLM, or its number format, is another."""
    for kept in ledger.kept():
        if kept.other:
            emit(KeptAnswers(kept.answers, kept.vllm, kept.dtype))


def _settings(config: Config) -> dict[str, Any]:
    """Return what the report says of an order."""
    return {
        "model": config.model.name,
        "fingerprint": config.model.fingerprint,
        "engine": dict(config.arguments),
        "policy": config.policy,
        "feed": config.feed,
        "sla": dict(config.sla),
        "ageing": config.ageing,
        "max_wait_s": None if config.max_wait == math.inf else config.max_wait,
    }
