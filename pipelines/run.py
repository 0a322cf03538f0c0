"""A run: the life of a corpus, from its rows to its results and report."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from pipelines.clock import Clock, since_start
from pipelines.config import Config
from pipelines.dispatch import backlog, loop
from pipelines.dispatch.backlog import Costing
from pipelines.dispatch.loop import Loop
from pipelines.engine import fleet
from pipelines.engine.interface import Engine, Start
from pipelines.errors import OutOfTimeError
from pipelines.events import Emit, KeptAnswers, Ordered, Warned, WritingResults
from pipelines.ledger.counts import Counts
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import RunStatus
from pipelines.measurements import Measurements, measure
from pipelines.output import report, results, shards
from pipelines.output.heartbeat import Heartbeat
from pipelines.output.mirror import Mirror
from pipelines.output.page.said import many
from pipelines.prompts.prompts import Prompts
from pipelines.questions import context
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages

Told = Callable[[Counts | BaseException], Mapping[str, Any]]


def run(
    ledger: Ledger,
    config: Config,
    starts: Sequence[Start[Engine]],
    measurements: Measurements,
    *,
    facts: Mapping[str, Any],
    emit: Emit,
    mirror: Mirror | None = None,
    told: Told | None = None,
) -> dict[str, Any]:
    """Do the work, or what is left of it, and return the report.

    `starts` make the engine, each a replica of it, which happens only if something is left to ask. `facts` go into the
    report, and what is `told` of how the run ends: with some counts, or by an error. What people read of the ledger's
    folder is put into the `mirror`, if there is one, now and then and at the end.
    """
    began = time.monotonic()
    ledger.check()
    prompts = Prompts(config.model, config.arguments, config.templates)
    stages = Stages(ledger, prompts, config)
    rows = ingestion(ledger, prompts, stages, config, emit=emit)
    spoilt = rows.begin({**facts, **_settings(config)})
    try:
        emit = Heartbeat(ledger.folder).beside(emit)
        if spoilt:
            emit(Warned(f"damaged in the ledger, and asked again: {many(spoilt, 'answer')}"))
        rows.fill(emit)
        ledger.note(plan_s=time.monotonic() - began, **rows.facts())
        if config.shard:
            ledger.note(**shards.facts(ledger, prompts, config))
        counts = ledger.counts()
        emit(counts.planned)
        if counts.requests and time.time() + ledger.last_start() < config.deadline:
            prompts.context = context.needed(counts, prompts, config)
            write = partial(_write_meanwhile, ledger, stages, prompts, config)
            tell = mirror.at_intervals(write, emit) if mirror else emit
            with suppress(OutOfTimeError):
                _ask(
                    ledger, stages, prompts, config,
                    starts=starts, counts=counts, measurements=measurements, emit=tell,
                )  # fmt: skip
        else:
            _tell_kept(ledger, emit)
        emit(WritingResults())
        writing = time.monotonic()
        figures = results.write(ledger, stages, prompts, config, emit=emit)
    except BaseException as error:
        with suppress(Exception):  # the disk may be full: what is under way is the error to tell of
            ledger.note(RunStatus.STOPPED, wall_s=_wall(began, facts), **_exit(told, error))
            _publish(ledger, mirror)
            ledger.seal()  # last, for a signal leaves few seconds
        raise
    counts = ledger.counts()
    status = RunStatus.DEADLINE if counts.requests else RunStatus.DONE
    wrote = {"tasks": figures, "write_s": time.monotonic() - writing, "wall_s": _wall(began, facts)}
    ledger.note(status, **wrote, **_exit(told, counts))
    try:
        return _publish(ledger, mirror)
    except BaseException as error:
        with suppress(Exception):
            ledger.note(**_exit(told, error))
            report.write(ledger.folder)
        raise


def stop(ledger: Ledger, exit_: Mapping[str, Any]) -> bool:
    """Write down how a ledger's run ends, and its report, for the thread that works on it and is stuck in a step.

    Return False where no run goes on: none has begun, or that thread writes it down itself.
    """
    stopped = ledger.stop(wall_s=since_start(), exit=exit_)
    if stopped:
        report.write(ledger.folder)
    return stopped


def _exit(told: Told | None, outcome: Counts | BaseException) -> dict[str, Any]:
    """Return what is to be written down of how a run ends."""
    return {"exit": told(outcome)} if told else {}


def _publish(ledger: Ledger, mirror: Mirror | None) -> dict[str, Any]:
    """Write the report, here and into the mirror, and return it."""
    written = report.write(ledger.folder)
    if mirror:
        mirror.push()
        mirror.back_up()
    return written


def _wall(began: float, facts: Mapping[str, Any]) -> float:
    """Return the seconds since the program was started."""
    started: float = facts.get("program_start_s", 0.0)
    return started + time.monotonic() - began


def _write_meanwhile(ledger: Ledger, stages: Stages, prompts: Prompts, config: Config) -> None:
    """Write what there is while the engine works; what is not known yet is no reason to warn."""
    results.write(ledger, stages, prompts, config, emit=lambda _: None)
    report.write(ledger.folder)


def _ask(
    ledger: Ledger,
    stages: Stages,
    prompts: Prompts,
    config: Config,
    *,
    starts: Sequence[Start[Engine]],
    counts: Counts,
    measurements: Measurements,
    emit: Emit,
) -> None:
    """Start the engine, put the jobs in order, do the work, and keep what it took."""
    ledger.note(context=prompts.context, replicas=len(starts))
    over = time.monotonic() + config.deadline + loop.GRACE - time.time()
    made = [partial(start, context=prompts.context) for start in starts]
    with closing(fleet.supervised(made, config.model.name, emit, over)) as engine:
        clock = Clock()  # everything is timed from here on
        ledger.note(engine_start_s=engine.started, engine_up=clock.epoch, dtype=engine.limits.dtype)
        _tell_kept(ledger, emit)
        costing = Costing(
            prompts=prompts,
            config=config,
            block_size=engine.limits.block_size,
            speed=measurements.speed(config.names),
            clock=clock,
            speeds=measurements.speeds(len(starts)),
        )
        todo = backlog.make(ledger, costing)
        emit(Ordered(todo.size, todo.policy, todo.why, todo.prediction))
        predicted = todo.prediction and todo.prediction.figures()
        ledger.note(ordered_by=todo.policy, why=todo.why or None, predicted=predicted, order_s=clock.now())
        stats = Loop(ledger, stages, todo, engine, answers=counts.answers).run(emit)
        ledger.note(**asdict(stats), engine_restarts=engine.restarts, restart_s=engine.restarting)
    ledger.note(engine_stop_s=clock.now() - stats.makespan_s)
    if not engine.restarts:  # or the engine would seem slow
        since = engine.complete - clock.monotonic
        measured = measure(ledger.folder, stats.steps, replicas=len(starts), since=since)
        measurements.add(measured, lambda why: emit(Warned(why)))


def _tell_kept(ledger: Ledger, emit: Emit) -> None:
    """Tell of answers that are kept although this run's vLLM, or its number format, is another."""
    for kept in ledger.kept():
        if kept.other:
            emit(KeptAnswers(kept.answers, kept.vllm, kept.dtype))


def _settings(config: Config) -> dict[str, Any]:
    """Return what the report says of a config."""
    return {
        "model": config.model.name,
        "fingerprint": config.model.fingerprint,
        "engine": dict(config.arguments),
        "policy": config.policy,
        "feed": config.feed,
        "sla": dict(config.sla),
        "ageing": config.ageing,
        "max_wait_s": None if config.max_wait == math.inf else config.max_wait,
        **({"lang": config.reading.lang} if config.reading.lang else {}),
        **({"shard": asdict(config.shard)} if config.shard else {}),
    }
