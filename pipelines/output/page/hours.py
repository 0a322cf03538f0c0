"""The hours: where the time of a run went, what held it back, and what another order would have given."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.ledger import history
from pipelines.output.page import said

Numbers = NDArray[np.float64]
JOB, SCHEDULED, FIRST, LAST, COMPUTED, DECODED = range(6)  # columns of `history.request_work`
# Shares at which something is what holds a run back.
PREEMPTED, STARTING, IDLE, DRY = 0.05, 0.5, 0.3, 0.3


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the time: what was done in it, in a few words and in full, and its seconds."""

    name: str
    meaning: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The time of a run: all of it (`wall`), its parts, and in `shortest` what another order would have given.

    `work` has a line for each request, `spans` for each complete job in input order, from its start to its end;
    `by_input` is when each would have been complete in the order of the input.
    """

    wall: float
    parts: list[Part]
    work: Numbers
    spans: list[dict[str, Any]]
    by_input: Numbers


def of(db: sqlite3.Connection, number: int, run: Mapping[str, Any]) -> Hours:
    """Return where the time of a run went, as far as it has come."""
    work: Numbers = np.fromiter(history.request_work(db, number), dtype=np.dtype((np.float64, 6)))
    spans = history.job_spans(db)
    prefill = _covered(work[:, SCHEDULED], work[:, FIRST])
    busy = _covered(work[:, SCHEDULED], work[:, LAST])
    up = run.get("makespan_s") or float(work[:, LAST].max(initial=0.0))
    order = min(run.get("order_s", 0.0), up)
    parts = [
        Part("reading", "reading the input and making prompts of it", run.get("plan_s", 0.0)),
        Part("engine start", "loading vLLM and the model", run.get("engine_start_s", 0.0)),
        Part("ordering", "costing the jobs and putting them in order", order),
        Part("prompts", "the engine reads prompts, and writes answers beside (prefill)", prefill),
        Part("answers", "the engine only writes answers (decode)", busy - prefill),
        Part("idle", "the engine has nothing: it waits for this program, or restarts", max(up - order - busy, 0.0)),
    ]
    known = sum(part.seconds for part in parts)
    # Moments are written down to the second, so that a short run has a little more than between them.
    wall = max(known, _between(run))
    parts.append(Part("other", "stopping the engine, writing results, and what nobody measures", wall - known))
    return Hours(wall=wall, parts=parts, work=work, spans=spans, by_input=_by_input(work, spans, prefill, busy))


def bottleneck(report: Mapping[str, Any], hours: Hours) -> tuple[str, str]:
    """Return what held the run back, by name, and what to change."""
    seconds = {part.name: part.seconds for part in hours.parts}
    engine = sum(seconds[name] for name in ("prompts", "answers", "idle"))
    requests = sum(task["requests"] for task in report["tasks"].values())
    preempted = sum(task["preemptions"] for task in report["tasks"].values())
    steps = report["run"].get("steps") or 0
    if not requests:
        return "nothing was asked", "All answers were there already, or no row could be asked about."
    if preempted > PREEMPTED * requests:
        return "KV-cache-bound", (
            f"The engine ran out of room for texts under way: {said.many(preempted, 'time')} it put one back. "
            "Give it more (--engine gpu_memory_utilization=0.95), or fewer at once (--engine max_num_seqs=32)."
        )
    if seconds["reading"] + seconds["engine start"] + seconds["ordering"] > STARTING * hours.wall:
        return "start-bound", "Most of the time went before the first answer. More reviews in a run cost little more."
    if seconds["idle"] > IDLE * engine or report["run"].get("dry_steps", 0) > DRY * max(steps, 1):
        return "host-bound", (
            "The engine waited for this program or the disk, or there was too little to keep it full. Put the output "
            "on a local disk, leave the machine alone, and run several tasks at once."
        )
    if seconds["answers"] > seconds["prompts"]:
        return "decode-bound", (
            "Most of the time went into writing answers, token by token. Let more run at once "
            "(--engine max_num_seqs=256), or ask for shorter answers."
        )
    return "prefill-bound", (
        "Most of the time went into reading prompts, which is the work itself. A smaller model, a faster card or "
        "processor, or shorter texts make it faster; the order only decides who waits."
    )


def throughput(db: sqlite3.Connection, number: int, slices: int) -> tuple[Numbers, Numbers]:
    """Return the edges of equal slices of a run, and the prompt tokens computed a second in each."""
    requests, began, ended = history.answered_between(db, number)
    if not requests or ended <= began:
        return np.zeros(0), np.zeros(0)
    done = history.work_by_slice(db, number, began, ended, slices=slices)
    return np.linspace(began, ended, slices + 1), np.array([row[0] for row in done]) / (ended - began) * slices


def _between(run: Mapping[str, Any]) -> float:
    if "finished" not in run:
        return 0.0
    return (datetime.fromisoformat(run["finished"]) - datetime.fromisoformat(run["started"])).total_seconds()


def _covered(since: Numbers, until: Numbers) -> float:
    """Return how many seconds at least one of some spans covers."""
    order = since.argsort()
    since, until = since[order], until[order]
    reached = np.maximum.accumulate(until) if len(until) else until
    before = np.concatenate([since[:1], reached[:-1]])
    return float(np.maximum(reached - np.maximum(since, before), 0.0).sum())


def _by_input(work: Numbers, spans: list[dict[str, Any]], prefill: float, busy: float) -> Numbers:
    """Return when each complete job would have been so, had the jobs gone one after the other as in the input.

    A job costs its requests' shares of the time in which the engine read prompts, by tokens computed, and of that in
    which it only wrote, by tokens written.
    """
    if not spans or not len(work):
        return np.zeros(0)
    costs = prefill * _part(work[:, COMPUTED]) + (busy - prefill) * _part(work[:, DECODED])
    jobs = np.maximum(work[:, JOB], 0).astype(int)
    ids = np.array([span["job"] for span in spans])
    by_job = np.bincount(jobs, weights=costs, minlength=int(max(ids.max(), jobs.max())) + 1)
    moments: Numbers = float(work[:, SCHEDULED].min()) + by_job.cumsum()[ids]
    return moments


def _part(amounts: Numbers) -> Numbers:
    total = float(amounts.sum()) or 1.0
    return np.asarray(amounts / total, dtype=np.float64)
