"""Tables: the results of a run as they lie in its folder, read again whatever their format."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa

PARQUET = "parquet"
FORMATS = (PARQUET, "jsonl", "csv")
BY_RESTAURANT = "_by_restaurant"  # how the name of a table ends that has a task's results rolled up
# How a text begins that spreadsheets compute: in CSV an apostrophe stands before it, and before what looks like that.
FORMULA, SHIELDED = r"^('*[=+\-@\t\r\n])", r"^'('*[=+\-@\t\r\n])"
Types = Mapping[str, pl.DataType]


def found(output: Path) -> list[Path]:
    """Return the tables in an output folder, by name."""
    paths = (path for kind in FORMATS for path in (output / "results").glob(f"[!.]*.{kind}"))
    return sorted(paths, key=lambda path: path.stem)


def of(output: Path, name: str) -> Path | None:
    """Return the table of a name in an output folder, None when there is none."""
    return next((path for path in found(output) if path.stem == name), None)


def types_of(schema: pa.Schema) -> Types:
    """Return the types of columns."""
    return dict(pl.DataFrame(schema.empty_table()).schema)


def scan(path: Path, types: Types) -> pl.LazyFrame:
    """Return a table to be read; `types` has those of columns that its file may not tell.

    What neither tells is text in CSV.
    """
    if path.suffix == f".{PARQUET}":
        return pl.scan_parquet(path)
    return (_lines if path.suffix == ".jsonl" else _cells)(path, types)


def shielded(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table for CSV, in which no text is a formula to a spreadsheet; `scan` takes the apostrophes away."""
    texts = table.with_columns(pl.col(pl.String).str.replace(FORMULA, "'$1"))
    return texts.rename(lambda name: re.sub(FORMULA, r"'\1", name))


def _lines(source: Path, types: Types) -> pl.LazyFrame:
    with source.open("rb") as file:
        first = file.readline()
    if not first:  # there is nothing by which to tell a type
        return pl.LazyFrame(schema=types)
    known = {name: types[name] for name in json.loads(first) if name in types}
    return pl.scan_ndjson(source, schema_overrides=known, infer_schema_length=None)


def _cells(source: Path, types: Types) -> pl.LazyFrame:
    written = pl.scan_csv(source, infer_schema=False).collect_schema().names()
    # A quotation mark is doubled, which polars undoes in fields and not in names.
    names = {name: re.sub(SHIELDED, r"\1", name.replace('""', '"')) for name in written}
    known = {name: types[name] for name in names.values() if name in types}
    flat = {
        name: pl.String() if known[ours].is_nested() else known[ours] for name, ours in names.items() if ours in known
    }
    nested = [pl.col(name).str.json_decode(dtype) for name, dtype in known.items() if dtype.is_nested()]
    cells = pl.scan_csv(source, infer_schema=False, schema_overrides=flat)
    texts = cells.rename(names).with_columns(pl.col(pl.String).str.replace(SHIELDED, "$1"))
    return texts.with_columns(nested)
