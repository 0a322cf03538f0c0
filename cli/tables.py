"""Tables: a report as people read it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from cli.durations import band, clock, lasted
from cli.screen import people, say
from pipelines.files import FOR_PEOPLE, LEDGER, LOG, RESULTS
from pipelines.ledger.records import RunStatus
from pipelines.output.page.said import many
from pipelines.output.times import STATISTICS, TITLES

LISTED = 5  # files


def show(report: dict[str, Any]) -> None:
    """Print a report."""
    run = report["run"]
    asked = {name: task for name, task in report["tasks"].items() if task["requests"]}
    for name, task in report["tasks"].items():
        for figure in own(task, dict).values():
            bars(name, figure)
    for line in _said(report["tasks"]):
        people.print(line, soft_wrap=True)
    if len(asked) == 1:
        people.print(_spans(next(iter(asked.values()))))
    elif asked:
        people.print(_spans_by_task(asked))
    if "steps" in run:  # of a run that was stopped nobody counted them
        steps = f"{run.get('dry_steps', 0):,} of {run['steps']:,} steps ran dry"
        say(f"{run.get('sent_by_max_wait', 0):,} jobs sent by the maximum wait; {steps}")
    rows(report)
    if run.get("predicted") and run["status"] == RunStatus.DONE:
        say(planned(run))
    start = f", engine start {lasted(run['engine_start_s'])}" if "engine_start_s" in run else ""
    dtype = f" in {run['dtype']}" if "dtype" in run else ""
    policy = run["policy"] if run.get("ordered_by", run["policy"]) == run["policy"] else ordered_by(run)
    say(f"run {run['number']} {run['status']}: {run['model']} on {run['device']}{dtype}, policy {policy}{start}")
    for line in ended(run):
        say(line)


def ended(run: dict[str, Any]) -> Iterator[str]:
    """Yield how a run ended and what to type next, unless it is simply done."""
    how = run.get("exit", {})
    if run["status"] == RunStatus.RUNNING:
        yield "it did not end: it is still running, or was killed; the same command continues"
    elif how.get("status"):
        yield f"ended with status {how['status']}: {how['reason']}"
        if "next" in how:
            yield f"next: {how['next']}"


def rows(report: dict[str, Any]) -> None:
    """Print what has become of the rows, and where they come from."""
    counts = report["rows"]
    totals = [f"[green]{counts['answered']:,}[/] answered"]
    for state, colour in (("rejected", "red"), ("waiting", "yellow")):
        if counts[state]:
            totals.append(f"[{colour}]{counts[state]:,}[/] {state}")
    people.print(f"[bold]{many(counts['in'], 'row')}[/] = " + " + ".join(totals))
    if counts["rejects_by_reason"]:
        people.print("rejects: " + counted(counts["rejects_by_reason"]) + _under(report["tasks"]), soft_wrap=True)
    for line in corpus(report["run"].get("corpus")):
        say(line)


def corpus(facts: dict[str, Any] | None) -> Iterator[str]:
    """Yield what there is to say of a corpus, if that was noted: files passed over, and the scale of its ratings."""
    if facts:
        yield from passed_over(facts["passed_over"])
        yield from ratings(facts["ratings"])


def passed_over(files: dict[str, Any]) -> Iterator[str]:
    """Yield which files lay beside those that are read, if some did."""
    if files["files"]:
        first = files["first"][:LISTED]
        more = " and so on" if files["files"] > len(first) else ""
        yield f"passed over {many(files['files'], 'file')}: {', '.join(first)}{more}"


def ratings(facts: dict[str, Any]) -> Iterator[str]:
    """Yield on which scale ratings are, if some rows have one."""
    if facts["rows_with"]:
        scale = f"on a scale of {facts['scale']}" if facts.get("scale") else "on no usual scale: say --rating-scale"
        yield f"ratings are {scale}; {many(facts['rows_without'], 'row')} without one"


def planned(run: dict[str, Any]) -> str:
    """Return what was planned and what it took."""
    off = run["makespan_s"] / run["predicted"]["makespan_s"] - 1
    return f"planned {band(run['predicted'])}, took {clock(run['makespan_s'])}: {off:+.0%}"


def ordered_by(by: dict[str, Any]) -> str:
    """Name the policy asked for and the one that orders, of a report or a plan."""
    return f"{by['policy']}, which is {by['ordered_by']} here"


def counted(reasons: dict[str, int]) -> str:
    """List reasons with how often each came."""
    return ", ".join(f"{reason} {n:,}" for reason, n in reasons.items())


def would_reject(rejects: Iterable[dict[str, Any]]) -> None:
    """Print which rows would be rejected, and why."""
    for reject in rejects:
        under = f" under {reject['task']}" if reject["task"] else ""
        say(f"  would reject {reject['source']} row {reject['row']}{under}: {reject['reason']}, {reject['detail']}")


def _under(tasks: dict[str, dict[str, Any]]) -> str:
    """Say which of several tasks rejected rows."""
    rejected = {name: n for name, task in tasks.items() if (n := task["outcome"]["rejected"])}
    return f" (under {counted(rejected)})" if rejected and len(tasks) > 1 else ""


def _said(tasks: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what there is to say of each task; one may have asked nothing, for there were answers."""
    for name, task in tasks.items():
        if task["requests"]:
            yield from _work(name, task)
            yield from _jobs(task)
        elif figures := counts(task):
            yield f"[bold]{name}[/]: {figures}"


def _jobs(task: dict[str, Any]) -> Iterator[str]:
    jobs = task["jobs"]
    if not jobs["completed"]:
        yield f"{many(jobs['count'], 'job')}, none of them complete"
        return
    completion = ", ".join(f"{name} {lasted(jobs['completion_s'][name])}" for name in STATISTICS)
    yield f"{jobs['completed']:,} of {many(jobs['count'], 'job')} complete after: {completion}"
    yield f"longest wait of a job {lasted(jobs['longest_wait_s'])}; {task['preemptions']:,} preemptions"
    if jobs["promised"]:
        in_time = f"in time {jobs['met']:,} of {jobs['promised']:,} ({jobs['sla_attainment']:.0%})"
        yield f"{in_time}, goodput {jobs['goodput_per_min']:,.1f} jobs/min"


def bars(title: str, shares: dict[str, int]) -> None:
    """Print numbers that add up, each as its share of them."""
    total = sum(shares.values())
    if not total:
        return
    table = Table(title=title or None, title_justify="left", box=None, show_header=False, padding=(0, 1))
    for label, n in shares.items():
        table.add_row(Text(label), f"{n:,}", f"{n / total:.0%}", "█" * round(40 * n / total))
    people.print(table)


def own(task: dict[str, Any], kind: type) -> dict[str, Any]:
    """Return the figures of some kind that are this task's alone, by name."""
    return {name: task[name] for name in task.get("figures", ()) if isinstance(task[name], kind)}


def _work(name: str, task: dict[str, Any]) -> Iterator[str]:
    cached, took = task["cached_tokens"] / task["prompt_tokens"], clock(task["makespan_s"])
    again = f", {task['retried']:,} of them asked twice" if task["retried"] else ""
    rows = f" for {many(task['reviews'], 'row')}" if task["reviews"] else ""  # none where only digests were made anew
    speed = f", [bold]{task['reviews_per_s']:,.1f}[/] rows/s" if task["reviews"] else ""
    yield f"[bold]{name}[/]: {many(task['requests'], 'request')}{again}{rows} in {took}{speed}"
    prompts = f"prompt tokens {task['prompt_tokens']:,}, {cached:.0%} of them cached"
    yield f"{prompts}; output tokens {task['output_tokens']:,}"
    if own := counts(task):
        yield own


def counts(task: dict[str, Any]) -> str:
    """Return the numbers that are a task's alone."""
    return ", ".join(f"{figure.replace('_', ' ')} {n:,}" for figure, n in own(task, int).items())


def _spans_by_task(tasks: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="of a request: half took less (99 in 100)", title_justify="left")
    table.add_column("")
    for title in TITLES:
        table.add_column(title, justify="right")
    for name, task in tasks.items():
        table.add_row(name, *(f"{lasted(task[key]['p50'])} ({lasted(task[key]['p99'])})" for key in TITLES.values()))
    return table


def _spans(task: dict[str, Any]) -> Table:
    table = Table(title="of a request", title_justify="left")
    table.add_column("")
    for column in STATISTICS:
        table.add_column(column, justify="right")
    for title, key in TITLES.items():
        if task[key]["p99"]:  # what scores and does not write has no decode
            table.add_row(title, *(lasted(task[key][column]) for column in STATISTICS))
    return table


def show_files(output: Path) -> None:
    """Print where the files of a run are."""
    for file in [*sorted((output / RESULTS).glob("*")), *(output / name for name in (*FOR_PEOPLE, LEDGER, LOG))]:
        if file.exists():
            say(str(file))
