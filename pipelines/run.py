"""A run: the life of a corpus, from its rows to its results and report."""

import math
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from typing import Any

from pipelines import agenda, plan, report, results, times
from pipelines.agenda import Agenda
from pipelines.engine import Engine, Refusal
from pipelines.errors import EngineError
from pipelines.events import Emit, EngineStarted, EngineStarting, Ordered, Planned, Warned
from pipelines.feed import Feed
from pipelines.gate import Gate
from pipelines.measurements import Measurements
from pipelines.order import Order
from pipelines.outlook import Outlook
from pipelines.records import Answer
from pipelines.store import Ledger
from pipelines.sturdy import SturdyEngine
from pipelines.tally import Tally
from pipelines.tasks import Judge, Task


def run(
    ledger: Ledger,
    order: Order,
    start: Callable[[], Engine],
    measurements: Measurements,
    facts: Mapping[str, Any],
    emit: Emit,
) -> dict[str, Any]:
    """Do the work, or what is left of it, and return the report.

    `start` makes the engine, which happens only if something is left to ask. `facts` go into the report.
    """
    began = time.monotonic()
    rows = plan.rows(order)  # an empty corpus is said before the ledger forgets the last run's rows
    ledger.begin({**facts, **_settings(order)})
    try:
        task = plan.fill(ledger, rows, order, emit)
        ledger.note(plan_s=time.monotonic() - began)
        outlook = ledger.outlook()
        emit(Planned(outlook))
        if outlook.requests and time.time() < order.deadline:
            _ask(ledger, outlook, task, order, start, measurements, emit)
        calibration, judge = _judge(ledger, task, order, emit)
        labels = results.write(ledger, task, judge, order.format)
    except BaseException:
        with suppress(sqlite3.Error):  # the disk may be full, and that is the error to tell of
            ledger.note("stopped")
        raise
    status = "deadline" if ledger.outlook().requests else "done"
    ledger.note(status, labels=labels, calibration=calibration)
    return report.write(ledger.folder)


def _ask(
    ledger: Ledger,
    outlook: Outlook,
    task: Task,
    order: Order,
    start: Callable[[], Engine],
    measurements: Measurements,
    emit: Emit,
) -> None:
    """Start the engine, put the jobs in order, do the work, and keep what it took."""
    emit(EngineStarting(order.model.name))
    began = time.monotonic()
    with closing(SturdyEngine(start, lambda why: emit(Warned(f"{why}; starting it again")))) as engine:
        started = time.monotonic() - began
        emit(EngineStarted(started))
        began = time.monotonic()
        todo = agenda.make(ledger, outlook, task, order, engine.limits.block, measurements.speed(), time.time())
        emit(Ordered(todo.size, todo.policy, todo.why, todo.prediction))
        predicted = todo.prediction and todo.prediction.figures()
        ledger.note(engine_start_s=started, ordered_by=todo.policy, why=todo.why or None, predicted=predicted)
        ledger.note(order_s=time.monotonic() - began, engine_up=time.time())
        done = work(ledger, todo, engine, task, order, emit)
        ledger.note(**asdict(done), engine_restarts=engine.restarts)
    if not engine.restarts:  # or the engine would seem slow
        measurements.add(times.measured(ledger.folder, done.steps), lambda why: emit(Warned(why)))


@dataclass(frozen=True, slots=True)
class Work:
    """What the work took: seconds, and engine steps; in `dry_steps` a slot was free while a request could have had it.

    `sent_by_max_wait` jobs went because they had waited too long, and not by their rank.
    """

    makespan_s: float
    steps: int
    dry_steps: int
    sent_by_max_wait: int


def work(ledger: Ledger, todo: Agenda, engine: Engine, task: Task, order: Order, emit: Emit) -> Work:
    """Ask what is on the agenda, best first, and store every answer as it comes, until all is done or time is up.

    Raises EngineError when nothing at all was answered, ever: then it is not the rows' fault.
    """
    zero, deadline = time.monotonic(), order.deadline - time.time()
    predicted = todo.prediction.makespan if todo.prediction else 0.0
    queue, tally = todo.queue(), Tally(len(task.frame.head), todo.outlook, predicted)
    feed, batched = Feed(queue, ledger.requests), order.feed == "generate"
    gate = Gate(feed, task.frame, engine.limits, engine.kv_tokens, tally, deadline, batched=batched)
    steps = dry_steps = answered = 0
    refused = ""
    while (group := gate.admit(time.monotonic() - zero)) or len(gate):
        engine.submit(group)
        steps += 1
        dry_steps += gate.dry
        answers: list[Answer] = []
        refusals: list[Refusal] = []
        for done in engine.step():
            flight = gate.land(done)
            if isinstance(done, Refusal):
                refusals.append(done)
            else:
                answers.append(Answer(flight, task.parse(done), done.timing.since(zero)))
        tally.settle(*ledger.settle(answers, refusals))
        answered += len(answers)
        refused = refusals[-1].detail if refusals else refused
        emit(gate.progress(time.monotonic() - zero))
        if engine.restarts and time.monotonic() - zero > deadline:
            break  # what was in flight at the engine's death is asked one by one, which may take long
    if refused and not answered and not ledger.outlook().answered:
        raise EngineError(f"the engine refused every request; the last: {refused}")
    return Work(time.monotonic() - zero, steps, dry_steps, queue.sent_by_max_wait)


def _judge(ledger: Ledger, task: Task, order: Order, emit: Emit) -> tuple[str, Judge]:
    """Return the calibration that the answers to the anchors allow, and what turns answers into probabilities by it."""
    anchors = plan.anchors(task, order)
    known = ledger.answered(anchors)
    calibration = order.calibration
    if len(known) < len(anchors):
        calibration = "raw"
        outlook = ledger.outlook()
        if outlook.rejected < outlook.rows:  # with no usable row nothing was asked, and nobody misses it
            emit(Warned(f"{len(anchors) - len(known)} anchors have no answer: the probabilities of this run are raw"))
    return calibration, task.judge(calibration, known, results.pieces(ledger, task))


def _settings(order: Order) -> dict[str, Any]:
    """Return what the report says of an order."""
    return {
        "model": order.model.name,
        "fingerprint": order.model.fingerprint,
        "engine": dict(order.arguments),
        "policy": order.policy,
        "feed": order.feed,
        "sla": dict(order.sla),
        "ageing": order.ageing,
        "max_wait_s": None if order.max_wait == math.inf else order.max_wait,
    }
