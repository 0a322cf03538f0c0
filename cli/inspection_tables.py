"""Tables: an inspection as people read it."""

from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cli import tables
from cli.screen import people, say
from pipelines.output.page.periods import DATED
from pipelines.output.page.said import many

WIDE, NARROW = 60, 12  # characters of an example, at most and at least
BORDERS = 16  # characters between five columns and beside them


def show(seen: dict[str, Any], *, to: Console) -> None:
    """Print what was seen of unknown files; the command that runs them comes last, and elsewhere: `to` a console."""
    files = seen["files"]
    say(f"{many(files['count'], 'file')}: {tables.counted(files['formats'])}")
    for line in tables.passed_over(seen["passed_over"]):
        say(line)
    people.print(_columns(seen))
    if seen["each"] and seen["other_lists"]:
        others = ", ".join(seen["other_lists"])
        people.print(Text(f"! Read are the lists {seen['each']!r}. There are others: {others}.", "yellow"))
    if seen["missing"]:
        say(f"nothing looks like {' or '.join(seen['missing'])}: say which column is with --column NAME=THEIRS")
        return
    _rows(seen)
    if not seen["command"]:
        return
    if assumed := seen["assumed"]:
        whose = "the one its file is named after" if assumed["restaurant"] == "file" else repr(assumed["restaurant"])
        perhaps = f" Perhaps it is one of: {', '.join(assumed['perhaps'])}." if assumed["perhaps"] else ""
        people.print(
            Text(f"! No column looks like the restaurant: each review is taken to be of {whose}.{perhaps}", "yellow")
        )
    if seen["date"]:
        kept = "it is kept, so that the report draws its labels over time"
        say(f"{seen['date']!r} says when each review is of: {kept}, from {DATED} dates on")
    say("this would run it:")
    to.print(Text(seen["command"]), soft_wrap=True)


def _columns(seen: dict[str, Any]) -> Table:
    where = f"the {seen['rows_are']} in the lists {seen['each']!r} of " if seen["each"] else ""
    title = f"columns of {where}the first {many(seen['records_looked_at'], 'record')}"
    heads = ("column", "holds", "in", "looks like")
    rows = [
        (column["name"], ", ".join(column["types"]) or "nothing", f"{column['filled']:,}", column["is"] or "")
        for column in seen["columns"]
    ]
    # An example has what the others leave, or they would be squeezed to a letter a line.
    left = people.width - BORDERS - sum(max(map(cell_len, cells)) for cells in zip(heads, *rows, strict=True))
    table = Table(title=escape(title), title_justify="left")
    table.add_column("column", overflow="fold")
    table.add_column("holds")
    table.add_column("in", justify="right")
    table.add_column("looks like", style="green")
    table.add_column("for example", width=min(WIDE, max(NARROW, left)), no_wrap=True, overflow="ellipsis")
    for row, column in zip(rows, seen["columns"], strict=True):
        table.add_row(*map(Text, (*row, column["example"][: 2 * WIDE])))
    return table


def _rows(seen: dict[str, Any]) -> None:
    reasons = seen["rejects_by_reason"]
    rejected = f"; to be rejected: {tables.counted(reasons)}" if reasons else ""
    say(f"{many(seen['rows'], 'row')}, {seen['usable']:,} of them usable{rejected}")
    tables.would_reject(seen["rejects"])
    restaurants, reviews = seen["restaurants"], seen["restaurants"]["reviews"]
    sizes = (
        f"{reviews['least']:,} to {reviews['most']:,} reviews, half of them with {reviews['median']:g} or more"
        if reviews["least"] < reviews["most"]
        else many(reviews["most"], "review") + (" each" if restaurants["count"] > 1 else "")
    )
    if seen["rows_are"] == "reviews":
        largest = tables.counted(restaurants["largest"])
        say(f"{many(restaurants['count'], 'restaurant')} with {sizes}; the largest: {largest}")
    say(f"languages: {tables.counted(seen['languages'])}")
    for line in tables.ratings(seen["ratings"]):
        say(line)
    lengths = list(seen["characters"].items())
    while lengths and not lengths[-1][1]:
        lengths.pop()
    noun = "review" if seen["rows_are"] == "reviews" else "query"
    tables.bars(f"characters of a {noun}, at most", dict(lengths))
