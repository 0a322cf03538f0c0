"""Records of CSV: fields by the names in the first line, cut at commas, semicolons, tabs or bars."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import zip_longest

from pipelines.corpus.formats import Record, unreadable
from pipelines.corpus.reject import ENCODINGS, Reason
from pipelines.errors import CorpusError

DELIMITERS = ",;\t|"
BOM = "\ufeff"
LONGEST = 1 << 28  # characters of a line, and of a field
MOST = 1 << 20  # lines of a row
csv.field_size_limit(LONGEST)
_ESCAPED = re.compile(r'\\(["\\])')
_QUOTED = re.compile('"[^"]*"')


def delimiter(head: bytes) -> str:
    """Return what cuts the fields of what begins like this: the mark that its first line has most of, out of quotes."""
    bare = _QUOTED.sub("", head.decode(errors="replace")).lstrip(BOM + "\r\n")
    return max(DELIMITERS, key=re.split("[\r\n]", bare, maxsplit=1)[0].count)


def _doubled(line: str) -> str:
    """Return a line of Spark's, which puts a backslash before a quotation mark, as everybody else writes it."""
    return _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", line)


def _is_sparks(head: bytes, mark: str) -> bool:
    """Say whether what begins like this is written as Spark does: it is broken otherwise, and less so like that."""
    lines = [*io.StringIO(head.decode(errors="replace"), newline="")] if b'\\"' in head else []
    return _broken(lines, mark) < _broken(map(_doubled, lines), mark)


def _broken(lines: Iterable[str], mark: str) -> tuple[float, int]:
    """Return the first line that is broken, and how many rows there are before it."""
    number, rows = 0, csv.reader(lines, delimiter=mark, strict=True)
    try:
        for _ in rows:
            number += 1
    except csv.Error:
        return rows.line_num, number
    return math.inf, 0


def records(
    stream: io.RawIOBase, source: str, head: bytes, look: Callable[[Sequence[str]], object] = len
) -> Iterator[Record]:
    """Yield the rows by their numbers, the first behind the header being 1, and a reject for each that has more fields.

    What is not UTF-8 is left for a row's own values to be judged by. A header that stands there again, of one file that
    was appended to another, is no row. `look` is shown the header, and may refuse it.
    """
    lines = _Lines(io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8", errors="surrogateescape", newline=""))
    mark = delimiter(head)
    lines.sparks = _is_sparks(head, mark)
    rows = csv.reader(lines, delimiter=mark)
    header: list[str] = []
    number, begun = 0, 0
    for fields in _whole(rows):
        if fields is None:
            detail = "a field is too long: nothing behind it was read"
            yield unreadable(source, number + 1, Reason.MALFORMED_CSV, detail)
            return
        began, begun = begun, rows.line_num
        merged = len(lines.held) > 1 and _broken(lines.held, mark)[0] < math.inf
        lines.held.clear()
        if not any(fields) or fields == header:
            continue
        if not header:
            header = fields
            if any("\udc80" <= character <= "\udcff" for name in header for character in name):
                raise CorpusError(f"cannot read {source}: its first line has bytes that are no UTF-8: {ENCODINGS}")
            look(header)
            continue
        number += 1
        if lines.ended:  # where the last row ends no line is looked for
            detail = f"a quotation mark in line {began + 1} is never closed: is the file whole?"
            yield unreadable(source, number, Reason.MALFORMED_CSV, detail)
        elif merged:
            detail = f"a quotation mark in line {began + 1} is closed in another row: these lines were read as one"
            yield unreadable(source, number, Reason.MALFORMED_CSV, detail)
        elif any(fields[len(header) :]):
            detail = f"{len(fields)} fields, and the header has {len(header)}"
            yield unreadable(source, number, Reason.MALFORMED_CSV, detail)
        else:
            # An empty field says nothing, and so does one that is not there.
            yield number, dict(zip_longest(header, (field or None for field in fields[: len(header)])))


def _whole(rows: Iterable[list[str]]) -> Iterator[list[str] | None]:
    """Yield rows, and None instead of what is too long to be one."""
    try:
        yield from rows
    except csv.Error:
        yield None


class _Lines:
    """The lines of a text without marks of the byte order before them, as everybody but Spark writes quotation marks.

    Those that were taken since somebody has looked are `held`, and `ended` says whether all were.
    """

    def __init__(self, text: io.TextIOBase) -> None:
        self._lines = iter(partial(text.readline, LONGEST), "")
        self.sparks = self.ended = False
        self.held: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if len(line) == LONGEST or len(self.held) == MOST:
                raise csv.Error("a field is too long")
            bare = line.removeprefix(BOM)  # here, for what is quoted begins with its quotation mark
            self.held.append(_doubled(bare) if self.sparks else bare)
            yield self.held[-1]
        self.ended = True
