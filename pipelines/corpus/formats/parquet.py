"""Records of Parquet: the columns that are asked for, batch by batch."""

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.corpus.formats import Record

BATCH = 4096


def records(file: pq.ParquetFile, columns: Collection[str]) -> Iterator[Record]:
    """Yield the rows by their numbers, each with its values in some of the file's columns."""
    number = 0
    names = [name for name in file.schema_arrow.names if name in columns]
    for batch in file.iter_batches(batch_size=BATCH, columns=names):
        found = [batch.column(name) for name in names]
        for values in zip(*map(_values, found), strict=True) if found else ((),) * len(batch):
            number += 1
            yield number, dict(zip(names, values, strict=True))


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
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            return [_value(scalar) for scalar in column]
        # Parquet does not check its strings. One bad value must not cost the others.
        values = column.cast(pa.large_binary()).to_pylist()
    return values


def _moment(scalar: pa.Scalar) -> Any:
    """Return a timestamp as Python has it, one beyond Python's years as a number, for `corpus.row` to judge."""
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return scalar.value


def _value(scalar: pa.Scalar) -> Any:
    """Return a nested value, and nothing for one that has a string in it which is not UTF-8."""
    try:
        return scalar.as_py()
    except ValueError:
        return None
