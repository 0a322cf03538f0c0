"""Ingestion: every row of the corpus written into the ledger, as questions that wait or are answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from pipelines.config import Config
from pipelines.corpus import language
from pipelines.corpus.reject import Reason, Reject, told
from pipelines.corpus.row import Row
from pipelines.events import Emit, Reading, Warned
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import ANCHORS, APART, ELSEWHERE, NOBODY, NewJob
from pipelines.ledger.standing import FILLED
from pipelines.models import catalog
from pipelines.prompts.prompts import Prompts
from pipelines.questions import corpus, identity, rowwise
from pipelines.questions.corpus import Chunk, Corpus
from pipelines.questions.share import Numbered, Share, Taken, share
from pipelines.questions.stages import Stages
from pipelines.questions.standing import Standing
from pipelines.questions.told import Told

NEARLY = 0.9  # of the rows, which are so many that something else is wrong
TOGETHER = 8  # chunks that are made durable at once: one alone touches most pages of the indexes, as all do


def ingestion(
    ledger: Ledger, prompts: Prompts, stages: Stages, config: Config, *, emit: Emit
) -> "Ingestion | Standing":
    """Return what gives a run its rows: what stands of the same, if it does, or the input, which is read anew.

    Raises CorpusError when no row of that can be used.
    """
    known = identity.of(config, prompts)
    noted = ledger.standing(known) if known else None
    if noted is None:
        return Ingestion(ledger, prompts, stages, config, known=known, emit=emit)
    return Standing(ledger, stages, config, noted)


class Ingestion:
    """Writes a config's corpus into a ledger, and asks what each task asks first.

    The jobs of a unit have consecutive numbers, one for each task, and units those of their first row. Rows that ask
    the same thing share one request; one that was answered in an earlier run is not asked again, and where all of a
    stage was, the next one is asked. Prompts that would not fit the model's context are rejected.
    Raises CorpusError when no row can be used: before the ledger forgets the last run's, unless all are too long.
    """

    def __init__(
        self, ledger: Ledger, prompts: Prompts, stages: Stages, config: Config, *, known: str | None, emit: Emit
    ) -> None:
        self._ledger = ledger
        self._prompts = prompts
        self._stages = stages
        self._config = config
        self._known = known  # by what, where the next run may find that the same stands
        self._told = Told()
        self._corpus = Corpus(config, self._told.beside(emit))
        self._seen = ledger.inputs.look([source.path for source in config.sources], self._corpus.first)
        self._units: dict[str, int] = {}  # the number of each unit's first job
        self._share: Share | None = None  # what is taken of the rows, if not all
        self._rows = 0
        self._rejects = Counter[Reason]()
        self._first: dict[Reason, Reject] = {}  # of the rejects

    def begin(self, facts: Mapping[str, Any]) -> int:
        """Begin a run, as `Ledger.begin` does, which forgets the last one's rows."""
        with self._ledger.together():
            spoilt = self._ledger.begin(facts)
            self._ledger.note(**self._ledger.inputs.facts(self._seen))  # as far as is known: it may be killed
        return spoilt

    def fill(self, emit: Emit) -> None:
        """Write the rows, then ask about restaurants as a whole, then for the anchors."""
        emit = self._told.beside(emit)
        self._share = share(self._config, emit)
        chunks, seq = iter(self._corpus), 0
        while group := list(islice(chunks, TOGETHER)):  # read first: a file may hang, and others shall write meanwhile
            with self._ledger.together():
                for chunk in group:
                    self._write(seq, chunk)
                    seq += len(chunk)
            emit(Reading(seq))
        self._ledger.rows.rated(self._config.reading.scale, self._share.ratings if self._share else None)
        self._stages.begin(emit)
        self._tell_of_rejects(emit)
        self._tell_of_languages(emit)
        if self._units and self._config.calibration != "raw":
            self._ask_anchors()
        self._ledger.seal()

    def _tell_of_rejects(self, emit: Emit) -> None:
        """Warn of a reason for which nearly all rows are rejected.

        Raises CorpusError where all are, some of them as too long: that is known only now.
        """
        if too_long := self._ledger.rows.too_long():
            if not self._config.shard:  # of which another may have rows of use
                corpus.check(self._ledger.rows)
            if too_long >= self._rows * NEARLY:  # or there is no need to look for one
                self._rejects[Reason.TOO_LONG] = too_long
                rejects = self._ledger.rows.rejects()
                self._first[Reason.TOO_LONG] = next(one for one in rejects if one.reason == Reason.TOO_LONG)
        for reason, number in self._rejects.items():
            if number >= self._rows * NEARLY:  # there may be more wrong than rows
                first = told(self._first[reason])
                emit(Warned(f"{number:,} of {self._rows:,} rows are rejected, the first one: {first}"))

    def _tell_of_languages(self, emit: Emit) -> None:
        """Warn of rows in languages that the model hardly knows."""
        name, languages = self._config.model.name, self._ledger.rows.languages()
        if foreign := catalog.foreign(name, languages):
            rows = f"{foreign:,} of {sum(languages.values()):,} rows"
            emit(Warned(f"not in English: {rows}, and {name} hardly knows other languages: take a larger --model"))

    def facts(self) -> dict[str, Any]:
        """Return what is to be noted of the rows."""
        return {
            **({FILLED: {"by": self._known, "told": self._told.lines}} if self._known else {}),
            **({APART: {"rows": self._share.rows, "read": self._share.read}} if self._share else {}),
            "corpus": corpus.facts(self._config, self._ledger.rows),
            **self._ledger.inputs.facts(self._seen),
        }

    def _write(self, start: int, chunk: Chunk) -> None:
        """Write what is taken of a chunk of rows that starts at this place in the input, and ask about it."""
        numbered = list(enumerate(chunk, start=start))
        taken = self._share.take(numbered) if self._share else Taken(numbered)
        rejects = [(n, row) for n, row in taken.own if isinstance(row, Reject)]
        self._rows += len(taken.own)
        for _, reject in rejects:
            self._rejects[reject.reason] += 1
            self._first.setdefault(reject.reason, reject)
        rows, compared = self._spoken(taken.own), self._spoken(taken.compared)
        twice = self._ledger.rows.add(rows, rejects)
        new = [(n, row) for n, row in rows if n not in twice]
        self._ledger.carried.add(start, self._config.reading.keep, [row for _, row in new])
        self._ask_rows(new, taken.units)
        self._ask_for_others([(n + ELSEWHERE, row) for n, row in compared])

    def _ask_rows(self, rows: Sequence[tuple[int, Row]], numbers: Mapping[str, int] | None) -> None:
        tasks = list(enumerate(self._config.tasks))
        new = dict.fromkeys(row.unit for _, row in rows if row.unit not in self._units)
        numbers = {unit: n for n, unit in enumerate(new, start=len(self._units))} if numbers is None else numbers
        self._units |= {unit: numbers[unit] * len(tasks) for unit in new}
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

    def _ask_for_others(self, rows: Sequence[tuple[int, Row]]) -> None:
        """Ask about reviews of other shards' restaurants what those of this one are compared by."""
        self._ledger.rows.add(rows, [])
        jobs = dict.fromkeys((row.unit for _, row in rows), NOBODY)
        for base in {task.made_of.name for task in self._config.tasks if task.compares and task.made_of}:
            task = self._config.task(base)
            rowwise.ask(self._ledger, self._prompts, task, rows, jobs=jobs, again=self._config.again)

    def _ask_anchors(self) -> None:
        first = (self._share.units if self._share else len(self._units)) * len(self._config.tasks)
        for job, task in enumerate(self._config.tasks, start=first):
            if task.anchors:
                self._ledger.jobs.add([NewJob(job, task.name, ANCHORS, whole=False)])
                rowwise.ask_anchors(self._ledger, self._prompts, task, job, again=self._config.again)

    def _spoken(self, rows: Numbered) -> list[tuple[int, Row]]:
        """Return the usable rows with the language each is taken to be in: the one chosen, its own, its script's."""
        chosen = self._config.reading.lang
        return [
            (n, replace(row, lang=language.spoken(chosen or row.lang, row.text)))
            for n, row in rows
            if isinstance(row, Row)
        ]
