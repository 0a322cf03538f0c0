"""The ending: what a person sees when a run has ended, in the order in which they ask."""

import shlex
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from cli import tables
from cli.durations import lasted
from cli.exit_status import program
from cli.screen import people, say
from pipelines import remote
from pipelines.ledger.records import RunStatus
from pipelines.output.page.said import cut, many

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipelines.output.examples import Example
    from pipelines.tasks import Task

WIDE, LONG = 24, 240  # cells of a restaurant's name, of which 한 takes two, and characters of what is said


def show(report: dict[str, Any], asked: "Sequence[Task]", folder: "Path", address: str | None = None) -> None:
    """Print what the answers are, a few of them to read, whether any are missing, and where to look."""
    from pipelines.output.examples import examples

    some = examples(folder, asked)
    before = not any(task["requests"] for task in report["tasks"].values())
    for name, task in report["tasks"].items():
        _task(name, task, before=before)
        if name in some:
            people.print(_examples(some[name]))
        say("")
    tables.rows(report)
    _times(report)
    _places(report, folder, address)


def _task(name: str, task: dict[str, Any], *, before: bool) -> None:
    """Print how much was asked under a task, and what its labels are; `before` the run all was answered, or not."""
    head = f"[bold]{name}[/]"
    if task["requests"]:
        rows = many(task["reviews"], "row") if task["reviews"] else many(task["requests"], "request")
        speed = f", {task['reviews_per_s']:,.1f} a second" if task["reviews"] and task["reviews_per_s"] >= 1 else ""
        head += f": {rows} in {lasted(task['makespan_s'])}{speed}"
    elif not before:
        head += ": nothing more to ask"
    else:
        head += ": answered before" if task["outcome"]["answered"] else ": not asked"
    people.print(head)
    for figure in tables.own(task, dict).values():
        tables.bars("", figure)
    if counts := tables.counts(task):
        say(f" {counts}")
    if task["jobs"]["promised"]:
        jobs = task["jobs"]
        say(f" in time: {jobs['met']:,} of {many(jobs['promised'], 'job')} ({jobs['sla_attainment']:.0%})")


def _examples(some: "list[Example]") -> Table:
    """Return a few answers, a line each where they are about a text."""
    shown = Table.grid(padding=(0, 2), expand=True)  # or what is too long would be cut without a sign
    texts = any(example.text for example in some)
    if texts:
        shown.add_column(no_wrap=True, style="cyan", min_width=max(cell_len(example.said) for example in some) + 1)
    names = min(max(cell_len(example.of) for example in some), WIDE) + (not texts)
    shown.add_column(no_wrap=True, overflow="ellipsis", style="dim", min_width=names, max_width=names)
    # Wide characters that are wrapped have to be folded: Rich leaves some out.
    shown.add_column(no_wrap=texts, overflow="ellipsis" if texts else "fold", ratio=1)
    for example in some:
        *first, last = (example.said, example.text) if texts else (example.said,)
        begin, *rest = (*first, example.of, cut(last, LONG))
        shown.add_row(*map(Text, (f" {begin}", *rest)))
    return shown


def _times(report: dict[str, Any]) -> None:
    """Print what it was made with, and how long each part took."""
    run = report["run"]
    parts = {
        "program start": "program_start_s",
        "reading": "plan_s",
        "engine start": "engine_start_s",
        "answers": "makespan_s",
    }
    took = ", ".join(f"{part} {lasted(run[name])}" for part, name in parts.items() if name in run)
    dtype = f" in {run['dtype']}" if "dtype" in run else ""
    colour = "green" if run["status"] == RunStatus.DONE else "yellow"
    people.print(f"[{colour}]{run['status']}[/]: {run['model']} on {run['device']}{dtype}", soft_wrap=True)
    if took:
        say(f"times: {took}")
    if run.get("predicted") and run["status"] == RunStatus.DONE:
        say(tables.planned(run))


def _places(report: dict[str, Any], folder: "Path", address: str | None) -> None:
    """Print where to look, and what to type next."""
    shown = Table.grid(padding=(0, 2))
    results = sorted(path.name for path in (folder / "results").glob("[!.]*"))
    places = {"look at": str(folder / "report.html"), "answers": f"{folder / 'results'}: {', '.join(results)}"}
    if report["rows"]["rejected"]:
        places["rejects"] = str(folder / "rejects.jsonl")
    if address:
        places["also in"] = remote.shown(address)
    places["next"] = f"{program()} report {shlex.quote(str(folder))}"
    for name, place in places.items():
        shown.add_row(Text(name, "dim"), Text(place))
    people.print(shown, soft_wrap=True)
