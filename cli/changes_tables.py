"""Tables: two runs side by side, as people read it."""

import json
from typing import Any

from rich.table import Table
from rich.text import Text

from cli.screen import people, say
from pipelines.output.page.said import many

FIGURES = {
    "rows answered": "rows.answered",
    "rows rejected": "rows.rejected",
    "engine start, s": "run.engine_start_s",
    "makespan, s": "run.makespan_s",
}
OF_TASK = {
    "rows asked": "reviews",
    "rows/s": "reviews_per_s",
    "prompt tokens": "prompt_tokens",
    "cached tokens": "cached_tokens",
    "output tokens": "output_tokens",
    "TTFT p50, s": "ttft_s.p50",
    "TTFT p99, s": "ttft_s.p99",
    "job p50, s": "jobs.completion_s.p50",
    "job p99, s": "jobs.completion_s.p99",
    "goodput, jobs/min": "jobs.goodput_per_min",
    "SLA attainment": "jobs.sla_attainment",
}
NOISE = {True: "more than the noise", False: "within the noise", None: ""}


def show(found: dict[str, Any]) -> None:
    """Print what differs between two runs."""
    for letter in ("a", "b"):
        run = found[letter]
        say(f"{letter.upper()}: {run['output']}, run {run['number']} {run['status']}, started {run['started']}")
    if found["settings"]:
        people.print(_settings(found["settings"]))
    else:
        say("no setting differs (prompts, tasks of your own and the version of this program are not looked at)")
    people.print(_figures(found["figures"], found["answers"]))
    if all(figure["more_than_noise"] is None for figure in found["figures"].values()):
        say("one run each cannot tell a difference from noise: repeat both with --again")
    for letter, other in (("a", "b"), ("b", "a")):
        if own := found[letter]["tasks_of_its_own"]:
            say(f"{', '.join(own)}: not asked in {other.upper()}")
    for task, answers in found["answers"].items():
        _answers(task, answers)


def _settings(settings: dict[str, Any]) -> Table:
    table = _texts("setting", "A", "B", title="settings that differ")
    for name, values in settings.items():
        table.add_row(*map(Text, (name, _said(values["a"]), _said(values["b"]))))
    return table


def _texts(*headings: str, title: str) -> Table:
    """Return a table whose texts are folded: where wide characters are wrapped, Rich's usual way leaves some out."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _said(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _figures(figures: dict[str, Any], tasks: dict[str, Any]) -> Table:
    """Return the figures that people ask for; the JSON has all."""
    named = {**FIGURES}
    for task in tasks:
        whose = f"{task}: " if len(tasks) > 1 else ""
        named |= {f"{whose}{title}": f"tasks.{task}.{name}" for title, name in OF_TASK.items()}
    table = Table("figure", title="figures", title_justify="left")
    for heading in ("A", "B", "B / A"):
        table.add_column(heading, justify="right", no_wrap=True)
    noise = any(figure["more_than_noise"] is not None for figure in figures.values())
    if noise:
        table.add_column("")
    for title, path in named.items():
        if figure := figures.get(path):
            ratio = f"{figure['ratio']:.2f}x" if figure["ratio"] is not None else ""
            cells = [title, _number(figure["a"]), _number(figure["b"]), ratio]
            table.add_row(*cells, *([NOISE[figure["more_than_noise"]]] if noise else []))
    return table


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _answers(task: str, answers: dict[str, Any] | None) -> None:
    """Print how the answers under a task differ."""
    if answers is None:
        say(f"{task}: nothing can be said of answers before both runs have written their results")
        return
    rows, changed = answers["rows"], answers["changed"]
    what = "labels flipped" if "flips" in answers else "answers differ"
    share = f" ({changed / rows:.1%})" if rows else ""
    people.print(f"[bold]{task}[/]: {changed:,} {what} of {many(rows, 'row')} that both have{share}", soft_wrap=True)
    for name, said in {
        "only_in_a": "only in A", "only_in_b": "only in B", "other_text": "with another text, left out",
    }.items():  # fmt: skip
        if answers[name]:
            say(f"{many(answers[name], 'row')} {said}")
    if answers.get("flips"):
        table = Table("from", "to")
        table.add_column("rows", justify="right")
        for flip in answers["flips"]:
            table.add_row(Text(flip["from"]), Text(flip["to"]), f"{flip['rows']:,}")
        people.print(table)
        people.print(_examples(answers["examples"]))


def _examples(examples: list[dict[str, Any]]) -> Table:
    table = _texts("id", "A", "B", "text", title="those that both were surest of")
    for example in examples:
        labels = [f"{example[letter]['label']} {example[letter]['confidence']:.2f}" for letter in ("a", "b")]
        table.add_row(*map(Text, (example["id"], *labels, example["text"])))
    return table
