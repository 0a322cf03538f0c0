"""The corpus: a stream of rows and rejects, in chunks, in input order and bounded memory."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import remote
from pipelines.corpus import opening, schema
from pipelines.corpus.formats import Record, csv_records, json_records, parquet
from pipelines.corpus.opening import Kind
from pipelines.corpus.reading import Element, Reading, look_up
from pipelines.corpus.reject import Reject
from pipelines.corpus.row import Row, parse
from pipelines.corpus.sources import Source
from pipelines.errors import ColumnError, CorpusError, ReviewbatchError, first_line
from pipelines.events import Emit, Noted, Warned

CHUNK = 4096
MOST = 0.5  # of the rows have nothing in a column that somebody has named


def read(
    sources: Iterable[Source], reading: Reading, limit: int | None = None, emit: Emit = lambda _: None
) -> Iterator[list[Row | Reject]]:
    """Yield the rows of `sources` in chunks, at most `limit` of them, and tell of what a person should know of them.

    Raises CorpusError for a file that cannot be read, or lacks a column that it must have.
    """
    named = [name for name in reading.columns if name in reading.layout.optional]
    rows, filled = 0, dict.fromkeys(named, 0)
    stream = chain.from_iterable(_file(source, reading, limit, emit) for source in sources)
    limited = islice(stream, limit)
    while chunk := list(islice(limited, CHUNK)):
        usable = [row for row in chunk if isinstance(row, Row)]
        rows += len(usable)
        for name in named:
            filled[name] += sum(getattr(row, name) is not None for row in usable)
        yield chunk
    for name, often in filled.items():
        if rows and often < rows * MOST:
            theirs = reading.columns[name]
            emit(Warned(f"--column {name}={theirs} gives nothing in {rows - often:,} of {rows:,} rows"))


def check(sources: Sequence[Source], reading: Reading, limit: int | None = None) -> None:
    """Raise CorpusError when a file cannot be opened, and ColumnError when it lacks a column that it must have.

    Lines are read until every column has been seen, which is one line as a rule, and no further than to `limit`.
    What can be read only once, standard input or a pipe, is not looked into: what it lacks shows when it is read.
    """
    for n, source in enumerate(sources):
        if not opening.is_stream(source.path):
            with readable(source):
                try:
                    _check(source, reading.required, islice(_elements(source, reading), limit))
                except ColumnError as error:
                    more = ". A file with other columns than those before is run alone, with an -o of its own"
                    raise ColumnError(f"{error}{more if n else ''}") from None


def why_empty(sources: Iterable[Source], reading: Reading) -> str:
    """Return why there are no rows: there are no records, or none of them has a list of rows."""
    records = (values for source in sources if not opening.is_stream(source.path) for _, values in open_records(source))
    first = next((values for values in records if not isinstance(values, Reject)), None)
    if first is None or reading.each is None:
        return "its files are empty"
    return f"no record has a list {reading.each!r} that is not empty; the first has: {', '.join(map(str, first))}"


@contextmanager
def readable(source: Source) -> Iterator[None]:
    """Raise CorpusError in place of whatever keeps a source from being read."""
    try:
        yield
    except (OSError, UnicodeError, pa.ArrowException) as error:
        raise _unreadable(source, error) from error
    except ReviewbatchError:
        raise
    except Exception as error:  # there are as many kinds as libraries for remote places
        if not remote.is_remote(source.path):
            raise
        raise _unreadable(source, error) from error


def _unreadable(source: Source, error: Exception) -> CorpusError:
    # Arrow's messages can run over many lines; the first says what happened.
    return CorpusError(f"cannot read {source.shown}: {remote.hidden(first_line(error), source.path)}")


def _file(source: Source, reading: Reading, limit: int | None, emit: Emit) -> Iterator[Row | Reject]:
    with readable(source):
        elements = _checked(source, reading, _elements(source, reading), limit)
        first = list(islice(elements, CHUNK))
        layout, names = reading.layout, reading.names
        id_ = names[layout.id]
        usable = list(_dicts(first))
        makes_ids = layout.id not in reading.columns and all(values.get(id_) is None for values in usable)
        if makes_ids and usable:
            one = f"{source.name}:1" if reading.each is None else f"{source.name}:1.1"
            emit(Noted(f"{source.shown} has no {id_}: its rows are called {one} and so on"))
        unit, shown = reading.unit(source), source.shown
        dotted = {ours: theirs for ours, theirs in names.items() if "." in theirs}
        for number, nth, values in chain(first, elements):
            if isinstance(values, Reject):
                yield values
                continue
            found = {ours: values.get(theirs) for ours, theirs in names.items()}
            if dotted:
                found |= {ours: look_up(values, theirs) for ours, theirs in dotted.items()}
            if nth is not None:
                found |= reading.own(values)
            if unit is not None and layout.unit != layout.id:  # queries are of no restaurant
                found[layout.unit] = unit
            if makes_ids and found[layout.id] is None:
                found[layout.id] = f"{source.name}:{number}" + (f".{nth}" if nth else "")
            carried = tuple(look_up(values, name) for name in reading.keep) if reading.keep else ()
            yield parse(
                layout, shown, number, found, lang=reading.lang, scale=reading.scale, carried=carried
            )  # fmt: skip


def _elements(source: Source, reading: Reading) -> Iterator[Element]:
    """Yield what a source's rows are made of."""
    look = partial(schema.refuse_twins, source, reading)
    for record in _records(source, partial(schema.check, source, reading), look):
        yield from reading.elements(record, source)


def open_records(source: Source) -> Iterator[Record]:
    """Yield the records of a source with all they have. Raises CorpusError when it cannot be read."""
    with readable(source):
        yield from _records(source, lambda schema: schema.names, len)


def _records(
    source: Source, choose: Callable[[pa.Schema], Collection[str]], look: Callable[[Sequence[str]], object]
) -> Iterator[Record]:
    """Yield the records of a source, of Parquet with the columns that are chosen of its schema.

    What is to `look` at a header of CSV may refuse it.
    """
    with opening.opened(source.path) as stream:
        if stream.nothing and opening.has_bytes(source.path):
            raise CorpusError(f"cannot read {source.shown}: it has no bytes, so it is not whole: copy it again")
        kind = opening.kind(source.shown, stream.head) if stream.head else None
        if kind is Kind.LINES:
            yield from json_records.lines(stream, source.shown)
        elif kind is Kind.VALUES:
            yield from json_records.values(stream, source.shown)
        elif kind is Kind.CSV:
            yield from csv_records.records(stream, source.shown, stream.head, look)
    if kind is Kind.PARQUET:
        if opening.is_stream(source.path):
            raise CorpusError(
                f"cannot read {source.shown}: Parquet is read from its end, which a pipe has not: write a file"
            )
        with opening.seekable(source.path) as file, pq.ParquetFile(file, pre_buffer=False) as table:
            if table.metadata.num_rows:
                yield from parquet.records(table, choose(table.schema_arrow))


def _checked(source: Source, reading: Reading, elements: Iterator[Element], limit: int | None) -> Iterator[Element]:
    """Yield the elements. Raises CorpusError when they lack a column.

    Without what every row needs they are refused by the first chunk; a column that was named may come at the end.
    """
    first = list(islice(elements, CHUNK if limit is None else min(limit, CHUNK)))
    whole = limit is not None and limit <= CHUNK  # there is no more to come
    required = reading.required
    always = (
        required if whole else {ours: theirs for ours, theirs in required.items() if ours in reading.layout.required}
    )
    _check(source, always, first)
    missing = set(required.values())
    for element in chain(first, elements):
        if missing:
            missing -= _there(element, missing)
        yield element
    _check(source, {ours: theirs for ours, theirs in required.items() if theirs in missing}, first)


def _check(source: Source, required: Mapping[str, str], elements: Iterable[Element]) -> None:
    """Raise CorpusError when none of the elements has a column; look no further than to where all were seen."""
    missing, keys = set(required.values()), dict[str, None]()
    for element in elements if missing else ():
        missing -= _there(element, missing)
        if not missing:
            return
        if len(keys) < CHUNK:
            keys.update(dict.fromkeys(key for values in _dicts([element]) for key in values))
    if keys:
        schema.refuse(source, required, missing, keys)


def _there(element: Element, names: Collection[str]) -> set[str]:
    """Return those of the names that lead to something in an element, be it nothing."""
    *_, values = element
    if isinstance(values, Reject):
        return set()
    return {name for name in names if name in values or look_up(values, name) is not None}


def _dicts(elements: Sequence[Element]) -> Iterator[dict[str, Any]]:
    return (values for *_, values in elements if not isinstance(values, Reject))
