"""Records of CSV: fields by the names in the first line, cut at commas, semicolons, tabs or bars."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from pipelines.corpus.formats import Record, unreadable
from pipelines.corpus.reject import Reason

DELIMITERS = ",;\t|"
BOM = "\ufeff"
csv.field_size_limit(1 << 30)
# Two quotation marks as Spark writes them too: an empty field, and the last ones of a field that ends with one.
_SPARK = re.compile(rb'(?:\\|(?<![^,;\t|\r\n]))""(?=[,;\t|\r\n]|\Z)')


def delimiter(head: bytes) -> str:
    """Return what cuts the fields of what begins like this: the mark that its first line has most of, out of quotes."""
    first = head.decode(errors="replace").lstrip(BOM + "\r\n").partition("\n")[0]
    bare = "".join(first.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def records(stream: io.RawIOBase, source: str, head: bytes) -> Iterator[Record]:
    """Yield the rows by their numbers, the first behind the header being 1, and a reject for each that has more fields.

    What is not UTF-8 is left for a row's own values to be judged by. A header that stands there again, of one file that
    was appended to another, is no row.
    """
    lines = _Lines(io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8", errors="surrogateescape", newline=""))
    # Spark puts a backslash before a quotation mark, everybody else another quotation mark.
    spark = b'\\"' in head and b'""' not in _SPARK.sub(b"", head)
    rows = csv.reader(lines, delimiter=delimiter(head), doublequote=not spark, escapechar="\\" if spark else None)
    header: list[str] = []
    number, begun = 0, 0
    for fields in rows:
        began, begun = begun, rows.line_num
        if not any(fields) or fields == header:
            continue
        if not header:
            header = fields
            continue
        number += 1
        if lines.ended and begun - began > 1:  # where the last row ends no line is looked for
            detail = f"a quotation mark in line {began + 1} is never closed: all behind it is one field"
            yield unreadable(source, number, Reason.MALFORMED_CSV, detail)
        elif any(fields[len(header) :]):
            detail = f"{len(fields)} fields, and the header has {len(header)}"
            yield unreadable(source, number, Reason.MALFORMED_CSV, detail)
        else:
            # An empty field says nothing, and so does one that is not there.
            yield number, dict(zip_longest(header, (field or None for field in fields[: len(header)])))


class _Lines:
    """The lines of a text without marks of the byte order before them, and whether all were taken."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            yield line.removeprefix(BOM)  # here, for what is quoted begins with its quotation mark
        self.ended = True
