"""The hours: where the time of a run went, what held it back, and what another order would have given."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from pipelines.corpus.reject import Reason
from pipelines.ledger import history
from pipelines.output.page import said
from pipelines.output.times import Numbers, Table, Times

BEFORE = ("program start", "reading", "engine start", "ordering")  # parts that precede the first answer
# Shares at which something is what holds a run back.
PREEMPTED, STARTING, IDLE, DRY = 0.05, 0.5, 0.3, 0.3
OF_NO_USE = (Reason.TRUNCATED, Reason.MALFORMED, Reason.NO_SCORES, Reason.POISON)  # though the engine has worked for it
TURNS = 0.5  # of the engine's time: where jobs take more of it on average, they do not take turns
ALL = 0.9  # of the requests, which are under way at once when there is little else to come


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the time: what was done in it, in a few words and in full, and its seconds."""

    name: str
    meaning: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The time of a run: all of it (`wall`), its parts, and its complete jobs in input order.

    Of each of these `costs` has the seconds that the engine worked for it, and `by_input` when it would have been
    complete in the order of the input; nothing where jobs did not take turns. For what no job asks, and no other run
    has to ask, the engine worked `once` so many seconds. It had everything in it `at_once` where no more would go in.
    """

    wall: float
    parts: list[Part]
    jobs: Table
    costs: Numbers
    by_input: Numbers
    once: float
    at_once: bool


def of(took: Times, run: Mapping[str, Any]) -> Hours:
    """Return where the time of a run went, as far as it has come."""
    work, jobs = took.requests, took.complete
    up = run.get("makespan_s") or float(work["last_token"].max(initial=0.0))
    # Of shards that were merged the engines worked longer all together than the one that took longest.
    busy = min(_covered(work["scheduled"], work["last_token"]), up)
    prefill = min(_covered(work["scheduled"], work["first_token"]), busy)
    order = min(run.get("order_s", 0.0), up)
    idle = max(up - order - busy, 0.0)
    restarts = min(run.get("restart_s", 0.0), idle)
    parts = [
        Part("program start", "loading this program, and making the model ready", run.get("program_start_s", 0.0)),
        Part("reading", "reading the input and making prompts of it", run.get("plan_s", 0.0)),
        Part("engine start", "loading the model into the engine", run.get("engine_start_s", 0.0)),
        Part("ordering", "costing the jobs and putting them in order", order),
        Part("prompts", "the engine reads prompts, and writes answers beside (prefill)", prefill),
        Part("answers", "the engine only writes answers (decode)", busy - prefill),
        Part(
            "idle",
            "the engine waits for this program, or its work was lost: it died, or what it wrote was no answer",
            idle - restarts,
        ),
        Part("restarts", "an engine that died is started again", restarts),
        Part("engine stop", "ending the engine and its processes", run.get("engine_stop_s", 0.0)),
        Part("writing", "writing the results", run.get("write_s", 0.0)),
    ]
    known = sum(part.seconds for part in parts)
    # Of older runs there are moments to the second, so that a short one has a little more than between them.
    wall = run.get("wall_s") or max(known, _between(run))
    parts.append(Part("other", "what nobody measures", max(wall - known, 0.0)))
    # A request costs its shares of the time in which the engine read prompts, by tokens computed, and of that in which
    # it only wrote, by tokens written.
    by_request = prefill * _part(work["computed"]) + (busy - prefill) * _part(work["decoded"])
    costs, by_input = _costs(work, jobs, by_request)
    spans = jobs["last_token"] - jobs["first_scheduled"]
    return Hours(
        wall=wall,
        parts=parts,
        jobs=jobs,
        costs=costs,
        by_input=by_input if len(jobs) and spans.mean() <= TURNS * busy else np.zeros(0),
        once=float(by_request[~np.isin(work["job"], took.jobs["job"])].sum()),
        at_once=bool(len(work)) and bool((work["last_token"] > work["scheduled"].max()).mean() > ALL),
    )


def bottleneck(report: Mapping[str, Any], hours: Hours, lost: int) -> tuple[str, str]:
    """Return what held the run back, by name, and what to change; of so many requests the answers were `lost`."""
    seconds = {part.name: part.seconds for part in hours.parts}
    engine = sum(seconds[name] for name in ("prompts", "answers", "idle"))
    requests = sum(task["requests"] for task in report["tasks"].values())
    preempted = sum(task["preemptions"] for task in report["tasks"].values())
    steps = report["run"].get("steps") or 0
    if lost > requests or not requests:
        return _without_answers(lost, report["rows"]["waiting"])
    if preempted > PREEMPTED * requests:
        return "KV-cache-bound", (
            f"The engine ran out of room for texts under way: {said.many(preempted, 'time')} it put one back. "
            "Give it more (--engine gpu_memory_utilization=0.95), or fewer at once (--engine max_num_seqs=32)."
        )
    if sum(seconds[name] for name in BEFORE) > STARTING * hours.wall:
        return "start-bound", "Most of the time went before the first answer. More reviews in a run cost little more."
    if seconds["idle"] > IDLE * engine or report["run"].get("dry_steps", 0) > DRY * max(steps, 1):
        return "host-bound", (
            "The engine waited for this program or the disk, or there was too little to keep it full. Put the output "
            "on a local disk, leave the machine alone, and run several tasks at once."
        )
    if seconds["answers"] > seconds["prompts"]:
        change = (
            "All of it was in the engine at once, so that more reviews in a run cost little more; shorter answers help."
            if hours.at_once
            else "Let more run at once (a greater --engine max_num_seqs), or ask for shorter answers."
        )
        return "decode-bound", f"Most of the time went into writing answers, token by token. {change}"
    return "prefill-bound", (
        "Most of the time went into reading prompts, which is the work itself. A smaller model, a faster card or "
        "processor, or shorter texts make it faster; the order only decides who waits."
    )


def _without_answers(lost: int, waiting: int) -> tuple[str, str]:
    """Return why there are few answers, or none: so many were of no use, so many rows are still to ask."""
    if lost:
        return "answers of no use", (
            "Most of what the engine wrote was no answer, or was cut off. What to do about it stands with the rejects."
        )
    if waiting:
        return "no answer yet", "No answer of this run has come yet, or it ended before one did."
    return "nothing was asked", "All answers were there already, or no row could be asked about."


def throughput(db: sqlite3.Connection, number: int, took: Times, slices: int) -> tuple[Numbers, Numbers]:
    """Return the edges of equal slices of a run, and the prompt tokens computed a second in each."""
    requests, began, ended = history.answered_between(db, number)
    if not requests or ended <= began:
        return np.zeros(0), np.zeros(0)
    work = took.requests
    done, edges = np.histogram(work["first_token"], slices, (began, ended), weights=work["computed"])
    return edges, done / (ended - began) * slices


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


def _costs(work: Table, complete: Table, costs: Numbers) -> tuple[Numbers, Numbers]:
    """Return what each complete job cost, and when it would have been so, had they gone one by one as in the input."""
    if not len(complete) or not len(work):
        return np.zeros(len(complete)), np.zeros(0)
    jobs, ids = np.maximum(work["job"], 0), complete["job"]
    by_job = np.bincount(jobs, weights=costs, minlength=int(max(ids.max(), jobs.max())) + 1)
    return by_job[ids], float(work["scheduled"].min()) + by_job.cumsum()[ids]


def _part(amounts: Numbers) -> Numbers:
    return amounts / (amounts.sum() or 1)
