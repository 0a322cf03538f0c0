"""The plan: every row of the corpus written into the ledger, as a question that waits or is answered."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from pipelines.config import Config
from pipelines.corpus import language, reader
from pipelines.corpus.row import Reject, Row
from pipelines.errors import CorpusError
from pipelines.events import Asking, Emit, Reading
from pipelines.ledger.ledger import Ledger
from pipelines.questions.stages import ANCHORS, Desk
from pipelines.tasks.aggregation import Aggregation
from pipelines.tasks.classification import Classification


def rows(config: Config) -> Iterator[list[Row | Reject]]:
    """Begin to read the corpus, and return its chunks. Raises CorpusError when it holds no rows."""
    chunks = reader.read(config.sources, config.layout, config.columns, config.limit)
    first = next(chunks, None)
    if first is None:
        raise CorpusError("no rows in the input: its files are empty")
    return chain([first], chunks)


def fill(ledger: Ledger, desk: Desk, chunks: Iterable[list[Row | Reject]], config: Config, emit: Emit) -> None:
    """Write the corpus into the ledger, chunk by chunk, and have the desk ask what each task asks first.

    Rows that ask the same thing share one request; one that was answered in an earlier run is not asked
    again, and where all of a stage was, the next one is asked. Prompts that would not fit the model's context are
    rejected.
    """
    tasks = list(config.tasks)
    # The jobs of a unit have consecutive numbers, one for each task, and units those of their first row.
    units: dict[str, int] = {}
    seq = 0
    for chunk in chunks:
        items = [(n, _spoken(row, config)) for n, row in enumerate(chunk, start=seq) if isinstance(row, Row)]
        seq += len(chunk)
        with ledger.together():  # or a run that is killed in between would count them wrong
            twice = ledger.add(items, (row for row in chunk if isinstance(row, Reject)))
            items = [(n, item) for n, item in items if n not in twice]
            new = dict.fromkeys(item.unit for _, item in items if item.unit not in units)
            units |= {unit: number * len(tasks) for number, unit in enumerate(new, start=len(units))}
            ledger.open(
                (units[unit] + n, task.name, unit, isinstance(task, Aggregation))
                for unit in new
                for n, task in enumerate(tasks)
            )
            ledger.due(
                (units[item.unit] + n, item.deadline)
                for _, item in items
                if item.deadline is not None
                for n in range(len(tasks))
            )
            for n, task in enumerate(tasks):
                if not isinstance(task, Aggregation):
                    desk.ask(task, {item.unit: units[item.unit] + n for _, item in items}, items)
        emit(Reading(seq))
    digests = {task.name: task for task in tasks if isinstance(task, Aggregation)}
    for job, name, unit in ledger.restaurant_jobs():
        desk.advance(digests[name], job, unit)
        emit(Asking(job // len(tasks), len(units)))
    if units and config.calibration != "raw":
        for n, task in enumerate(tasks):
            if isinstance(task, Classification) and task.anchors:
                job = len(units) * len(tasks) + n
                ledger.open([(job, task.name, ANCHORS, False)])
                desk.ask_anchors(task, job)


def _spoken(item: Row, config: Config) -> Row:
    """Return the item with the language it is taken to be in: that of the order, of its row or of its script."""
    return replace(item, lang=language.code(config.lang or item.lang or language.of(item.text)))
