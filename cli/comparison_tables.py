"""Tables: a comparison as people read it."""

from typing import Any

from rich.table import Table

from cli.screen import people, say
from pipelines.output.times import STATISTICS

FIGURES = {
    "makespan": "makespan_s",
    **{f"job {name}": f"job_completion_{name}_s" for name in STATISTICS},
    **{f"request {name}": f"request_completion_{name}_s" for name in STATISTICS},
    **{f"TTFT {name}": f"ttft_{name}_s" for name in STATISTICS},
    "longest wait": "longest_wait_s",
    "goodput, jobs/min": "goodput_per_min",
    "SLA attainment": "sla_attainment",
}


def show(compared: dict[str, Any]) -> None:
    """Print what an order changes: medians over the passes, with the least and the most."""
    policies = compared["policies"]
    spread = (
        f"medians of {compared['repeat']}, ± half of what lies between the least and the most; "
        "a ratio is the median of those within a pass"
    )
    people.print(f"seconds to completion: {spread}", style="italic", soft_wrap=True)
    table = Table()
    table.add_column("", min_width=max(map(len, FIGURES)))  # or it gives way to the others, and nobody can read it
    for policy, figures in policies.items():
        by = figures["ordered_by"]
        table.add_column(policy if by == policy else f"{policy} ({by})", justify="right", no_wrap=True)
    for policy in compared["against_first"]:
        table.add_column(f"{policy} / {next(iter(policies))}", justify="right", no_wrap=True)
    for title, name in FIGURES.items():
        if all(name in figures for figures in policies.values()):
            ratios = [against.get(name) for against in compared["against_first"].values()]
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
