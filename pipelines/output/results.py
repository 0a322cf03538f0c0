"""The results: what people read, written at the end of a run."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.config import Config
from pipelines.events import Emit, Warned
from pipelines.files import replacing
from pipelines.ledger.ledger import Ledger
from pipelines.questions.stages import Desk
from pipelines.tasks import Task
from pipelines.tasks.aggregation import Aggregation, RestaurantState
from pipelines.tasks.classification import Classification, Judge
from pipelines.tasks.extraction import Extraction
from pipelines.tasks.task import AnsweredRow

CHUNK = 8192
CASES = 64  # restaurants, each with all of its reviews
FORMATS = ("parquet", "jsonl")


def write(ledger: Ledger, desk: Desk, config: Config, emit: Emit) -> dict[str, Any]:
    """Write each task's results, and the rejects, in bounded memory; return what the report says of each task."""
    (ledger.folder / "results").mkdir(exist_ok=True)
    figures = {task.name: _write(ledger, desk, task, config, emit) for task in config.tasks}
    with replacing(ledger.folder / "rejects.jsonl") as scratch, scratch.open("w", encoding="utf-8") as file:
        for reject in ledger.items.rejects():
            file.write(json.dumps(asdict(reject), ensure_ascii=False) + "\n")
    return figures


def _write(ledger: Ledger, desk: Desk, task: Task, config: Config, emit: Emit) -> dict[str, Any]:
    """Write the results of a task, and the roll-up of labels by restaurant."""
    if isinstance(task, Aggregation):
        rows = _file(ledger, task, config, (task.table(cases) for cases in _cases(desk, task)))
        return task.figures(rows)
    if isinstance(task, Extraction):
        _file(ledger, task, config, (task.table(piece) for piece in _pieces(ledger, task)))
        return {}
    assert isinstance(task, Classification)  # noqa: S101  the third kind there is
    calibration, judge = _judge(ledger, desk, task, config, emit)
    rows = _file(ledger, task, config, (task.table(piece, judge) for piece in _pieces(ledger, task)))
    if task.unit == "review":
        table = task.roll_up(rows).collect().to_arrow()
        with (
            _replacing(ledger, f"{task.name}_by_restaurant", config.format) as scratch,
            _writer(scratch, table.schema, config.format) as writer,
        ):
            writer(table)
    counts = dict(rows.group_by("label").len().collect().iter_rows())
    return {"labels": {label: counts.get(label, 0) for label in task.labels}, "calibration": calibration}


def _judge(ledger: Ledger, desk: Desk, task: Classification, config: Config, emit: Emit) -> tuple[str, Judge]:
    """Return the calibration that the answers to the anchors allow, and what turns answers into probabilities by it."""
    anchors = desk.anchors(task)
    known = ledger.answered(anchors)
    calibration = config.calibration if anchors else "raw"
    if len(known) < len(anchors):
        calibration = "raw"
        if next(ledger.answers(task.name), None):  # with no answer nobody misses it
            emit(Warned(f"{len(anchors) - len(known)} anchors have no answer: the probabilities of this run are raw"))
    frame = desk.frames[task.name, next(iter(task.forms))]
    return calibration, task.judge(calibration, frame, known, _pieces(ledger, task))


def _pieces(ledger: Ledger, task: Task) -> Iterator[Sequence[AnsweredRow]]:
    """Yield the answered rows a piece at a time, in input order."""
    answered = ledger.answers(task.name)
    while rows := list(islice(answered, CHUNK)):
        yield rows


def _cases(desk: Desk, task: Aggregation) -> Iterator[Sequence[RestaurantState]]:
    """Yield the restaurants whose stages are all answered, some at a time, in input order."""
    complete = desk.complete(task)
    while cases := list(islice(complete, CASES)):
        yield cases


def _file(ledger: Ledger, task: Task, config: Config, tables: Iterable[pa.Table]) -> pl.LazyFrame:
    """Write a task's tables into its results file, and return its rows."""
    with (
        _replacing(ledger, task.name, config.format) as scratch,
        _writer(scratch, task.schema, config.format) as writer,
    ):
        for table in tables:
            writer(table)
    path = _path(ledger, task.name, config.format)
    # An empty JSONL file says nothing of its columns.
    return (
        pl.scan_parquet(path)
        if config.format == "parquet"
        else pl.scan_ndjson(path, schema=pl.DataFrame(task.schema.empty_table()).schema)
    )


@contextmanager
def _replacing(ledger: Ledger, name: str, kind: str) -> Iterator[Path]:
    with replacing(_path(ledger, name, kind)) as scratch:
        yield scratch
    # A run in the other format must not leave yesterday's answers beside today's.
    for other in set(FORMATS) - {kind}:
        _path(ledger, name, other).unlink(missing_ok=True)


def _path(ledger: Ledger, name: str, kind: str) -> Path:
    return ledger.folder / "results" / f"{name}.{kind}"


@contextmanager
def _writer(path: Path, schema: pa.Schema, kind: str) -> Iterator[Any]:
    if kind == "parquet":
        with pq.ParquetWriter(path, schema) as writer:
            yield writer.write_table
    else:
        with path.open("wb") as file:
            yield lambda table: pl.DataFrame(table).write_ndjson(file)
