"""Ingestion: every row of the corpus written into the ledger, as questions that wait or are answered."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from pipelines.config import Config
from pipelines.corpus import language, reader
from pipelines.corpus.reject import Reject
from pipelines.corpus.row import Row
from pipelines.errors import CorpusError
from pipelines.events import Asking, Emit, Reading
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import ANCHORS, NewJob
from pipelines.prompts.prompts import Prompts
from pipelines.questions import rowwise
from pipelines.questions.stages import Stages

Chunk = list[Row | Reject]


class Corpus:
    """The rows of a config's input, of which the `first` are there already. Raises CorpusError when it holds none."""

    def __init__(self, config: Config) -> None:
        self._chunks = reader.read(config.sources, config.layout, config.columns, config.limit)
        first = next(self._chunks, None)
        if first is None:
            raise CorpusError("no rows in the input: its files are empty")
        self._first = first

    @property
    def first(self) -> list[Row]:
        """The usable rows of the first chunk."""
        return [row for row in self._first if isinstance(row, Row)]

    def __iter__(self) -> Iterator[Chunk]:
        """Yield every chunk, once."""
        return chain([self._first], self._chunks)


class Ingestion:
    """Writes a corpus into a ledger, and asks what each task asks first.

    The jobs of a unit have consecutive numbers, one for each task, and units those of their first row. Rows that ask
    the same thing share one request; one that was answered in an earlier run is not asked again, and where all of a
    stage was, the next one is asked. Prompts that would not fit the model's context are rejected.
    """

    def __init__(self, ledger: Ledger, prompts: Prompts, stages: Stages, config: Config) -> None:
        self._ledger = ledger
        self._prompts = prompts
        self._stages = stages
        self._config = config
        self._units: dict[str, int] = {}  # the number of each unit's first job

    def fill(self, chunks: Iterable[Chunk], emit: Emit) -> None:
        """Write the rows, chunk by chunk, then ask about restaurants as a whole, then for the anchors."""
        seq = 0
        for chunk in chunks:
            numbered = [(n, self._spoken(row)) for n, row in enumerate(chunk, start=seq) if isinstance(row, Row)]
            seq += len(chunk)
            with self._ledger.together():  # or a run that is killed in between would count them wrong
                twice = self._ledger.rows.add(numbered, (row for row in chunk if isinstance(row, Reject)))
                self._ask_rows([(n, row) for n, row in numbered if n not in twice])
            emit(Reading(seq))
        for job in self._ledger.jobs.about_restaurants():
            self._stages.advance(job.task, job.id, job.unit)
            emit(Asking(job.id // len(self._config.tasks), len(self._units)))
        if self._units and self._config.calibration != "raw":
            self._ask_anchors()

    def _ask_rows(self, rows: list[tuple[int, Row]]) -> None:
        tasks = list(enumerate(self._config.tasks))
        new = dict.fromkeys(row.unit for _, row in rows if row.unit not in self._units)
        self._units |= {unit: number * len(tasks) for number, unit in enumerate(new, start=len(self._units))}
        self._ledger.jobs.add(
            NewJob(self._units[unit] + n, task.name, unit, task.whole) for unit in new for n, task in tasks
        )
        self._ledger.jobs.due(
            (self._units[row.unit] + n, row.deadline) for _, row in rows if row.deadline is not None for n, _ in tasks
        )
        for n, task in tasks:
            if not task.whole:
                jobs = {row.unit: self._units[row.unit] + n for _, row in rows}
                rowwise.ask(self._ledger, self._prompts, task, rows, jobs=jobs, again=self._config.again)

    def _ask_anchors(self) -> None:
        first = len(self._units) * len(self._config.tasks)
        for job, task in enumerate(self._config.tasks, start=first):
            if task.anchors:
                self._ledger.jobs.add([NewJob(job, task.name, ANCHORS, whole=False)])
                rowwise.ask_anchors(self._ledger, self._prompts, task, job, again=self._config.again)

    def _spoken(self, row: Row) -> Row:
        """Return the row with the language it is taken to be in: the one chosen, its own, or that of its script."""
        return replace(row, lang=language.code(self._config.lang or row.lang or language.of(row.text)))
