"""A run: the life of a corpus, from its rows to its results and report."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pipelines import corpus, plan, report, results
from pipelines.engine import Engine, Refusal, Request
from pipelines.errors import CorpusError, EngineError
from pipelines.events import Emit, EngineStarted, EngineStarting, Planned, Warned
from pipelines.models import Model
from pipelines.records import Answer, StoredRequest
from pipelines.store import Ledger
from pipelines.sturdy import SturdyEngine
from pipelines.tally import Tally
from pipelines.tasks import Task
from pipelines.tokenizer import Tokenizer
from scheduling.policy import POLICIES
from scheduling.queue import JobQueue
from scheduling.window import Window

# In flight at once, in multiples of what the engine runs at once: enough that a slot never waits for us.
DEPTH = 2


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: the settings of one run."""

    task: type[Task]
    sources: list[str]
    columns: Mapping[str, str]
    limit: int | None
    model: Model
    arguments: Mapping[str, Any]
    policy: str
    format: str
    calibration: str


def run(
    ledger: Ledger, order: Order, start: Callable[[], Engine], facts: Mapping[str, Any], emit: Emit
) -> dict[str, Any]:
    """Do the work, or what is left of it, and return the report.

    `start` makes the engine, which happens only if something is left to ask. `facts` go into the report.
    """
    began = time.monotonic()
    rows = corpus.read(order.sources, order.columns, order.limit)
    first = next(rows, None)
    if first is None:
        # Said before the ledger forgets the last run's rows.
        raise CorpusError("no rows in the input: its files are empty")
    ledger.begin({**facts, "model": order.model.name, "fingerprint": order.model.fingerprint, "policy": order.policy,
                  "engine": dict(order.arguments)})  # fmt: skip
    try:
        tokenizer = Tokenizer(order.model.folder)
        task = order.task(tokenizer)
        identity = plan.identity(task, order.model, order.arguments)
        anchors = () if order.calibration == "raw" else task.anchors
        context = int(order.arguments.get("max_model_len", order.model.context))
        plan.fill(ledger, chain([first], rows), task, tokenizer.encode_all, identity, context, anchors, emit)
        queue = plan.queue(ledger, task, POLICIES[order.policy])
        ledger.note(plan_s=time.monotonic() - began)
        outlook = ledger.outlook()
        emit(Planned(len(queue), outlook))

        if queue:
            emit(EngineStarting(order.model.name))
            began = time.monotonic()
            with closing(SturdyEngine(start, lambda why: emit(Warned(f"{why}; starting it again")))) as engine:
                started = time.monotonic() - began
                ledger.note(engine_start_s=started)
                emit(EngineStarted(started))
                ledger.note(makespan_s=work(ledger, queue, engine, task, emit))

        known = ledger.answered(plan.key(identity, task.body(text)) for text in anchors)
        calibration = order.calibration
        if len(known) < len(anchors):
            calibration = "raw"
            if outlook.rejected < outlook.rows:  # with no usable row nothing was asked, and nobody misses it
                emit(
                    Warned(f"{len(anchors) - len(known)} anchors have no answer: the probabilities of this run are raw")
                )
        judge = task.judge(calibration, known, results.pieces(ledger, task))
        labels = results.write(ledger, task, judge, order.format)
    except BaseException:
        with suppress(sqlite3.Error):  # the disk may be full, and that is the error to tell of
            ledger.note("stopped")
        raise
    ledger.note("done", labels=labels, calibration=calibration)
    return report.write(ledger.folder)


def work(ledger: Ledger, queue: JobQueue, engine: Engine, task: Task, emit: Emit) -> float:
    """Ask everything in the queue and store every answer as it comes; return the seconds it took.

    Raises EngineError when nothing at all was answered: then it is not the rows' fault.
    """
    zero, frame = time.monotonic(), task.frame
    # The first request goes alone: its answer is there, and durable, long before a full step could end.
    window = Window(1, engine.kv_tokens)
    tally = Tally(len(frame.head), ledger.outlook())
    admitted: dict[int, tuple[StoredRequest, float]] = {}
    waiting = _waiting(ledger, queue)
    following = next(waiting, None)
    answered, refused = 0, ""
    while following or len(window):
        group: list[Request] = []
        while following and window.can_admit(tokens := following.prompt_tokens + frame.sampling.max_tokens):
            window.admit(following.id, tokens)
            admitted[following.id] = following, time.monotonic() - zero
            group.append(Request(following.id, frame.around(following.body), frame.sampling))
            following = next(waiting, None)
        engine.submit(group)

        answers: list[Answer] = []
        refusals: list[Refusal] = []
        for done in engine.step():
            window.release(done.id)
            window.max_requests = DEPTH * engine.slots
            request, since = admitted.pop(done.id)
            tally.count(request, done)
            if isinstance(done, Refusal):
                refusals.append(done)
            else:
                answers.append(Answer(done.id, task.parse(done), since, done.timing.since(zero)))
        ledger.settle(answers, refusals)
        answered += len(answers)
        refused = refusals[-1].detail if refusals else refused
        emit(tally.progress(time.monotonic() - zero, len(window)))
    if refused and not answered:
        raise EngineError(f"the engine refused every request; the last: {refused}")
    return time.monotonic() - zero


def _waiting(ledger: Ledger, queue: JobQueue) -> Iterator[StoredRequest]:
    """Yield the requests of the queue's jobs, best job first; a job leaves the queue when its turn comes."""
    while queue:
        yield from ledger.requests(queue.pop().id)
