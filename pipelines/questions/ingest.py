"""Ingestion: every row of the corpus written into the ledger, as questions that wait or are answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.config import Config
from pipelines.corpus import language
from pipelines.corpus.rating import Scale
from pipelines.corpus.reject import Reason, Reject, told
from pipelines.corpus.row import Row
from pipelines.events import Asking, Emit, Event, Noted, Reading, Warned
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import ANCHORS, ELSEWHERE, NOBODY, NewJob
from pipelines.ledger.standing import FILLED
from pipelines.prompts.prompts import Prompts
from pipelines.questions import identity, rowwise
from pipelines.questions.corpus import Corpus
from pipelines.questions.share import Numbered, Share, Taken, share
from pipelines.questions.stages import Stages

if TYPE_CHECKING:
    from pipelines.ledger.inputs import Seen

LISTED = 20  # files that are passed over and named
TOLD: Mapping[str, type[Noted | Warned]] = {"Noted": Noted, "Warned": Warned}  # by what it is kept as
NEARLY = 0.9  # of the rows, which are so many that something else is wrong


class Ingestion:
    """Writes a config's corpus into a ledger, and asks what each task asks first.

    The jobs of a unit have consecutive numbers, one for each task, and units those of their first row. Rows that ask
    the same thing share one request; one that was answered in an earlier run is not asked again, and where all of a
    stage was, the next one is asked. Prompts that would not fit the model's context are rejected.

    Where the last run has asked the same of the same files, its rows, jobs and questions stay as they are.
    """

    def __init__(self, ledger: Ledger, prompts: Prompts, stages: Stages, config: Config) -> None:
        self._ledger = ledger
        self._prompts = prompts
        self._stages = stages
        self._config = config
        self._units: dict[str, int] = {}  # the number of each unit's first job
        self._identity = identity.of(config, prompts)
        self._stands: dict[str, Any] | None = None  # what is known of rows that need not be read
        self._corpus: Corpus | None = None
        self._seen: Seen | None = None
        self._told: list[tuple[str, str]] = []  # what a person should know of the rows
        self.share: Share | None = None  # what is taken of the rows, if not all

    def begin(self, facts: Mapping[str, Any], emit: Emit) -> int:
        """Begin a run, as `Ledger.begin` does. Raises CorpusError before the ledger forgets the last one's rows."""
        self._stands = self._ledger.standing(self._identity) if self._identity else None
        if self._stands is None:
            self._corpus = Corpus(self._config, self._heard(emit))
            paths = [source.path for source in self._config.sources]
            self._seen = self._ledger.inputs.look(paths, self._corpus.first)
        return self._ledger.begin(facts, keep=self._stands is not None)

    def fill(self, emit: Emit) -> None:
        """Write the rows, chunk by chunk, then ask about restaurants as a whole, then for the anchors."""
        if self._corpus is None:
            self._keep(emit)
            return
        emit = self._heard(emit)
        self.share = share(self._config, emit)
        seq, rows, often, first = 0, 0, Counter[Reason](), dict[Reason, Reject]()
        for chunk in self._corpus:
            numbered = list(enumerate(chunk, start=seq))
            taken = self.share.take(numbered) if self.share else Taken(numbered)
            rejects = [(n, row) for n, row in taken.own if isinstance(row, Reject)]
            for _, reject in rejects:
                first.setdefault(reject.reason, reject)
            often.update(reject.reason for _, reject in rejects)
            rows += len(taken.own)
            self._write(seq, taken, rejects)
            seq += len(chunk)
            emit(Reading(seq))
        for reason, number in often.items():
            if number >= rows * NEARLY:  # there may be more wrong than rows
                emit(Warned(f"{number:,} of {rows:,} rows are rejected, the first one: {told(first[reason])}"))
        self._ledger.rows.rated(self._config.reading.scale, self.share.ratings if self.share else None)
        self._ask_whole(emit)
        if self._units and self._config.calibration != "raw":
            self._ask_anchors()
        self._ledger.seal()

    def facts(self) -> dict[str, Any]:
        """Return what is to be noted of the rows."""
        if self._stands is not None:
            return {**self._stands, "corpus": self.corpus()}
        filled = {FILLED: {"by": self._identity, "told": self._told}} if self._identity else {}
        return {**filled, "corpus": self.corpus(), **(self._ledger.inputs.facts(self._seen) if self._seen else {})}

    def corpus(self) -> dict[str, Any]:
        """Return what a report says of where the rows come from, and of their ratings."""
        passed_over, scale = self._config.passed_over, self._ledger.rows.scale
        return {
            "files": len(self._config.sources),
            "passed_over": {"files": len(passed_over), "first": passed_over[:LISTED]},
            "ratings": {"scale": str(scale) if scale else None, **self._ledger.rows.ratings()},
        }

    def _keep(self, emit: Emit) -> None:
        """Leave what stands, and say of it what was said when it was read."""
        facts = self._stands or {}
        judged = facts["corpus"]["ratings"].get("scale")
        self._ledger.rows.scale = self._config.reading.scale or (judged and Scale.read(judged))
        for kind, text in facts[FILLED]["told"]:
            emit(TOLD[kind](text))
        self._ask_whole(emit)
        self._ledger.seal()

    def _heard(self, emit: Emit) -> Emit:
        """Keep what a person is told while rows are read."""

        def tell(event: Event) -> None:
            if isinstance(event, Noted | Warned):
                self._told.append((type(event).__name__, event.text))
            emit(event)

        return tell

    def _ask_whole(self, emit: Emit) -> None:
        """Ask about restaurants as a whole what has not been asked."""
        jobs = self._ledger.jobs.unasked()
        units = len({job.unit for job in jobs})
        for n, job in enumerate(jobs, start=1):
            self._stages.advance(job.task, job.id, job.unit)
            emit(Asking(n * units // len(jobs), units))

    def _write(self, start: int, taken: Taken, rejects: Sequence[tuple[int, Reject]]) -> None:
        """Write what is taken of a chunk of rows that starts at this place in the input, and ask about it."""
        rows, compared = self._spoken(taken.own), self._spoken(taken.compared)
        with self._ledger.together():  # or a run that is killed in between would count them wrong
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
        first = (self.share.units if self.share else len(self._units)) * len(self._config.tasks)
        for job, task in enumerate(self._config.tasks, start=first):
            if task.anchors:
                self._ledger.jobs.add([NewJob(job, task.name, ANCHORS, whole=False)])
                rowwise.ask_anchors(self._ledger, self._prompts, task, job, again=self._config.again)

    def _spoken(self, rows: Numbered) -> list[tuple[int, Row]]:
        """Return the usable rows with the language each is taken to be in: the one chosen, its own, its script's."""
        chosen = self._config.reading.lang
        return [
            (n, replace(row, lang=language.code(chosen or row.lang or language.of(row.text))))
            for n, row in rows
            if isinstance(row, Row)
        ]
