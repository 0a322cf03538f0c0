"""Records of Parquet: the columns that are asked for, batch by batch."""

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.corpus.formats import Record

BATCH = 4096


def records(file: pq.ParquetFile, columns: Collection[str]) -> Iterator[Record]:
    """Yield the rows by their numbers, each with its values in some of the file's columns, the last of a name."""
    number = 0
    names = [name for name in file.schema_arrow.names if name in columns]
    for batch in file.iter_batches(batch_size=BATCH, columns=names):
        present = zip(batch.schema.names, batch.columns, strict=True)
        found = {name: column for name, column in present if name in columns}  # a name with a dot brings others along
        for values in zip(*map(_values, found.values()), strict=True) if found else ((),) * len(batch):
            number += 1
            yield number, dict(zip(found, values, strict=True))
    if number != file.metadata.num_rows:
        raise pa.ArrowInvalid(f"it has {number:,} rows, and says {file.metadata.num_rows:,}: it is not whole")


def _values(column: pa.Array) -> list[Any]:
    """Return a column as Python values; one that Python cannot have is left for `corpus.row` to judge."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # as fine as Python's are
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):  # one bad value must not cost the others
        values = [_value(scalar) for scalar in column]
    return values


def _value(scalar: pa.Scalar) -> Any:
    """Return a value: text that is not UTF-8, which Parquet does not check, as bytes, and far moments as numbers."""
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        if isinstance(scalar, pa.StructScalar):
            return {name: _value(scalar[n]) for n, name in enumerate(field.name for field in scalar.type)}
        if isinstance(scalar, pa.ListScalar | pa.LargeListScalar):
            return [_value(one) for one in scalar.values]
        if isinstance(scalar, pa.TimestampScalar) and scalar.type.unit == "ns":
            return _value(scalar.cast(pa.timestamp("us", scalar.type.tz), safe=False))
        return scalar.as_buffer().to_pybytes() if hasattr(scalar, "as_buffer") else getattr(scalar, "value", None)
