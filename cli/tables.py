"""Tables: a report as people read it."""

from pathlib import Path
from typing import Any

from rich.table import Table

from cli.progress import band, clock
from cli.screen import people, say
from pipelines.times import STATISTICS, TITLES


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
        people.print("rejects: " + counted(rows["rejects_by_reason"]))
    if run.get("predicted") and run["status"] == "done":
        off = run["makespan_s"] / run["predicted"]["makespan_s"] - 1
        say(f"planned {band(run['predicted'])}, took {clock(run['makespan_s'])}: {off:+.0%}")
    start = f", engine start {run['engine_start_s']:.1f} s" if "engine_start_s" in run else ""
    policy = run["policy"] if run.get("ordered_by", run["policy"]) == run["policy"] else ordered_by(run)
    say(f"run {run['number']} {run['status']}: {run['model']} on {run['device']}, policy {policy}{start}")


def ordered_by(by: dict[str, Any]) -> str:
    """Name the policy asked for and the one that orders, of a report or a plan."""
    return f"{by['policy']}, which is {by['ordered_by']} here"


def counted(reasons: dict[str, int]) -> str:
    """List reasons with how often each came."""
    return ", ".join(f"{reason} {n:,}" for reason, n in reasons.items())


def _jobs(task: dict[str, Any], run: dict[str, Any]) -> str:
    jobs = task["jobs"]
    if not jobs["completed"]:
        return f"{jobs['count']:,} jobs, none of them complete"
    completion = ", ".join(f"{name} {jobs['completion_s'][name]:,.1f} s" for name in STATISTICS)
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
    for column in STATISTICS:
        table.add_column(column, justify="right")
    for title, key in TITLES.items():
        table.add_row(title, *(f"{task[key][column]:,.3f}" for column in STATISTICS))
    return table


def show_files(output: Path) -> None:
    """Print where the files of a run are."""
    for file in sorted(output.glob("results/*")) + [
        output / name
        for name in ("rejects.jsonl", "report.json", "report.html", "metrics.prom", "run.sqlite", "engine.log")
    ]:
        if file.exists():
            say(str(file))
