"""Reading: how a row's values are found in the records of somebody else's files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.corpus.formats import Record
from pipelines.corpus.opening import stem
from pipelines.corpus.rating import Scale
from pipelines.corpus.reject import Reason, Reject
from pipelines.corpus.row import REVIEWS, Layout
from pipelines.corpus.sources import Source

OUTER = ".."  # before a name: that of what encloses a list's element, where both have it
KEEP = "--keep"
SHOWN = 20  # columns of a file that are named
FILE = "file"  # a restaurant is called what its file is
Element = tuple[int, int | None, dict[str, Any] | Reject]  # of a record: its number, that of the element, and values


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How rows are read: where the files have each column of a `layout`.

    `columns` maps this program's names to the files' where they differ: {"text": "Review"}. A name with dots leads into
    nested objects unless a column is called so. With `each`, a record is not a row but has a list of them, which that
    name leads to; what encloses the list belongs to each. All rows are of one `restaurant` if that is given, or of the
    one that their file is named after. `lang` and `scale` are those of all rows, if they are given. The columns to
    `keep` are carried along.
    """

    layout: Layout = REVIEWS
    columns: Mapping[str, str] = field(default_factory=dict)
    each: str | None = None
    restaurant: str | None = None
    restaurant_from: str | None = None
    lang: str | None = None
    scale: Scale | None = None
    keep: Sequence[str] = ()

    @property
    def names(self) -> dict[str, str]:
        """What the files call each column of the layout."""
        return {name: self.columns.get(name, name) for name in self.layout.names}

    @property
    def kept(self) -> dict[str, str]:
        """Those that are kept, by what somebody has to say who wants another one."""
        return {f"{KEEP} {name}": name for name in self.keep}

    @property
    def required(self) -> dict[str, str]:
        """What the files call those columns that must be there: a row without an id is given one."""
        must = {self.layout.text, *self.columns}
        if self.layout.unit != self.layout.id and not (self.restaurant or self.restaurant_from):
            must.add(self.layout.unit)
        return {ours: theirs for ours, theirs in self.names.items() if ours in must} | self.kept

    def unit(self, source: Source) -> str | None:
        """Return the restaurant of all rows of a source, if nobody looks for it in the rows themselves."""
        return self.restaurant or (stem(source.name) if self.restaurant_from == FILE else None)

    def own(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an element of a list has in columns of reviews that nobody has named.

        What encloses it may have some of the same name, such as the mean rating of a place, which are none of its own.
        """
        element = values.get(self.each or "")
        own = element if isinstance(element, dict) else {}
        names = {self.layout.id, self.layout.text, "rating", "lang", "deadline"} & {*self.layout.names}
        return {name: own.get(name) for name in names - self.columns.keys()}

    def elements(self, record: Record, source: Source) -> Iterator[Element]:
        """Yield what rows are made of: a record itself, or what the list in it has, with the columns of its folders."""
        number, values = record
        if isinstance(values, Reject):
            yield number, None, values
            return
        values = {**source.partitions, **values} if source.partitions else values
        if self.each is None:
            yield number, None, values
            return
        found = look_up(values, self.each)
        if found is None and {self.each, parts(self.each)[0]} & values.keys():
            return  # a place without reviews
        if not isinstance(found, list):
            there = f"not there, but {', '.join(map(str, [*values][:SHOWN]))}"
            what = there if found is None else f"{type(found).__name__}, not a list"
            detail = f"{self.each} is {what}"
            yield number, None, Reject(source=source.shown, row=number, reason=Reason.NOT_A_LIST, detail=detail)
            return
        outer = {**values, **{OUTER + name: value for name, value in values.items()}}
        last = self.each.rpartition(".")[2]
        for nth, element in enumerate(found, start=1):
            inner = element if isinstance(element, dict) else {}
            yield number, nth, {**outer, self.each: element, last: element, **inner}


def look_up(values: Mapping[str, Any], name: str) -> Any:
    """Return what a name leads to: the value of that name, or what the parts between its dots lead to; else None."""
    if name in values or "." not in name:
        return values.get(name)
    first, *rest = parts(name)
    found = values.get(first)
    for part in rest:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def parts(name: str) -> list[str]:
    """Return the parts of a name between its dots."""
    outer = OUTER if name.startswith(OUTER) else ""
    first, *rest = name.removeprefix(OUTER).split(".")
    return [outer + first, *rest]
