"""The pictures of the page: SVG whose colours the style sheet decides on, and which the same run draws the same.

It is imported when there is something to draw, for matplotlib takes its time.
"""

import io
import logging
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pipelines.output import times
from pipelines.output.page import said
from pipelines.output.times import Numbers

WIDTH = 3.9  # inches; as wide as a phone, so that words are as large there as on a wide screen
JOBS, TICKS = 60, 3  # on the time line; periods that are named
SHORT = 12  # characters of a name, of which three stand side by side
LEGEND = 3  # names side by side
DOTS = 2000  # that can be told apart
# Colours that stand for the style sheet's.
INK, DIM, LINE, MARK, OTHER, THIRD, FOURTH = (f"#{n:02x}{n:02x}{n:02x}" for n in range(1, 8))
VARIABLES = {
    INK: "--ink", DIM: "--dim", LINE: "--line", MARK: "--mark", OTHER: "--other", THIRD: "--third", FOURTH: "--fourth",
}  # fmt: skip
# Of labels, as many as can be told apart; the last of them, often the worst, has the last one.
SHADES = (MARK, LINE, THIRD, DIM, FOURTH, OTHER)
# Of curves, the first of which is what the others are held against; no two of a few look alike without their colours.
COLOURS, DASHES = (OTHER, MARK, THIRD, INK, FOURTH), ("--", "-", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "reviewbatch", "text.parse_math": False, "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": LINE, "axes.labelcolor": DIM,
    "axes.titlesize": 10, "xtick.color": DIM, "ytick.color": DIM, "text.color": INK, "grid.color": LINE,
    "legend.frameon": False, "legend.fontsize": 9, "path.simplify": True,
}  # fmt: skip


def shares(parts: Sequence[tuple[str, float, float, float]], about: str) -> str:
    """Draw the share of each label, with the interval it is in."""
    with _drawn(about, 0.5 + 0.32 * len(parts)) as (axes, done):
        for place, (_, share, low, high) in enumerate(parts):
            axes.barh(place, share, color=MARK, alpha=0.75, height=0.62)  # the line stands out from it
            axes.plot([low, high], [place, place], color=INK, linewidth=1.6, solid_capstyle="butt")
            axes.text(high + 0.015, place, f"{share:.0%}".replace("%", " %"), va="center", color=INK)
        axes.set_yticks(range(len(parts)), [said.cut(name, 20) for name, *_ in parts], color=INK)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.12)
        axes.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    return done()


def dots(places: Sequence[tuple[int, float]], about: str) -> str:
    """Draw a dot for each restaurant: how many reviews it has, and how it is spoken of."""
    sizes, scores = np.array(places, dtype=np.float64).T
    with _drawn(about, 2.6) as (axes, done):
        axes.axhline(0, color=LINE, linewidth=1)
        axes.scatter(sizes, scores, s=22, color=MARK, alpha=0.7, linewidths=0)
        if sizes.max() > 20 * max(sizes.min(), 1):
            axes.set_xscale("log")
            axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
            axes.set_xlim(sizes.min() - 1, sizes.max() + 1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_ylim(-1.08, 1.08)
        axes.set_yticks([-1, 0, 1], ["all bad", "mixed", "all good"])
        axes.set_xlabel("reviews of the restaurant")
    return done()


def over_time(periods: Sequence[str], labels: Mapping[str, Sequence[int]], about: str) -> str:
    """Draw the share of each label in each of some periods, and above how many answers that is of."""
    rows = np.array(list(labels.values()), dtype=np.float64)
    totals, places = rows.sum(axis=0), np.arange(len(periods))
    with _drawn(about, 3.4, rows=(1, 3)) as ((above, axes), done):
        above.bar(places, totals, color=DIM, width=0.8)
        above.set_title("answers", loc="left", color=DIM)
        above.yaxis.set_major_locator(MaxNLocator(2, integer=True))
        above.yaxis.set_major_formatter(FuncFormatter(_thousands))
        above.set_xticks([])
        below, look = np.zeros(len(periods)), {"width": 0.8, "edgecolor": DIM, "linewidth": 0.5}
        for name, share, colour in _shaded(labels, rows / np.maximum(totals, 1)):
            axes.bar(places, share, bottom=below, color=colour, label=said.cut(name, 20), **look)
            below += share
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        marked = _spread(len(periods), TICKS)
        axes.set_xticks(marked, [periods[place] for place in marked])
        axes.tick_params("x", pad=6)
        columns = 3 if max(map(len, labels)) < SHORT else 2
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.16), ncols=columns, borderaxespad=0, handlelength=1)
    return done()


def _shaded(names: Iterable[str], shares: Numbers) -> Iterator[tuple[str, Numbers, str]]:
    """Yield labels and their shares, each with a colour; those for which there is none are one."""
    names, most = list(names), len(SHADES)
    if len(names) > most:
        few = shares.sum(axis=1).argsort()[: len(names) - most + 1]
        names = [name for place, name in enumerate(names) if place not in few] + ["others"]
        shares = np.vstack([np.delete(shares, few, axis=0), shares[few].sum(axis=0)])
    yield from zip(names, shares, (*SHADES[: len(names) - 1], SHADES[-1]), strict=True)


def flow(edges: Numbers, speed: Numbers, about: str) -> str:
    """Draw how many prompt tokens a second were computed over the run."""
    with _drawn(about, 1.9) as (axes, done):
        axes.stairs(speed, edges, fill=True, color=MARK, alpha=0.85)
        axes.set_ylim(0, max(float(speed.max()), 1.0) * 1.08)
        axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_title("tokens a second", loc="left", color=DIM)
        _time(axes, float(edges[-1]))
    return done()


def order(spans: times.Table, about: str) -> str:
    """Draw jobs in the order they went: when each ran, and beside it how much it had to compute."""
    some = spans[_spread(len(spans), JOBS)]
    with _drawn(about, 2.8, panels=(2.2, 1)) as ((left, right), done):
        for place, span in enumerate(some):
            left.plot([span["first_scheduled"], span["last_token"]], [place, place], color=MARK, linewidth=2.4)
        left.plot([span["first_scheduled"] for span in some], range(len(some)), ".", color=INK, markersize=3)
        right.barh(range(len(some)), [span["cost"] for span in some], color=OTHER, height=0.8)
        for axes in (left, right):
            axes.set_ylim(len(some) - 0.3, -0.7)
            axes.set_yticks([])
        left.set_title("from start to end, first on top", loc="left", color=DIM)
        right.set_title("size, tokens", loc="left", color=DIM)
        right.xaxis.set_major_locator(MaxNLocator(2))
        right.xaxis.set_major_formatter(FuncFormatter(_thousands))
        _time(left, max(span["last_token"] for span in some), ticks=3)
    return done()


def done_by(curves: Sequence[tuple[str, Sequence[Numbers]]], about: str) -> str:
    """Draw how many jobs were done by when, the way to beat first: of several passes each faintly, and their median."""
    with _drawn(about, 2.2 + 0.2 * math.ceil(len(curves) / LEGEND)) as (axes, done):
        for place, (name, passes) in enumerate(curves):
            colour, dashes = COLOURS[place % len(COLOURS)], DASHES[(place + place // len(COLOURS)) % len(DASHES)]
            least = min(times.PARTS, *map(len, passes))
            equal = [times.parts(moments, least) for moments in passes]
            for moments in equal if len(equal) > 1 else ():
                _steps(axes, moments, color=colour, linewidth=0.7, alpha=0.35)
            middle = np.median(equal, axis=0)
            _steps(axes, middle, color=colour, linestyle=dashes, linewidth=1.8, label=said.cut(name, 32))
            axes.plot(np.median(middle), 0.5, "o", color=colour, markersize=5)
        axes.set_ylim(0, 1.04)
        axes.set_yticks([0, 0.5, 1], ["none", "half", "all"])
        axes.grid(visible=True, axis="y", linewidth=0.6)
        columns = min(len(curves), LEGEND)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, borderaxespad=0, handlelength=2.2)
        _time(axes, max(float(moments.max()) for _, passes in curves for moments in passes))
    return done()


def foreseen(predicted: Numbers, took: Numbers, about: str) -> str:
    """Draw a dot for each job: the seconds it was to take, and those it took; on the line they are the same."""
    some = _spread(len(took), DOTS)
    least, most = np.quantile([predicted, took], (0, 1)).tolist()
    with _drawn(about, 2.6) as (axes, done):
        axes.plot([least, most], [least, most], color=DIM, linewidth=1)
        axes.scatter(predicted[some], took[some], s=16, color=MARK, alpha=0.6, linewidths=0)
        for scale, axis in ((axes.set_xscale, axes.xaxis), (axes.set_yscale, axes.yaxis)):
            if most > 20 * least:
                scale("log")
                axis.set_minor_locator(mpl.ticker.NullLocator())
            else:
                axis.set_major_locator(MaxNLocator(4))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        axes.set_xlabel("seconds foreseen")
        axes.set_title("seconds it took", loc="left", color=DIM)
    return done()


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Return the places of so many things that are shown, from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def _steps(axes: Axes, moments: Numbers, **look: Any) -> None:
    axes.step([0, *moments], np.arange(len(moments) + 1) / len(moments), where="post", **look)


def _thousands(value: float, _: object = None) -> str:
    return f"{value / 1000:,.0f}k" if value >= 10_000 else f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.0f}"  # noqa: PLR2004


def _time(axes: Axes, right: float, ticks: int = 5) -> None:
    unit, name = next((u, n) for u, n in ((3600, "hours"), (60, "minutes"), (1, "seconds")) if right >= 2 * u or u == 1)
    axes.set_xlim(0, right * 1.02 or 1)
    marks = np.array(MaxNLocator(ticks).tick_values(0, right / unit)) * unit
    axes.xaxis.set_major_locator(mpl.ticker.FixedLocator(marks[marks <= right].tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / unit:g}"))
    axes.set_xlabel(f"{name} since the engine was up")


@contextmanager
def _drawn(
    about: str, height: float, panels: Sequence[float] = (), rows: Sequence[float] = ()
) -> Iterator[tuple[Any, Callable[[], str]]]:
    """Give axes to draw in, and what returns the picture once that is done."""
    file = io.StringIO()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # what it says of fonts and caches helps nobody here
    # A letter that its fonts lack is drawn by the browser's.
    with mpl.rc_context(STYLE), warnings.catch_warnings(action="ignore"):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.subplots(
            len(rows) or 1, len(panels) or 1, width_ratios=panels or None, height_ratios=rows or None
        )
        for one in np.ravel(axes):
            one.patch.set_visible(False)
            one.tick_params(length=0)
        yield axes, lambda: _inline(file.getvalue(), about)
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))


def _inline(svg: str, about: str) -> str:
    """Return a picture as a part of a page: with a name, the page's colours, and nothing that refers elsewhere."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->|<style.*?</style>", "", svg, flags=re.DOTALL)  # its style would be the whole page's
    svg = re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', _unless_inside, svg)
    svg = svg.replace("xlink:href", "href")
    used = {*re.findall(r"#(\w+)", svg)}
    svg = re.sub(r' id="([\w.]+)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(about)}"', 1)


def _unless_inside(found: re.Match[str]) -> str:
    """Return an attribute as it stands, unless it is the picture's own."""
    return "" if found.start() < found.string.index(">") else found[0]
