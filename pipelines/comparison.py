"""The comparison: the same work under several policies on one engine, in turns."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
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
from pipelines.output.page import said
from pipelines.prompts.prompts import Prompts
from pipelines.questions import context
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages
from scheduling.speed import Speed

SCHEMA = 1
Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Pass:
    """The work done once: how many jobs that were, its figures, and when equal parts of them were done, in seconds."""

    jobs: int
    figures: Figures
    done: list[float]


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
    facts: Mapping[str, Any],
    emit: Emit,
) -> dict[str, Any]:
    """Do all of the work `repeat` times under each policy, in turns, and return what came of it, and the `facts`.

    Each is held against the first. `docs/scheduling.md` describes every field. Raises CorpusError when the
    input holds no row that can be used.
    """
    started = datetime.now(UTC)
    with TemporaryDirectory() as scratch, Ledger(Path(scratch) / "planned") as planned:
        prompts = Prompts(config.model, config.arguments, config.templates)
        rows = ingestion(planned, prompts, Stages(planned, prompts, config), config, emit=emit)
        rows.begin({})
        rows.fill(emit)
        counts = planned.counts()
        emit(counts.planned)
        if not counts.waiting:
            raise CorpusError("nothing to compare: no row of the input can be asked about")
        emit(EngineStarting(config.model.name))
        began = time.monotonic()
        passes: dict[str, list[Pass]] = {policy: [] for policy in policies}
        ordered_by: dict[str, str] = {}
        prompts.context = context.needed(counts, prompts, config)
        with closing(start(context=prompts.context, patience=math.inf)) as engine:
            emit(EngineStarted(time.monotonic() - began))
            dtype = engine.limits.dtype
            _warm_up(engine, planned, prompts)
            epoch = time.time()  # of every pass: a deadline leaves each of them as much time
            for turn in range(repeat):
                # There and back again, so that a machine that gets slower or faster does so for all.
                for policy in policies if turn % 2 == 0 else reversed(policies):
                    emit(Passing(policy, turn + 1, repeat))
                    engine.reset_prefix_cache()
                    with TemporaryDirectory(dir=scratch) as copy:
                        database.copy(planned.folder / database.NAME, Path(copy) / database.NAME)
                        with Ledger(Path(copy)) as ledger:
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
    figures = {policy: [once.figures for once in done] for policy, done in passes.items()}
    found = {
        "schema": SCHEMA,
        "started": started.isoformat(timespec="seconds"),
        "model": config.model.name,
        **facts,
        "dtype": dtype,
        "context": prompts.context,
        "engine": dict(config.arguments),
        "tasks": config.names,
        "unit": _unit(config),
        "rows": counts.rows,
        "jobs": passes[policies[0]][0].jobs,
        "requests": counts.requests,
        "sla": dict(config.sla),
        "ageing": config.ageing,
        "max_wait_s": None if config.max_wait == math.inf else config.max_wait,
        "repeat": repeat,
        "policies": {
            policy: {
                "ordered_by": ordered_by[policy],
                **_summary(figures[policy]),
                "done_s": [once.done for once in passes[policy]],
            }
            for policy in policies
        },
        "against_first": {policy: _ratios(figures[policies[0]], figures[policy]) for policy in policies[1:]},
    }
    return {**found, "verdict": [_verdict(found, policy) for policy in policies[1:]]}


def _unit(config: Config) -> str:
    """Return what a job is about, by a word for it."""
    if len(config.tasks) > 1:
        return "job"
    return "query" if config.tasks[0].unit == "query" else "restaurant"


def _warm_up(engine: Engine, ledger: Ledger, prompts: Prompts) -> None:
    """Have the engine run a full step, the first of which takes longer than any other."""
    waiting = chain.from_iterable(ledger.requests.waiting(job.id) for job in ledger.jobs.waiting(0))
    first = {request.id: request for request in islice(waiting, engine.limits.max_num_seqs)}
    engine.submit([Request(id_, prompts.prompt(request), prompts.sampling(request)) for id_, request in first.items()])
    left = len(first)
    while left:
        left -= len(engine.step(math.inf))


def _pass(ledger: Ledger, todo: Backlog, engine: Engine, answers: int, *, emit: Emit) -> Pass:
    """Do the work once, and return what it took."""
    costing = todo.costing
    ledger.note(engine_up=costing.clock.epoch, sla=dict(costing.config.sla))
    stages = Stages(ledger, costing.prompts, costing.config)
    stats = Loop(ledger, stages, todo, engine, answers=answers).run(emit)
    ledger.note(makespan_s=stats.makespan_s)
    with closing(database.read(ledger.folder / database.NAME)) as db:
        run = history.last_run(db)
        assert run is not None  # noqa: S101  it is this one
        took = times.read(db, run.number)
    requests, jobs = times.of_requests(took), times.of_jobs(took, run.facts)
    done = times.parts(took.complete["last_token"]).round(3).tolist()
    figures = {
        "makespan_s": stats.makespan_s,
        **{f"job_completion_{name}_s": value for name, value in jobs["completion_s"].items()},
        **{f"request_completion_{name}_s": value for name, value in requests["completion_s"].items()},
        **{f"ttft_{name}_s": value for name, value in requests["ttft_s"].items()},
        "goodput_per_min": jobs["goodput_per_min"],
        "sla_attainment": jobs["sla_attainment"],
        "longest_wait_s": jobs["longest_wait_s"],
    }
    return Pass(jobs["count"], figures, done)


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


def _verdict(found: Mapping[str, Any], policy: str) -> str:
    """Say what a policy changes against the first."""
    first, repeat = next(iter(found["policies"])), found["repeat"]

    def after(name: str) -> str:
        ratio = found["against_first"][policy].get(name)
        if not ratio:
            return "after no telling how long"
        now, before = (said.seconds(found["policies"][of][name]["median"]) for of in (policy, first))
        noise = ", within the noise" if repeat > 1 and not ratio["more_than_noise"] else ""
        return f"after {now} in place of {before} ({ratio['median']:.2f}x{noise})"

    half, all_ = after("job_completion_p50_s"), after("makespan_s")
    sentence = (
        f"{policy} against {first}: half of the {said.several(found['unit'])} were done {half}, all of the work {all_}"
    )
    return sentence if repeat > 1 else f"{sentence}; one pass each says nothing about noise"
