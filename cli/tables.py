"""Tables: a report as people read it."""

from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from cli.progress import band, clock
from cli.screen import people, say

SPANS = {
    "queue wait": "queue_wait_s",
    "TTFT": "ttft_s",
    "prefill": "prefill_s",
    "decode": "decode_s",
    "completion": "completion_s",
}
COLUMNS = ("mean", "p50", "p90", "p99")
FIGURES = {
    "makespan": "makespan_s",
    **{f"job {name}": f"job_completion_{name}_s" for name in COLUMNS},
    **{f"request {name}": f"request_completion_{name}_s" for name in COLUMNS},
    **{f"TTFT {name}": f"ttft_{name}_s" for name in COLUMNS},
    "longest wait": "longest_wait_s",
    "goodput, jobs/min": "goodput_per_min",
    "SLA attainment": "sla_attainment",
}
LISTED = 5


def show(report: dict[str, Any]) -> None:
    """Print a report."""
    run, rows = report["run"], report["rows"]
    for name, task in report["tasks"].items():
        _labels(run.get("labels"))
        if task["requests"]:
            people.print(_work(name, task), soft_wrap=True)
            people.print(_spans(task))
            people.print(_jobs(task, run), soft_wrap=True)
    totals = [f"[green]{rows['answered']:,}[/] answered", f"[red]{rows['rejected']:,}[/] rejected"]
    if rows["waiting"]:
        totals.append(f"[yellow]{rows['waiting']:,}[/] waiting")
    people.print(f"[bold]{rows['in']:,}[/] rows = " + " + ".join(totals))
    if rows["rejects_by_reason"]:
        people.print("rejects: " + _counted(rows["rejects_by_reason"]))
    if run.get("predicted") and run["status"] == "done":
        off = run["makespan_s"] / run["predicted"]["makespan_s"] - 1
        say(f"planned {band(run['predicted'])}, took {clock(run['makespan_s'])}: {off:+.0%}")
    start = f", engine start {run['engine_start_s']:.1f} s" if "engine_start_s" in run else ""
    policy = run["policy"] if run.get("ordered_by", run["policy"]) == run["policy"] else _ordered(run)
    say(f"run {run['number']} {run['status']}: {run['model']} on {run['device']}, policy {policy}{start}")


def show_plan(plan: dict[str, Any]) -> None:
    """Print what a run would do."""
    rows, jobs, predicted = plan["rows"], plan["jobs"], plan["predicted"]
    people.print(
        f"[bold]{rows['in']:,}[/] rows: {rows['answered']:,} answered before, {rows['rejected']:,} to be rejected, "
        f"[bold]{plan['requests']:,}[/] requests to ask in {jobs['count']:,} jobs",
        soft_wrap=True,
    )
    for reject in plan["rejects"][:LISTED]:
        say(f"  would reject {reject['source']} row {reject['row']}: {reject['reason']}, {reject['detail']}")
    if rows["rejected"] > LISTED:
        people.print("  in all: " + _counted(rows["rejects_by_reason"]))
    if not plan["requests"]:
        return
    people.print(
        f"{plan['prompt_tokens']:,} prompt tokens, {plan['shared_tokens']:,} of them shared in KV blocks of "
        f"{plan['engine']['block']}: {plan['cost']:,} to compute",
        soft_wrap=True,
    )
    people.print(_sizes("smallest jobs", jobs["smallest"]))
    if jobs["count"] > len(jobs["smallest"]):
        people.print(_sizes("largest jobs", jobs["largest"]))
    people.print(_batches(plan["batches"]))
    say(f"order: {plan['policy'] if plan['policy'] == plan['ordered_by'] else _ordered(plan)}")
    if plan["why"]:
        say(plan["why"])
    if predicted:
        parts = f"prefill {predicted['prefill_s']:,.1f} s, decode {predicted['decode_s'] + predicted['tail_s']:,.1f} s"
        say(f"should take {band(predicted)} once the engine is up: {parts}")
    else:
        say("too little has been measured of this model on this machine to say how long it takes")


def show_comparison(compared: dict[str, Any]) -> None:
    """Print what an order changes: medians over the passes, with the least and the most."""
    policies = compared["policies"]
    spread = f"medians of {compared['repeat']}, ± half of what lies between the least and the most"
    people.print(f"seconds to completion: {spread}", style="italic", soft_wrap=True)
    table = Table("")
    for policy, figures in policies.items():
        by = figures["ordered_by"]
        table.add_column(policy if by == policy else f"{policy} ({by})", justify="right", no_wrap=True)
    for policy in compared["against_first"]:
        table.add_column(f"{policy} / {next(iter(policies))}", justify="right", no_wrap=True)
    for title, name in FIGURES.items():
        if all(name in figures for figures in policies.values()):
            ratios = [found.get(name) for found in compared["against_first"].values()]
            table.add_row(
                title,
                *(_spread(figures[name]) for figures in policies.values()),
                *(f"{ratio['median']:.2f}x" if ratio else "" for ratio in ratios),
            )
    people.print(table)
    for sentence in compared["verdict"]:
        say(sentence)


def _spread(figure: dict[str, float]) -> str:
    return f"{figure['median']:,.2f} [dim]±{(figure['high'] - figure['low']) / 2:,.2f}[/]"


def _sizes(title: str, jobs: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("job", max_width=40, no_wrap=True, overflow="ellipsis")
    for column in ("requests", "tokens to compute", "done after"):
        table.add_column(column, justify="right")
    for job in jobs:
        table.add_row(Text(job["unit"]), f"{job['requests']:,}", f"{job['cost']:,}", clock(job["ends_s"]))
    return table


def _batches(batches: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{len(batches):,} batches, in order", title_justify="left")
    for column in ("batch", "jobs", "requests", "prompt tokens", "tokens to compute", "done after"):
        table.add_column(column, justify="right")
    shown = list(enumerate(batches, start=1))
    if len(shown) > 2 * LISTED:
        shown = [*shown[:LISTED], (0, {}), *shown[-LISTED:]]
    for number, batch in shown:
        if not number:
            table.add_row(*["…"] * 6)
            continue
        figures = (len(batch["jobs"]), batch["requests"], batch["prompt_tokens"], batch["cost"])
        table.add_row(f"{number:,}", *(f"{figure:,}" for figure in figures), clock(batch["ends_s"]))
    return table


def _ordered(by: dict[str, Any]) -> str:
    return f"{by['policy']}, which is {by['ordered_by']} here"


def _counted(reasons: dict[str, int]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in reasons.items())


def _jobs(task: dict[str, Any], run: dict[str, Any]) -> str:
    jobs = task["jobs"]
    if not jobs["completed"]:
        return f"{jobs['count']:,} jobs, none of them complete"
    completion = ", ".join(f"{name} {jobs['completion_s'][name]:,.1f} s" for name in COLUMNS)
    sent, dry, steps = (run.get(name, 0) for name in ("sent_by_max_wait", "dry_steps", "steps"))
    said = (
        f"{jobs['completed']:,} of {jobs['count']:,} jobs complete after: {completion}\n"
        f"longest wait {jobs['longest_wait_s']:,.1f} s, {sent:,} sent by the maximum wait; "
        f"{task['preemptions']:,} preemptions; {dry:,} of {steps:,} steps ran dry"
    )
    if not jobs["promised"]:
        return said
    return (
        f"{said}\nin time {jobs['met']:,} of {jobs['promised']:,} ({jobs['sla_attainment']:.0%}), "
        f"goodput {jobs['goodput_per_min']:,.1f} jobs/min"
    )


def _labels(labels: dict[str, int] | None) -> None:
    total = sum((labels or {}).values())
    if not labels or not total:
        return
    table = Table(title="labels", title_justify="left", box=None, show_header=False, padding=(0, 1))
    for label, n in labels.items():
        table.add_row(label, f"{n:,}", f"{n / total:.0%}", "█" * round(40 * n / total))
    people.print(table)


def _work(name: str, task: dict[str, Any]) -> str:
    cached, took = task["cached_tokens"] / task["prompt_tokens"], clock(task["makespan_s"])
    return (
        f"[bold]{name}[/]: {task['requests']:,} requests for {task['reviews']:,} reviews in {took}, "
        f"[bold]{task['reviews_per_s']:,.1f}[/] reviews/s\n"
        f"prompt tokens {task['prompt_tokens']:,}, {cached:.0%} of them cached; output tokens {task['output_tokens']:,}"
    )


def _spans(task: dict[str, Any]) -> Table:
    table = Table(title="seconds per request", title_justify="left")
    table.add_column("")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for title, key in SPANS.items():
        table.add_row(title, *(f"{task[key][column]:,.3f}" for column in COLUMNS))
    return table


def show_files(output: Path) -> None:
    """Print where the files of a run are."""
    for file in sorted(output.glob("results/*")) + [
        output / name
        for name in ("rejects.jsonl", "report.json", "report.html", "metrics.prom", "run.sqlite", "engine.log")
    ]:
        if file.exists():
            say(str(file))
