"""Tables: a report as people read it."""

from pathlib import Path
from typing import Any

from rich.table import Table

from cli.progress import clock
from cli.screen import people, say

SPANS = {"queue wait": "queue_wait_s", "TTFT": "ttft_s", "prefill": "prefill_s", "decode": "decode_s"}


def show(report: dict[str, Any]) -> None:
    """Print a report."""
    run, rows = report["run"], report["rows"]
    for name, task in report["tasks"].items():
        _labels(run.get("labels"))
        if task["requests"]:
            people.print(_work(name, task))
            people.print(_spans(task))
    totals = [f"[green]{rows['answered']:,}[/] answered", f"[red]{rows['rejected']:,}[/] rejected"]
    if rows["waiting"]:
        totals.append(f"[yellow]{rows['waiting']:,}[/] waiting")
    people.print(f"[bold]{rows['in']:,}[/] rows = " + " + ".join(totals))
    if rows["rejects_by_reason"]:
        people.print("rejects: " + ", ".join(f"{reason} {n:,}" for reason, n in rows["rejects_by_reason"].items()))
    start = f", engine start {run['engine_start_s']:.1f} s" if "engine_start_s" in run else ""
    say(f"run {run['number']} {run['status']}: {run['model']} on {run['device']}, policy {run['policy']}{start}")


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
    for column in ("mean", "p50", "p90", "p99"):
        table.add_column(column, justify="right")
    for title, key in SPANS.items():
        table.add_row(title, *(f"{task[key][column]:,.3f}" for column in ("mean", "p50", "p90", "p99")))
    return table


def show_files(output: Path) -> None:
    """Print where the files of a run are."""
    for file in sorted(output.glob("results/*")) + [
        output / name for name in ("rejects.jsonl", "report.json", "run.sqlite", "engine.log")
    ]:
        if file.exists():
            say(str(file))
