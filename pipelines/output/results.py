"""The results: what people read, written at the end of a run."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
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
from pipelines.ledger.records import AnsweredRow
from pipelines.prompts.prompts import Prompts
from pipelines.questions.rowwise import anchor_keys
from pipelines.questions.stages import Stages
from pipelines.tasks import Task
from pipelines.tasks.restaurant import RestaurantState

ROWS, RESTAURANTS = 8192, 64  # in memory at once; a restaurant is there with all of its reviews
FORMATS = ("parquet", "jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswers:
    """A task's answers in the ledger. See `pipelines.tasks.task.Answers`."""

    ledger: Ledger
    stages: Stages
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
        complete = self.stages.complete(self.task)
        while restaurants := list(islice(complete, RESTAURANTS)):
            yield restaurants


def write(ledger: Ledger, stages: Stages, prompts: Prompts, config: Config, *, emit: Emit) -> dict[str, Any]:
    """Write each task's results, and the rejects, in bounded memory; return what the report says of each task."""
    (ledger.folder / "results").mkdir(exist_ok=True)
    for name in ledger.inputs.tasks_of_others():
        _remove(ledger.folder, name)
    figures = {}
    for task in config.tasks:
        answers = _answers(ledger, stages, prompts, config, task=task, emit=emit)
        ledger.note(tasks={task.name: {}})  # there are results of this input from here on, whatever happens
        figures[task.name] = _write(ledger.folder, task, answers, config.format)
    with replacing(ledger.folder / "rejects.jsonl") as scratch, scratch.open("w", encoding="utf-8") as file:
        for reject in ledger.rows.rejects():
            file.write(json.dumps(asdict(reject), ensure_ascii=False) + "\n")
    return figures


def _answers(
    ledger: Ledger, stages: Stages, prompts: Prompts, config: Config, *, task: Task, emit: Emit
) -> StoredAnswers:
    """Return a task's answers, to be calibrated as the answers to its anchors allow."""
    keys = anchor_keys(ledger, prompts, task) if config.calibration != "raw" else {}
    found = {lang: ledger.requests.answers(of_lang) for lang, of_lang in keys.items()}
    missing = {
        lang: len(keys[lang]) - len(of_lang) for lang, of_lang in found.items() if len(of_lang) < len(keys[lang])
    }
    anchors = {lang: of_lang for lang, of_lang in found.items() if lang not in missing}
    answers = StoredAnswers(
        ledger=ledger,
        stages=stages,
        task=task,
        classes=next((prompts.templates[task.name, form].classes for form in task.forms), ()),
        calibration=config.calibration if anchors else "raw",
        anchors=anchors,
        base=_answers(ledger, stages, prompts, config, task=task.made_of, emit=lambda _: None)
        if task.made_of
        else None,
    )
    if missing and any(answers.rows()):  # with no answer nobody misses it
        whose = f"rows in {', '.join(missing)}" if anchors else "this run"
        emit(Warned(f"{sum(missing.values())} anchors have no answer: the probabilities of {whose} are raw"))
    return answers


def _write(folder: Path, task: Task, answers: StoredAnswers, kind: str) -> dict[str, Any]:
    """Write a task's results, and what they roll up to by restaurant; return what the report says of them."""
    _write_tables(folder, task.name, kind, task.tables(answers), schema=task.schema)
    rows = _scan(_path(folder, task.name, kind), task.schema, kind)
    if (rolled_up := task.by_restaurant(rows, answers)) is not None:
        table = rolled_up.collect().to_arrow()
        _write_tables(folder, f"{task.name}_by_restaurant", kind, [table], schema=table.schema)
    figures = task.figures(rows, answers)
    return {**figures, "figures": list(figures)}


def _remove(folder: Path, task: str) -> None:
    """Remove a task's results: the folder holds those of the input given last."""
    for kind in FORMATS:
        for name in (task, f"{task}_by_restaurant"):
            _path(folder, name, kind).unlink(missing_ok=True)


def _write_tables(folder: Path, name: str, kind: str, tables: Iterable[pa.Table], *, schema: pa.Schema) -> None:
    with replacing(_path(folder, name, kind)) as scratch, _writer(scratch, schema, kind) as write_table:
        for table in tables:
            write_table(table)
    # A run in the other format must not leave yesterday's answers beside today's.
    for other in set(FORMATS) - {kind}:
        _path(folder, name, other).unlink(missing_ok=True)


def _scan(path: Path, schema: pa.Schema, kind: str) -> pl.LazyFrame:
    """Return the rows of a results file; an empty one of JSON lines says nothing of its columns."""
    if kind == "parquet":
        return pl.scan_parquet(path)
    return pl.scan_ndjson(path, schema=pl.DataFrame(schema.empty_table()).schema)


def _path(folder: Path, name: str, kind: str) -> Path:
    return folder / "results" / f"{name}.{kind}"


@contextmanager
def _writer(path: Path, schema: pa.Schema, kind: str) -> Iterator[Callable[[pa.Table], Any]]:
    if kind == "parquet":
        with pq.ParquetWriter(path, schema) as writer:
            yield writer.write_table
    else:
        with path.open("wb") as file:
            yield lambda table: pl.DataFrame(table).write_ndjson(file)
