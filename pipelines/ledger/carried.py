"""Carried columns: what of the input is written beside the answers as it came.

SQLite has few types and the input any, so each chunk of rows is a table of Arrow's in a row of one. What a column is in
one chunk is made what it is in all of them when they are read.
"""

import heapq
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, takewhile
from operator import itemgetter
from typing import Any, TypeVar

import pyarrow as pa

from pipelines.corpus.row import Row, as_text
from pipelines.ledger.database import transaction

T = TypeVar("T")
DIGITS = 38  # of the longest decimal that libraries read
ID = 0  # the first column, whatever the others are called


class Carried:
    """The columns that are carried along, row by row in input order."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def clear(self) -> None:
        """Forget the last run's."""
        self._db.execute("DELETE FROM carried")

    def add(self, chunk: int, names: Sequence[str], rows: Sequence[Row]) -> None:
        """Add what a chunk of rows, by the number of its first, has in the columns of these names."""
        if names and rows:
            self._add(chunk, names, {row.id: row.carried for row in rows})

    def gather(self, shards: Sequence[sqlite3.Connection]) -> None:
        """Add what the ledgers of shards have of each chunk; the rows are here."""
        sql = "SELECT chunk, rows FROM carried ORDER BY chunk"
        stored = heapq.merge(*(db.execute(sql) for db in shards), key=itemgetter(0))
        in_order = "SELECT id FROM item WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq"
        for chunk, of_shards in groupby(stored, itemgetter(0)):
            tables = [_table(rows) for _, rows in of_shards]
            values = {id_: of_row for table in tables for id_, *of_row in zip(*table.to_pydict().values(), strict=True)}
            ids = self._db.execute(in_order, (json.dumps([*values]),)).fetchall()
            with transaction(self._db):
                self._add(chunk, tables[0].column_names[ID + 1 :], {id_: values[id_] for (id_,) in ids})

    def _add(self, chunk: int, names: Sequence[str], values: Mapping[str, Sequence[Any]]) -> None:
        columns = [_column([of_row[n] for of_row in values.values()]) for n in range(len(names))]
        table = pa.Table.from_arrays([pa.array([*values], pa.string()), *columns], names=["", *names])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        self._db.execute("INSERT INTO carried (chunk, rows) VALUES (?, ?)", (chunk, sink.getvalue().to_pybytes()))

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        first: list[str] = next(self._chunks(lambda stream: stream.schema.names), [""])
        return first[ID + 1 :]

    def schema(self) -> pa.Schema:
        """Return the columns, of types that hold what all chunks have; text in JSON where there is none such."""
        schemas = list(self._chunks(lambda stream: stream.schema))
        fields = []
        for n in range(ID + 1, len(schemas[0]) if schemas else 0):
            theirs = [schema.field(n) for schema in schemas]
            common = _common(theirs)
            alike = all(field.type == common.type for field in theirs)
            fields.append(common if alike or self._fits(n, common.type) else common.with_type(pa.string()))
        return pa.schema(fields)

    def _fits(self, n: int, kind: pa.DataType) -> bool:
        """Say whether every value of a column is the same in a type: ids of many digits are others as fractions."""
        try:
            for column in self._chunks(lambda stream: stream.read_all().column(n)):
                column.cast(kind)
        except pa.ArrowException:
            return False
        return True

    def beside(self, tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield tables about rows in input order, whose first column has their ids, each with the columns beside it."""
        if not len(schema):
            yield from tables
            return
        chunks = self._chunks(pa.RecordBatchReader.read_all)
        chunk, places = schema.empty_table(), dict[str, int]()
        for table in tables:
            pieces, ids = [schema.empty_table()], table.column(ID).to_pylist()
            while ids:
                here = [places[id_] for id_ in takewhile(places.__contains__, ids)]
                pieces.append(chunk.take(pa.array(here, pa.int64())))
                ids = ids[len(here) :]
                if ids:
                    found = next(chunks)
                    chunk = _as(found.select(range(ID + 1, found.num_columns)), schema)
                    places = {id_: n for n, id_ in enumerate(found.column(ID).to_pylist())}
            columns = [*table.columns, *pa.concat_tables(pieces).columns]
            yield pa.Table.from_arrays(columns, schema=pa.schema([*table.schema, *schema]))

    def _chunks(self, look: Callable[[Any], T]) -> Iterator[T]:
        for (rows,) in self._db.execute("SELECT rows FROM carried ORDER BY chunk"):
            with pa.ipc.open_stream(rows) as stream:
                yield look(stream)


def _table(rows: bytes) -> pa.Table:
    with pa.ipc.open_stream(rows) as stream:
        return stream.read_all()


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return written(values)


def written(values: Iterable[Any]) -> pa.Array:
    """Return values as a column of text, in JSON where they are none."""
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    """Return a value as text, in JSON if it is none; half a surrogate pair, which JSON can spell, becomes a `?`."""
    value = _spelled(value) if isinstance(value, bytes) else value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_spelled)
    return text.encode(errors="replace").decode()


def _spelled(value: Any) -> str:
    """Return what JSON does not know as text: bytes as an id of them is."""
    return as_text(value) if isinstance(value, bytes) else str(value)


def _common(fields: Sequence[pa.Field]) -> pa.Field:
    """Return the column of a type that holds what all have as it is, or of text, where no format has one."""
    try:
        common = pa.unify_schemas([pa.schema([field]) for field in fields], promote_options="permissive").field(0)
    except pa.ArrowException:
        return pa.field(fields[0].name, pa.string())
    return pa.field(common.name, pa.string()) if _has_no_form(common.type) else common


def _has_no_form(kind: pa.DataType) -> bool:
    """Say whether no file has columns of a type, or no library reads them: objects without fields, endless decimals."""
    if pa.types.is_decimal(kind):
        return bool(kind.precision > DIGITS)
    parts = [kind.field(n).type for n in range(kind.num_fields)]
    return (pa.types.is_struct(kind) and not parts) or any(map(_has_no_form, parts))


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        written(column.to_pylist()) if pa.types.is_string(field.type) else column.cast(field.type)
        for field, column in zip(schema, table.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)
