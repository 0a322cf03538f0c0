"""The results: what people read, written at the end of a run."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.config import Config
from pipelines.corpus.reject import Reject
from pipelines.corpus.spelling import cut, spelled_json
from pipelines.events import Emit, Noted, Warned
from pipelines.files import put, replacing
from pipelines.ledger import carried
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import AnsweredRow
from pipelines.output.tables import BY_RESTAURANT, FORMATS, PARQUET, shielded
from pipelines.prompts.prompts import Prompts
from pipelines.questions.restaurants import Restaurants
from pipelines.questions.rowwise import anchor_keys
from pipelines.questions.stages import Stages
from pipelines.tasks import Task
from pipelines.tasks.restaurant import RestaurantState

ROWS, RESTAURANTS = 8192, 64  # in memory at once; a restaurant is there with all of its reviews
DETAIL = 500  # characters of why a row is rejected
MANY = 20  # answers of which one says something, as a rule


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswers:
    """A task's answers in the ledger. See `pipelines.tasks.task.Answers`."""

    ledger: Ledger
    known: Restaurants
    task: Task
    classes: Sequence[int]
    calibration: str
    anchors: Mapping[str, Sequence[Any]]
    base: "StoredAnswers | None" = None

    def rows(self) -> Iterator[Sequence[AnsweredRow]]:
        """Yield the answered rows a piece at a time, in input order."""
        answered = self.ledger.requests.answered_rows(self.task.name)
        while rows := list(islice(answered, ROWS)):
            yield rows

    def restaurants(self) -> Iterator[Sequence[RestaurantState]]:
        """Yield the restaurants whose stages are all answered, some at a time, in input order."""
        complete = self.known.complete(self.task, self.ledger.jobs, self.ledger.requests)
        while restaurants := list(islice(complete, RESTAURANTS)):
            yield restaurants


@dataclass(frozen=True, slots=True)
class Scoring:
    """What of a model's tokens a task's results need.

    `classes` has the class of each word that is scored, `anchors` what those of each language are known by.
    """

    classes: Sequence[int]
    anchors: Mapping[str, Sequence[bytes]]


def scoring(ledger: Ledger, prompts: Prompts, config: Config) -> dict[str, Scoring]:
    """Return the scoring of each task by its name."""
    return {
        task.name: Scoring(
            next((prompts.templates[task.name, form].classes for form in task.forms), ()),
            anchor_keys(ledger, prompts, task) if config.calibration != "raw" else {},
        )
        for task in config.tasks
    }


def write(ledger: Ledger, stages: Stages, prompts: Prompts, config: Config, *, emit: Emit) -> dict[str, Any]:
    """Write each task's results, and the rejects, in bounded memory; return what the report says of each task."""
    scored = scoring(ledger, prompts, config)
    return write_scored(
        ledger, stages.restaurants, config.tasks, scored,
        calibration=config.calibration, kind=config.format, emit=emit,
    )  # fmt: skip


def write_scored(
    ledger: Ledger,
    known: Restaurants,
    tasks: Iterable[Task],
    scored: Mapping[str, Scoring],
    *,
    calibration: str,
    kind: str,
    emit: Emit,
) -> dict[str, Any]:
    """Write results for which no model is needed any more: see `write`."""
    (ledger.folder / "results").mkdir(exist_ok=True)
    if gone := [name for name in ledger.inputs.tasks_of_others() if _remove(ledger.folder, name)]:
        emit(Noted(f"results of the input before are removed: {', '.join(gone)}; the answers are kept"))
    figures = {}
    for task in tasks:
        answers = _answers(ledger, known, task, scored, calibration=calibration, emit=emit)
        ledger.note(tasks={task.name: {}})  # there are results of this input from here on, whatever happens
        figures[task.name] = _write(ledger, task, answers, kind, emit=emit)
    with replacing(ledger.folder / "rejects.jsonl") as scratch, scratch.open("w", encoding="utf-8") as file:
        for reject in ledger.rows.rejects():
            file.write(_line(reject) + "\n")
    return figures


def _line(reject: Reject) -> str:
    """Return a reject as a line of JSON that does nothing to a terminal, and quotes no more than a person reads."""
    told = asdict(reject) | {"detail": cut(reject.detail, DETAIL)}
    return spelled_json(json.dumps(told, ensure_ascii=False))


def _answers(
    ledger: Ledger, known: Restaurants, task: Task, scored: Mapping[str, Scoring], *, calibration: str, emit: Emit
) -> StoredAnswers:
    """Return a task's answers, to be calibrated as the answers to its anchors allow."""
    keys = scored[task.name].anchors
    found = {lang: ledger.requests.answers(of_lang) for lang, of_lang in keys.items()}
    missing = {
        lang: len(keys[lang]) - len(of_lang) for lang, of_lang in found.items() if len(of_lang) < len(keys[lang])
    }
    anchors = {lang: of_lang for lang, of_lang in found.items() if lang not in missing}
    answers = StoredAnswers(
        ledger=ledger,
        known=known,
        task=task,
        classes=scored[task.name].classes,
        calibration=calibration if anchors else "raw",
        anchors=anchors,
        base=_answers(ledger, known, task.made_of, scored, calibration=calibration, emit=lambda _: None)
        if task.made_of
        else None,
    )
    if missing and any(answers.rows()):  # with no answer nobody misses it
        whose = f"rows in {', '.join(missing)}" if anchors else "this run"
        emit(Warned(f"{sum(missing.values())} anchors have no answer: the probabilities of {whose} are raw"))
    return answers


def _write(ledger: Ledger, task: Task, answers: StoredAnswers, kind: str, *, emit: Emit) -> dict[str, Any]:
    """Write a task's results, and what they roll up to by restaurant; return what the report says of them.

    That many answers come to nothing is told.
    """
    tables, schema, folder = task.tables(answers), task.schema, ledger.folder / "results"
    if task.unit != "restaurant":
        kept = ledger.carried.schema()
        tables, schema = ledger.carried.beside(tables, kept), pa.schema([*schema, *kept])
    whole = folder / f".{task.name}.tmp"  # of which the other formats are made
    whole.unlink(missing_ok=True)  # as `replacing` does
    try:
        with pq.ParquetWriter(whole, schema) as writer:
            for table in tables:
                writer.write_table(table)
        if not pq.read_metadata(whole).num_rows and sum(map(len, answers.rows())) >= MANY:
            emit(Warned(f"{task.name}: no answer says anything: the model may not be up to it"))
        rows = pl.scan_parquet(whole)
        figures = task.figures(rows, answers)
        if (rolled_up := task.by_restaurant(rows, answers)) is not None:
            table = rolled_up.collect().to_arrow()
            _publish(table.schema, table.to_batches(), folder / f"{task.name}{BY_RESTAURANT}.{kind}")
        path = folder / f"{task.name}.{kind}"
        if kind == PARQUET:
            put(whole, path)
            _outdate(path)
        else:
            with pq.ParquetFile(whole) as file:
                _publish(schema, file.iter_batches(ROWS), path)
    finally:
        whole.unlink(missing_ok=True)
    return {**figures, "figures": list(figures)}


def _remove(folder: Path, task: str) -> bool:
    """Remove a task's results, for the folder holds those of the input given last; say whether there were some."""
    names = (f"{name}.{kind}" for kind in FORMATS for name in (task, f"{task}{BY_RESTAURANT}"))
    there = [path for name in names if (path := folder / "results" / name).exists()]
    for path in there:
        path.unlink()
    return bool(there)


def _publish(schema: pa.Schema, batches: Iterable[pa.RecordBatch], path: Path) -> None:
    """Write a table where people look for it, in the format that its name says."""
    with replacing(path) as scratch:
        if path.suffix == f".{PARQUET}":
            with pq.ParquetWriter(scratch, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        else:
            write = _write_jsonl if path.suffix == ".jsonl" else _write_csv
            with scratch.open("wb") as file:
                write(chain([schema.empty_table()], map(pa.Table.from_batches, ([batch] for batch in batches))), file)
    _outdate(path)


def _outdate(path: Path) -> None:
    """Remove a table of the other formats: a run in one must not leave yesterday's answers beside today's."""
    for other in FORMATS:
        if path.suffix != f".{other}":
            path.with_suffix(f".{other}").unlink(missing_ok=True)


def _write_jsonl(tables: Iterable[pa.Table], file: BinaryIO) -> None:
    for table in tables:
        pl.DataFrame(_plain(table, _has_bytes)).write_ndjson(file)


def _write_csv(tables: Iterable[pa.Table], file: BinaryIO) -> None:
    for n, table in enumerate(tables):
        plain = pl.DataFrame(_plain(table, lambda kind: pa.types.is_nested(kind) or _has_bytes(kind)))
        texts = plain.with_columns(pl.col(pl.Duration).dt.to_string())  # as in JSON
        shielded(texts).write_csv(file, include_header=not n)


def _plain(table: pa.Table, has_no_form: Callable[[pa.DataType], bool]) -> pa.Table:
    """Return a table as a format can have it: columns of types for which that has no form are text, in JSON."""
    columns = [carried.written(column.to_pylist()) if has_no_form(column.type) else column for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _has_bytes(kind: pa.DataType) -> bool:
    """Say whether there are bytes in a column of some type, which are no text."""
    parts = [kind.field(n).type for n in range(kind.num_fields)]
    return any(map(_has_bytes, parts)) if parts else "binary" in str(kind)
