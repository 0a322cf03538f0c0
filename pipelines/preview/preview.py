"""The preview: what a run would do, in which order and how long it should take, without an engine."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.clock import Clock
from pipelines.config import Config
from pipelines.dispatch import backlog
from pipelines.dispatch.backlog import Backlog, Costing
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.engine.interface import Limits
from pipelines.events import Emit
from pipelines.ledger import counts, damage, database
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import StoredJob
from pipelines.preview import sizing
from pipelines.prompts.prompts import Prompts
from pipelines.questions import context
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages
from scheduling.job import Job
from scheduling.prefix import PrefixCache
from scheduling.speed import Speed, Work
from scheduling.window import Window

SCHEMA = 2
BLOCKS = 1 << 16  # of the KV cache, whose size only the started engine knows
REJECTS, SHOWN = 100, 5  # how many rejects, and jobs at either end, are listed


def preview(
    output: Path,
    config: Config,
    limits_for: Callable[[int], Limits],
    speed: Speed | None,
    *,
    emit: Emit,
    speeds: Sequence[float] = (1.0,),
    apart: bool = True,
    start: float | None = None,
) -> dict[str, Any]:
    """Return what `run` would do now with this config and output folder, which is left as it is.

    `limits_for` says what an engine with a context of so many tokens is set up for. There are to be replicas of such
    `speeds`, in multiples of the `speed`, on hardware of their own if they are `apart`; one took `start` seconds to
    start in another run. `docs/scheduling.md` describes every field. Raises CorpusError when the input holds no rows.
    """
    damage.refuse(output)
    with TemporaryDirectory() as scratch:
        if (output / database.NAME).exists():
            database.copy(output / database.NAME, Path(scratch) / database.NAME)
        with Ledger(Path(scratch)) as ledger:
            prompts = Prompts(config.model, config.arguments, config.templates)
            rows = ingestion(ledger, prompts, Stages(ledger, prompts, config), config, emit=emit)
            rows.begin({})
            rows.fill(emit)
            counts = ledger.counts()
            prompts.context = context.needed(counts, prompts, config)
            limits = limits_for(prompts.context)
            costing = Costing(
                prompts=prompts,
                config=config,
                block_size=limits.block_size,
                speed=speed,
                clock=Clock(),
                speeds=speeds,
            )
            todo = backlog.make(ledger, costing)
            stored = list(ledger.jobs.waiting(limits.block_size))
            names = _names(stored)
            batches, ends = _walk(ledger, limits, todo, names)
            later = sum(todo.later.values(), Work())
            requests = sum(batch["requests"] for batch in batches)
            return {
                "schema": SCHEMA,
                "model": config.model.name,
                "corpus": rows.facts()["corpus"],
                "rows": _rows(ledger.folder),
                "rejects": [asdict(reject) for reject in islice(ledger.rows.rejects(), REJECTS)],
                "requests": requests,
                "anchors": counts.anchors,
                "prompt_tokens": sum(batch["prompt_tokens"] for batch in batches),
                "shared_tokens": sum(batch["prompt_tokens"] - batch["cost"] for batch in batches),
                "cost": sum(batch["cost"] for batch in batches),
                "later": {"requests": round(later.requests), "prompt_tokens": round(later.prefilled)},
                "policy": config.policy,
                "ordered_by": todo.policy,
                "why": todo.why,
                "context": prompts.context,
                "model_context": config.model.context,
                "engine": asdict(limits),
                "predicted": todo.prediction and todo.prediction.figures(),
                "replicas": sizing.figures(todo, requests, ledger.last_start() or start, names, apart=apart),
                "jobs": _jobs(stored, todo, ends, names),
                "batches": batches,
            }


def _walk(
    ledger: Ledger, limits: Limits, todo: Backlog, names: Mapping[int, str]
) -> tuple[list[dict[str, Any]], dict[int, float]]:
    """Go through the requests in order and predicted time; return the batches, and when each job is complete."""
    prompts, speed = todo.costing.prompts, todo.costing.speed
    requests = RequestQueue(todo.queue(), ledger.requests.waiting)
    window = Window(limits.max_num_seqs, limits.max_num_batched_tokens)
    cache = PrefixCache(limits.block_size, BLOCKS)
    batches: list[dict[str, Any]] = []
    ends: dict[int, float] = {}
    now, last = 0.0, todo.prediction.makespan if todo.prediction else 0.0
    while following := requests.peek(now):
        request, turn = following
        requests.take()
        prompt = prompts.prompt(request)
        cost = len(prompt) - cache.cached(prompt)
        cache.add(prompt)
        if not batches or not window.can_admit(cost):
            window = Window(limits.max_num_seqs, limits.max_num_batched_tokens)
            batches.append({"jobs": {}, "requests": 0, "prompt_tokens": 0, "cost": 0, "ends_s": None})
        window.admit(request.id, cost)
        batch = batches[-1]
        if not turn.job.pinned:
            batch["jobs"][names[turn.job.id]] = None
        batch["requests"] += 1
        batch["prompt_tokens"] += request.prompt_tokens
        batch["cost"] += cost
        if speed:
            predicted = speed.predict(request.task, Work(cost, 1, request.expected_output_tokens))
            began, now = now, now + todo.costing.together(predicted)
            alone = began + predicted.prefill  # by when one replica would have read it
            # How long an answer takes was learned among others under way; at the end there are none.
            end = min(max(now, alone) + predicted.tail, max(now, last))
            batch["ends_s"] = max(batch["ends_s"] or 0.0, end)
            ends[turn.job.id] = max(ends.get(turn.job.id, 0.0), end)
    return [{**batch, "jobs": list(batch["jobs"])} for batch in batches], ends


def _jobs(
    stored: Sequence[StoredJob], todo: Backlog, ends: Mapping[int, float], names: Mapping[int, str]
) -> dict[str, Any]:
    asked = {job.id: job.requests for job in stored}
    ranked = sorted((job for job in todo.jobs if not job.pinned), key=lambda job: (job.cost, job.position))

    def shown(job: Job) -> dict[str, Any]:
        ends_s = None if todo.later.get(job.id, Work()).requests else ends.get(job.id)
        return {"job": names[job.id], "requests": asked[job.id], "cost": job.cost, "ends_s": ends_s}

    return {
        "count": len(ranked),
        "smallest": [shown(job) for job in ranked[:SHOWN]],
        "largest": [shown(job) for job in reversed(ranked[-SHOWN:])],
    }


def _names(jobs: Sequence[StoredJob]) -> dict[int, str]:
    """Return what people call each job: its unit, and its task where there is more than one."""
    several = len({job.task for job in jobs}) > 1
    return {job.id: f"{job.unit}: {job.task}" if several else job.unit for job in jobs}


def _rows(folder: Path) -> dict[str, Any]:
    with closing(database.read(folder / database.NAME)) as db:
        return counts.rows(db)
