"""Tables: a plan as people read it."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from cli import tables
from cli.durations import band, clock
from cli.screen import people, say
from pipelines.output.page import said
from pipelines.output.page.said import many

LISTED = 5
ALIKE = 1.1  # times as fast, and no more: what two measurements of one engine differ by
BOUNDS = {"work": "the work", "request": "longest request", "start": "engine's start"}


def show(plan: dict[str, Any]) -> None:
    """Print what a run would do."""
    rows, jobs, predicted = plan["rows"], plan["jobs"], plan["predicted"]
    asked = f"[bold]{many(plan['requests'], 'request')}[/] to ask in {many(jobs['count'], 'job')}"
    asked += f", {plan['anchors']:,} of them anchors, for the calibration" if plan["anchors"] else ""
    people.print(
        f"[bold]{many(rows['in'], 'row')}[/]: {rows['answered']:,} answered before, "
        f"{rows['rejected']:,} to be rejected, {asked}",
        soft_wrap=True,
    )
    tables.would_reject(plan["rejects"][:LISTED])
    if rows["rejected"] > LISTED:
        people.print("  in all: " + tables.counted(rows["rejects_by_reason"]))
    for line in tables.corpus(plan["corpus"]):
        say(line)
    if not plan["requests"]:
        return
    blocks = plan["engine"]["block_size"]
    shared = (
        f", {plan['shared_tokens']:,} of them shared in KV blocks of {blocks}" if blocks else ", none of them shared"
    )
    people.print(f"{plan['prompt_tokens']:,} prompt tokens{shared}: {plan['cost']:,} to compute", soft_wrap=True)
    if plan["later"]["requests"]:
        later = plan["later"]
        people.print(
            f"then about {many(later['requests'], 'request')} of next stages, {later['prompt_tokens']:,} prompt tokens",
            soft_wrap=True,
        )
    say(f"context {plan['context']:,} tokens, of the model's {plan['model_context']:,}")
    timed = predicted is not None
    some = jobs["count"] > len(jobs["smallest"])
    people.print(_sizes("smallest jobs" if some else "jobs", jobs["smallest"], timed=timed))
    if some:
        people.print(_sizes("largest jobs", jobs["largest"], timed=timed))
    people.print(_batches(plan["batches"], timed=timed))
    say(f"order: {plan['policy'] if plan['policy'] == plan['ordered_by'] else tables.ordered_by(plan)}")
    if plan["why"]:
        say(plan["why"])
    if predicted:
        parts = f"prefill {predicted['prefill_s']:,.1f} s, decode {predicted['decode_s']:,.1f} s"
        many_up = "engine is" if plan["replicas"]["count"] == 1 else "engines are"
        say(f"should take {band(predicted)} once the {many_up} up: {parts}")
    else:
        say("too little has been measured of this model on this machine to say how long it takes")
    if plan["replicas"]["count"] > 1:
        _replicas(plan["replicas"])


def _replicas(replicas: dict[str, Any]) -> None:
    """Print what several replicas have to do each, and what more of them or fewer would make of it."""
    requests, jobs = (_each(replicas[name], replicas["speeds"]) for name in ("requests_each", "jobs_each"))
    say(f"{replicas['count']:,} replicas work at the same jobs together: {requests} requests each, {jobs} jobs' worth")
    if scaling := replicas["scaling"]:
        people.print(_scaling(scaling, timed=replicas["engine_start_s"] is not None))
    if longest := replicas["longest_request"]:
        say(f"the longest request takes {said.seconds(longest['seconds'])}, of {longest['job']}")
    if why := replicas["why"]:
        say(why)


def _each(mean: float, speeds: Sequence[float]) -> str:
    """Return the share of each of some replicas, of which a faster one does more."""
    least, most = min(speeds), max(speeds)
    if most <= ALIKE * least:
        return said.number(mean)
    return f"{said.number(mean * least)} to {said.number(mean * most)}"


def _scaling(rows: list[dict[str, Any]], *, timed: bool) -> Table:
    table = Table(title="with more replicas, or fewer", title_justify="left")
    for column in ("replicas", "the work takes", *["with start"] * timed):
        table.add_column(column, justify="right")
    table.add_column("bound by")
    for row in rows:
        start = [clock(row["with_start_s"])] * timed
        table.add_row(f"{row['replicas']:,}", band(row), *start, BOUNDS[row["bound_by"]])
    return table


def _sizes(title: str, jobs: list[dict[str, Any]], *, timed: bool) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("job", max_width=40, no_wrap=True, overflow="ellipsis")
    for column in ("requests", "tokens to compute", *["done after"] * timed):
        table.add_column(column, justify="right")
    for job in jobs:
        table.add_row(Text(job["job"]), f"{job['requests']:,}", f"{job['cost']:,}", *[clock(job["ends_s"])] * timed)
    return table


def _batches(batches: list[dict[str, Any]], *, timed: bool) -> Table:
    table = Table(title=f"{many(len(batches), 'batch')}, in order", title_justify="left")
    for column in ("batch", "jobs", "requests", "prompt tokens", "tokens to compute", *["done after"] * timed):
        table.add_column(column, justify="right")
    shown = list(enumerate(batches, start=1))
    if len(shown) > 2 * LISTED:
        shown = [*shown[:LISTED], (0, {}), *shown[-LISTED:]]
    for number, batch in shown:
        if not number:
            table.add_row(*["…"] * len(table.columns))
            continue
        figures = (len(batch["jobs"]), batch["requests"], batch["prompt_tokens"], batch["cost"])
        table.add_row(f"{number:,}", *(f"{figure:,}" for figure in figures), *[clock(batch["ends_s"])] * timed)
    return table
