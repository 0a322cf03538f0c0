"""The page of a comparison: what several orders of the same work change, with a picture that makes the point."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.files import replacing
from pipelines.output.page import facts, said, template

NAME = "compare.html"
# Who goes first.
ORDERS = {
    "fifo": "whoever comes first in the input",
    "prefill": "whoever has the least to read",
    "task": "the lightest task, and in it whoever has the least to read",
    "hybrid": "whoever has to be done soon, then whoever has little to read, then whoever came first",
    "cost": "whoever should take the shortest",
    "longest": "whoever has the most to read",
}
# What the table has: a title, of the jobs as they are called, the figure, and how it is said.
FIGURES = (
    ("half of the {} are done after", "job_completion_p50_s", said.seconds),
    ("nine of ten", "job_completion_p90_s", said.seconds),
    ("all of the work is done after", "makespan_s", said.seconds),
    ("on average one is done after", "job_completion_mean_s", said.seconds),
    ("the longest wait to begin", "longest_wait_s", said.seconds),
    ("half of the requests have a first token after", "ttft_p50_s", said.seconds),
    ("done in the time promised", "sla_attainment", lambda share: said.share(share, 1)),
    ("done in the time promised, a minute", "goodput_per_min", said.number),
)


def write(folder: Path, compared: Mapping[str, Any]) -> Path:
    """Write the page of a comparison into a folder, and return its path."""
    path = folder / NAME
    with replacing(path) as scratch:
        scratch.write_text(render(compared), encoding="utf-8")
    return path


def render(compared: Mapping[str, Any]) -> str:
    """Return the page of a comparison."""
    policies = compared["policies"]
    titles = {
        name: name if of["ordered_by"] == name else f"{name} ({of['ordered_by']})" for name, of in policies.items()
    }
    curves = [(titles[name], [np.array(done) for done in of["done_s"]]) for name, of in policies.items()]
    drawn = all(len(done) for _, passes in curves for done in passes)
    return template.filled(
        "comparison.html.j2",
        compared=compared,
        several=compared["repeat"] > 1,
        started=datetime.fromisoformat(compared["started"]).strftime("%A, %d %B %Y, %H:%M UTC"),
        jobs=said.several(compared["unit"]),
        titles=titles,
        orders={name: ORDERS.get(of["ordered_by"]) for name, of in policies.items()},
        picture=drawn and template.picture("done_by", curves, about="the share of jobs done over time, by each order"),
        rows=[
            (title.format(said.several(compared["unit"])), [_cell(compared, policy, name, say) for policy in policies])
            for title, name, say in FIGURES
            if all(name in figures for figures in policies.values())
        ],
        settings=facts.told(compared),
    )


def _cell(compared: Mapping[str, Any], policy: str, name: str, say: Any) -> dict[str, Any]:
    """Return a figure under a policy: its median, from what to what it went, and what it is of the first policy's."""
    figure = compared["policies"][policy][name]
    ratio = compared["against_first"].get(policy, {}).get(name)
    said = {part: say(figure[part]).replace(" ", "\N{NO-BREAK SPACE}") for part in ("median", "low", "high")}
    return {
        **said,
        "ratio": ratio and f"{ratio['median']:.2f}x",
        "more_than_noise": ratio and ratio["more_than_noise"],
    }
