"""The corpus: a stream of items and rejects, in chunks, in input order and bounded memory."""

import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.corpus.reject import Reason, Reject
from pipelines.corpus.row import Layout, Row, parse
from pipelines.corpus.sources import STDIN, compression, is_parquet, is_stream
from pipelines.errors import CorpusError

CHUNK = 4096
BLOCK = 1 << 20
BOM = b"\xef\xbb\xbf"
_IDS = "text or whole numbers", (pa.types.is_integer, pa.types.is_floating)
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
Record = tuple[int, dict[str, Any] | Reject]  # of JSON lines: its number from 1, and what it holds
NOTES = ("lang", "category", "city", "rating")  # they may be there by chance, and hold anything
# What a Parquet column may hold besides text.
EXPECTED: Mapping[str, tuple[str, Sequence[Callable[[pa.DataType], bool]]]] = {
    "review_id": _IDS,
    "restaurant_id": _IDS,
    "query_id": _IDS,
    "rating": ("numbers", _NUMBERS),
    "deadline": ("timestamps or ISO 8601 text", (pa.types.is_timestamp, pa.types.is_date)),
}


def read(
    sources: Sequence[str], layout: Layout, columns: Mapping[str, str], limit: int | None = None
) -> Iterator[list[Row | Reject]]:
    """Yield the rows of `sources`, which have the columns of `layout`, in chunks, at most `limit` of them.

    `columns` maps this program's names to the file's where they differ: {"text": "Review"}; a column that is
    named there must be there. Raises CorpusError for a file that cannot be read; `check` says which lack a column.
    """
    names = _names(layout, columns)
    rows = itertools.chain.from_iterable(_file(source, names, limit) for source in sources)
    limited = itertools.islice(rows, limit)
    while chunk := list(itertools.islice(limited, CHUNK)):
        yield chunk


def check(sources: Sequence[str], layout: Layout, columns: Mapping[str, str], limit: int | None = None) -> None:
    """Raise CorpusError when a file cannot be opened or lacks a required column.

    JSON lines are read until every column has been seen, which is one line as a rule, and no further than to `limit`.
    What can be read only once, standard input or a pipe, is not looked into: what it lacks shows when it is read.
    """
    names = _names(layout, columns)
    for source in sources:
        with _readable(source):
            if is_parquet(source):
                with pq.ParquetFile(source) as file:
                    _check_schema(source, names, file.schema_arrow)
            elif not is_stream(source):
                _check_records(source, names.required, itertools.islice(_records(source), limit))


@dataclass(frozen=True, slots=True)
class _Names:
    """What the input calls each column of a layout, by what this program calls it: those it must have, and all."""

    layout: Layout
    required: Mapping[str, str]
    all: Mapping[str, str]


def _names(layout: Layout, columns: Mapping[str, str]) -> _Names:
    named = {name: columns.get(name, name) for name in layout.names}
    must = {ours: theirs for ours, theirs in named.items() if ours in layout.required or ours in columns}
    return _Names(layout, must, named)


@contextmanager
def _readable(source: str) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError, pa.ArrowException) as error:
        # Arrow's messages can run over many lines; the first says what happened.
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorpusError(f"cannot read {source}: {what}") from error


def _file(source: str, names: _Names, limit: int | None) -> Iterator[Row | Reject]:
    with _readable(source):
        yield from _parquet(source, names) if is_parquet(source) else _jsonl(source, names, limit)


def _shown(source: str) -> str:
    """Return a file's name as text, which on Linux it need not be."""
    return os.fsencode(source).decode(errors="backslashreplace")


def _parquet(source: str, names: _Names) -> Iterator[Row | Reject]:
    with pq.ParquetFile(source, pre_buffer=False) as file:
        _check_schema(source, names, file.schema_arrow)
        row, shown = 0, _shown(source)
        schema = file.schema_arrow
        present = {
            ours: theirs
            for ours, theirs in names.all.items()
            if theirs in schema.names and (ours not in NOTES or _is_plain(_kind(schema, theirs)))
        }
        for batch in file.iter_batches(batch_size=CHUNK, columns=list(dict.fromkeys(present.values()))):
            for values in zip(*(_values(batch.column(theirs)) for theirs in present.values()), strict=True):
                row += 1
                yield parse(names.layout, shown, row, dict(zip(present, values, strict=True)))


def _check_schema(source: str, names: _Names, schema: pa.Schema) -> None:
    _check_columns(source, names.required, schema.names)
    for ours, theirs in names.all.items():
        if schema.names.count(theirs) > 1:
            raise CorpusError(f"{source} has more than one column {theirs!r}")
        if theirs not in schema.names:
            continue
        if ours in NOTES and ours not in names.required:
            continue
        kind = _kind(schema, theirs)
        expected, others = EXPECTED.get(ours, ("text", ()))
        if not (_is_text(kind) or pa.types.is_null(kind) or any(is_kind(kind) for is_kind in others)):
            raise CorpusError(f"column {theirs!r} of {source} holds {kind}, not {expected}")


def _kind(schema: pa.Schema, column: str) -> pa.DataType:
    kind = schema.field(column).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_plain(kind: pa.DataType) -> bool:
    return _is_text(kind) or any(is_kind(kind) for is_kind in _NUMBERS)


def _is_text(kind: pa.DataType) -> bool:
    # Older writers leave strings without their annotation, as bytes.
    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
                                              pa.types.is_binary, pa.types.is_large_binary))  # fmt: skip


def _values(column: pa.Array) -> list[Any]:
    """Return a column as Python values; text that is not UTF-8 stays bytes, for `corpus.row` to judge."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # as fine as Python's are
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError) as error:
        if not isinstance(error, UnicodeDecodeError):
            return [_moment(scalar) for scalar in column]
        # Parquet does not check its strings. One bad value must not cost the others.
        values = column.cast(pa.large_binary()).to_pylist()
    return values


def _moment(scalar: pa.Scalar) -> Any:
    """Return a timestamp as Python has it, one beyond Python's years as a number, for `corpus.row` to judge."""
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return scalar.value


def _jsonl(source: str, names: _Names, limit: int | None) -> Iterator[Row | Reject]:
    records = _records(source)
    if is_stream(source):  # which could not be looked at before
        records = _checked(source, names, records, limit)
    shown = _shown(source)
    for number, record in records:
        if isinstance(record, Reject):
            yield record
        else:
            values = {ours: record.get(theirs) for ours, theirs in names.all.items()}
            yield parse(names.layout, shown, number, values)


def _checked(source: str, names: _Names, records: Iterator[Record], limit: int | None) -> Iterator[Record]:
    """Yield the records of what can be read once. Raises CorpusError when it lacks a column.

    Without what every row needs it is refused by its first chunk; a column that was named may come as late as the end.
    """
    first = list(itertools.islice(records, CHUNK if limit is None else min(limit, CHUNK)))
    if limit is None or limit > CHUNK:
        always = {ours: theirs for ours, theirs in names.required.items() if ours in names.layout.required}
    else:
        always = dict(names.required)  # there is no more to come
    _check_records(source, always, first)
    missing = set(names.required.values())
    for number, record in itertools.chain(first, records):
        if missing and not isinstance(record, Reject):
            missing -= record.keys()
        yield number, record
    _check_records(source, {ours: theirs for ours, theirs in names.required.items() if theirs in missing}, first)


def _check_records(source: str, required: Mapping[str, str], records: Iterable[Record]) -> None:
    """Raise CorpusError when none of the records has a required column; look no further than to where all were seen."""
    missing, keys = set(required.values()), dict[str, None]()
    for _, record in records if missing else ():
        if isinstance(record, Reject):
            continue
        missing -= record.keys()
        if not missing:
            return
        if len(keys) < CHUNK:
            keys.update(dict.fromkeys(record))
    if keys:
        _check_columns(source, required, [*keys, *(set(required.values()) - missing)])


def _records(source: str) -> Iterator[Record]:
    """Yield the objects of JSON lines by their numbers from 1, and a reject for each line that is none."""
    shown = _shown(source)
    for number, line in _lines(source):
        try:
            record = json.loads(line.decode())
        except UnicodeDecodeError as error:
            yield number, _unreadable(shown, number, Reason.INVALID_UTF8, f"byte {error.start + 1} of the line")
            continue
        except (ValueError, RecursionError) as error:
            yield number, _unreadable(shown, number, Reason.MALFORMED_JSON, str(error))
            continue
        if isinstance(record, dict):
            yield number, record
        else:
            detail = f"expected an object, found {type(record).__name__}"
            yield number, _unreadable(shown, number, Reason.MALFORMED_JSON, detail)


def _unreadable(source: str, row: int, reason: Reason, detail: str) -> Reject:
    return Reject(source=source, row=row, reason=reason, detail=detail)


def _lines(source: str) -> Iterator[tuple[int, bytes]]:
    with _bytes(source) as stream:
        for row, line in enumerate(_split(stream), start=1):
            bare = line.removeprefix(BOM) if row == 1 else line
            if bare.strip():
                yield row, bare


def _bytes(source: str) -> Any:
    if source == STDIN:
        return sys.stdin.buffer
    # Opened here and not by Arrow, which takes no name that is not text.
    return pa.input_stream(open(source, "rb"), compression=compression(source))  # noqa: PTH123


def _split(stream: Any) -> Iterable[bytes]:
    """Cut a byte stream at its newlines, in memory bounded by its longest line."""
    pieces: list[bytes] = []
    while block := stream.read(BLOCK):
        first, *lines = bytes(block).split(b"\n")
        pieces.append(first)
        if lines:
            yield b"".join(pieces)
            *whole, rest = lines
            yield from whole
            pieces = [rest]
    if any(pieces):
        yield b"".join(pieces)


def _check_columns(source: str, required: Mapping[str, str], present: Sequence[str]) -> None:
    for ours, theirs in required.items():
        if theirs not in present:
            shown = ", ".join(map(str, present[:20])) or "none"
            raise CorpusError(
                f"{source} has no column {theirs!r}; it has: {shown}. Name it with --column {ours}=THEIRS"
            )
