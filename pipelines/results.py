"""The results: what people read, written at the end of a run."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.files import replacing
from pipelines.store import Ledger
from pipelines.tasks import Judge, Row, Task

CHUNK = 8192
FORMATS = ("parquet", "jsonl")


def write(ledger: Ledger, task: Task, judge: Judge, kind: str) -> dict[str, int]:
    """Write the task's results, their roll-up by restaurant, and the rejects, in bounded memory.

    Returns how many rows got each label.
    """
    folder = ledger.folder / "results"
    folder.mkdir(exist_ok=True)
    rows = folder / f"{task.name}.{kind}"
    with replacing(rows) as scratch, _writer(scratch, task.schema, kind) as writer:
        for piece in pieces(ledger, task):
            writer(task.table(piece, judge))
    by_restaurant = folder / f"{task.name}_by_restaurant.{kind}"
    rolled_up = task.roll_up(_scan(rows, kind, task.schema)).collect()
    with replacing(by_restaurant) as scratch:
        rolled_up.write_parquet(scratch) if kind == "parquet" else rolled_up.write_ndjson(scratch)
    # A run in the other format must not leave yesterday's answers beside today's.
    for other in set(FORMATS) - {kind}:
        rows.with_suffix(f".{other}").unlink(missing_ok=True)
        by_restaurant.with_suffix(f".{other}").unlink(missing_ok=True)
    with replacing(ledger.folder / "rejects.jsonl") as scratch, scratch.open("w", encoding="utf-8") as file:
        for reject in ledger.rejects():
            file.write(json.dumps(asdict(reject), ensure_ascii=False) + "\n")
    return {label: int(rolled_up[label].sum()) for label in task.labels}


def pieces(ledger: Ledger, task: Task) -> Iterator[Sequence[Row]]:
    """Yield the answered rows a piece at a time, in input order."""
    answered = ledger.answers(task.name)
    while rows := list(islice(answered, CHUNK)):
        yield rows


@contextmanager
def _writer(path: Path, schema: pa.Schema, kind: str) -> Iterator[Any]:
    if kind == "parquet":
        with pq.ParquetWriter(path, schema) as writer:
            yield writer.write_table
    else:
        with path.open("wb") as file:
            yield lambda table: pl.DataFrame(table).write_ndjson(file)


def _scan(path: Path, kind: str, schema: pa.Schema) -> pl.LazyFrame:
    # An empty JSONL file says nothing of its columns.
    return pl.scan_parquet(path) if kind == "parquet" else pl.scan_ndjson(path, schema=pl.Schema(schema))
