"""The comparison: the same work under several policies on one engine, in turns."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from pipelines.clock import Clock
from pipelines.config import Config
from pipelines.dispatch import backlog
from pipelines.dispatch.backlog import Backlog, Costing
from pipelines.dispatch.loop import Loop
from pipelines.engine.interface import Engine, Request, Start
from pipelines.errors import CorpusError
from pipelines.events import Emit, EngineStarted, EngineStarting, Ordered, Passing
from pipelines.ledger import database, history
from pipelines.ledger.ledger import Ledger
from pipelines.output import times
from pipelines.prompts.prompts import Prompts
from pipelines.questions import context
from pipelines.questions.ingest import Corpus, Ingestion
from pipelines.questions.stages import Stages
from scheduling.speed import Speed

SCHEMA = 1
Figures = dict[str, float | None]


class ResettableEngine(Engine, Protocol):
    """An engine whose prefix cache can be emptied, so that every pass starts as the first one did."""

    def reset_prefix_cache(self) -> None:
        """Empty the prefix cache. Nothing may be in flight."""


def compare(
    config: Config,
    policies: Sequence[str],
    repeat: int,
    start: Start[ResettableEngine],
    *,
    speed: Speed | None,
    emit: Emit,
) -> dict[str, Any]:
    """Do all of the work `repeat` times under each policy, in turns, and return what came of it.

    Each is held against the first. `docs/scheduling.md` describes every field. Raises CorpusError when the
    input holds no row that can be used.
    """
    corpus = Corpus(config, emit)
    with TemporaryDirectory() as scratch, closing(Ledger(Path(scratch) / "planned")) as planned:
        planned.begin({})
        prompts = Prompts(config.model, config.arguments, config.templates)
        Ingestion(planned, prompts, Stages(planned, prompts, config), config).fill(corpus, emit)
        counts = planned.counts()
        emit(counts.planned)
        if not counts.waiting:
            raise CorpusError("nothing to compare: no row of the input can be asked about")
        emit(EngineStarting(config.model.name))
        began = time.monotonic()
        passes: dict[str, list[Figures]] = {policy: [] for policy in policies}
        ordered_by: dict[str, str] = {}
        prompts.context = context.needed(counts, prompts, config)
        with closing(start(context=prompts.context, patience=math.inf)) as engine:
            emit(EngineStarted(time.monotonic() - began))
            _warm_up(engine, planned, prompts)
            epoch = time.time()  # of every pass: a deadline leaves each of them as much time
            for turn in range(repeat):
                # There and back again, so that a machine that gets slower or faster does so for all.
                for policy in policies if turn % 2 == 0 else reversed(policies):
                    emit(Passing(policy, turn + 1, repeat))
                    engine.reset_prefix_cache()
                    with TemporaryDirectory(dir=scratch) as copy:
                        database.copy(planned.folder / database.NAME, Path(copy) / database.NAME)
                        with closing(Ledger(Path(copy))) as ledger:
                            costing = Costing(
                                prompts=prompts,
                                config=replace(config, policy=policy, deadline=math.inf),
                                block_size=engine.limits.block_size,
                                speed=speed,
                                clock=Clock(epoch=epoch),
                            )
                            todo = backlog.make(ledger, costing)
                            if not turn:
                                emit(Ordered(todo.size, todo.policy, todo.why, todo.prediction))
                            ordered_by[policy] = todo.policy
                            passes[policy].append(_pass(ledger, todo, engine, counts.answers, emit=emit))
    ratios = {policy: _ratios(passes[policies[0]], passes[policy]) for policy in policies[1:]}
    return {
        "schema": SCHEMA,
        "model": config.model.name,
        "tasks": config.names,
        "rows": counts.rows,
        "requests": counts.requests,
        "sla": dict(config.sla),
        "repeat": repeat,
        "policies": {
            policy: {"ordered_by": ordered_by[policy], **_summary(figures)} for policy, figures in passes.items()
        },
        "against_first": ratios,
        "verdict": [_verdict(policy, policies[0], against, repeat) for policy, against in ratios.items()],
    }


def _warm_up(engine: Engine, ledger: Ledger, prompts: Prompts) -> None:
    """Have the engine run a full step, the first of which takes longer than any other."""
    waiting = chain.from_iterable(ledger.requests.waiting(job.id) for job in ledger.jobs.waiting(0))
    first = {request.id: request for request in islice(waiting, engine.limits.max_num_seqs)}
    engine.submit([Request(id_, prompts.prompt(request), prompts.sampling(request)) for id_, request in first.items()])
    left = len(first)
    while left:
        left -= len(engine.step(math.inf))


def _pass(ledger: Ledger, todo: Backlog, engine: Engine, answers: int, *, emit: Emit) -> Figures:
    """Do the work once, and return what it took."""
    costing = todo.costing
    ledger.note(engine_up=costing.clock.epoch, sla=dict(costing.config.sla))
    stages = Stages(ledger, costing.prompts, costing.config)
    stats = Loop(ledger, stages, todo, engine, answers=answers).run(emit)
    ledger.note(makespan_s=stats.makespan_s)
    with closing(database.read(ledger.folder / database.NAME)) as db:
        run = history.last_run(db)
        assert run is not None  # noqa: S101  it is this one
        requests, jobs = times.of_requests(db, run.number), times.of_jobs(db, run.facts)
    return {
        "makespan_s": stats.makespan_s,
        **{f"job_completion_{name}_s": value for name, value in jobs["completion_s"].items()},
        **{f"request_completion_{name}_s": value for name, value in requests["completion_s"].items()},
        **{f"ttft_{name}_s": value for name, value in requests["ttft_s"].items()},
        "goodput_per_min": jobs["goodput_per_min"],
        "sla_attainment": jobs["sla_attainment"],
        "longest_wait_s": jobs["longest_wait_s"],
    }


def _summary(passes: Sequence[Figures]) -> dict[str, Any]:
    """Return the median, the least and the most of every figure, and the figures of each pass."""
    return {
        **{
            name: {"median": median(values), "low": min(values), "high": max(values)}
            for name, values in _columns(passes).items()
        },
        "passes": list(passes),
    }


def _ratios(first: Sequence[Figures], other: Sequence[Figures]) -> dict[str, Any]:
    """Return every figure of the other policy over that of the first: of the passes in pairs, and their median.

    A difference is more than the noise when no pass of the one reaches into the range of the other's, and there
    is more than one of each.
    """
    before, after = _columns(first), _columns(other)
    ratios = {}
    for name in before.keys() & after.keys():
        pairs = [b / a for a, b in zip(before[name], after[name], strict=True) if a]
        apart = max(before[name]) < min(after[name]) or max(after[name]) < min(before[name])
        if pairs:
            ratios[name] = {
                "median": median(pairs),
                "low": min(pairs),
                "high": max(pairs),
                "more_than_noise": len(first) > 1 and apart,
            }
    return {name: ratios[name] for name in before if name in ratios}


def _columns(passes: Sequence[Figures]) -> Mapping[str, list[float]]:
    """Return the figures that every pass has."""
    return {
        name: values
        for name in passes[0]
        if len(values := [value for figures in passes if (value := figures[name]) is not None]) == len(passes)
    }


def _verdict(policy: str, first: str, ratios: Mapping[str, Any], repeat: int) -> str:
    def said(name: str) -> str:
        ratio = ratios.get(name)
        if not ratio:
            return "no telling what"
        if repeat == 1:
            return f"{ratio['median']:.2f}"
        noise = "more than the noise" if ratio["more_than_noise"] else "within the noise"
        return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f}, {noise})"

    sentence = (
        f"{policy} against {first}: a job is complete after {said('job_completion_mean_s')} of the time on average, "
        f"all of them after {said('makespan_s')}"
    )
    return sentence if repeat > 1 else f"{sentence}; one pass each says nothing about noise"
