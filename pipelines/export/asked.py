"""What was asked: the requests of a run, made again as the text that stands in their prompts.

The ledger keeps what a request is about only while it waits, as tokens of one model. But it keeps the rows and answers
that requests are made of, and every request's key: what has the key is what was asked, to the letter.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from pipelines.corpus.rating import Scale
from pipelines.corpus.row import LAYOUTS
from pipelines.errors import ConfigError
from pipelines.export.keys import Keys
from pipelines.ledger.history import Run
from pipelines.ledger.jobs import Jobs
from pipelines.ledger.records import AskedRow, RestaurantJob
from pipelines.ledger.requests import Requests
from pipelines.ledger.rows import Rows
from pipelines.questions.question import body
from pipelines.questions.restaurants import Restaurants
from pipelines.tasks import Task
from pipelines.tasks.restaurant import Stage


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: which stage of a task has asked it, by which form, about which text.

    `schema` is what the answer follows where the form's own is not enough. `rows` has what it was asked for, one for
    each row; where another job has asked it `before`, these are more of them.
    """

    key: bytes
    task: Task
    stage: int
    form: str
    _: KW_ONLY
    text: str
    schema: str | None = None
    rows: Sequence[Mapping[str, Any]]
    before: bool = False


class Questions:
    """The questions of a ledger's last `run`."""

    def __init__(self, db: sqlite3.Connection, run: Run) -> None:
        rows = Rows(db)
        scale = run.facts.get("corpus", {}).get("ratings", {}).get("scale")
        rows.scale = Scale.read(scale) if scale else None
        self._restaurants = Restaurants(rows)
        self._requests, self._jobs, self._keys = Requests(db), Jobs(db), Keys(run.facts)

    def of(self, task: Task) -> Iterator[Asked]:
        """Yield what a task has asked, whatever has become of it.

        Raises ConfigError when the task is not what it was then.
        """
        if not task.whole:
            yield from self._rowwise(task)
            return
        told: set[bytes] = set()
        for job in self._jobs.about_restaurants():
            if job.task == task.name:
                yield from self._whole(task, job, told)

    def _rowwise(self, task: Task) -> Iterator[Asked]:
        anchors = self._anchors(task)
        for key, of_key in groupby(self._requests.asked_rows(task.name), attrgetter("key")):
            rows = list(of_key)
            last = rows[-1]  # those of the input come last
            label, text = anchors.get(key, (None, ""))
            if last.text is not None:
                text = body(last.text, task)
            if key not in self._keys.of(task, last.form, [text]):
                raise _another(task)
            anchor = {"anchor": True, "label": label}
            yield Asked(
                key, task, 0, last.form, text=text, rows=[anchor if row.seq < 0 else _named(task, row) for row in rows]
            )

    def _anchors(self, task: Task) -> dict[bytes, tuple[str | None, str]]:
        """Return the label, if it is known, and the text of each of the task's anchors, by key."""
        return {
            key: (task.labels[number] if len(groups) == len(task.labels) else None, text)
            for lang, groups in task.anchors.items()
            for number, group in enumerate(groups)
            for text in (body(text, task) for text in group)
            for key in self._keys.of(task, task.form("ask", lang), [text])
        }

    def _whole(self, task: Task, job: RestaurantJob, told: set[bytes]) -> Iterator[Asked]:
        """Yield what was asked about a restaurant as a whole; `told` has the keys of what others have asked."""
        requests = self._requests.stages(job.id)
        asked = sorted(self._requests.asked_rows(task.name, job.id), key=lambda row: (row.stage, abs(row.seq)))
        for number, of_stage in groupby(asked, attrgetter("stage")):
            rows = list(of_stage)
            earlier = [request for request in requests if request.stage < number]
            stage = task.stage(self._restaurants.state(job.unit, task, earlier))
            if stage is None:
                raise _another(task)
            by_key: dict[bytes, dict[str | None, AskedRow]] = {}
            for row in rows:
                by_key.setdefault(row.key, {})[row.id] = row
            start = 0
            for place, row in enumerate(rows):
                # The first stage has a line for each row, a later one a row for each part of its lines.
                if not number and place < start:
                    continue
                part = self._part(task, stage, row, start)
                start = part.stop
                if of_key := by_key.pop(row.key, None):  # parts that are alike ask the same
                    yield Asked(
                        row.key, task, number, row.form, text="".join(stage.lines[part]),
                        schema=task.held(stage, part), rows=[_named(task, other) for other in of_key.values()],
                        before=row.key in told,
                    )  # fmt: skip
                    told.add(row.key)

    def _part(self, task: Task, stage: Stage, row: AskedRow, start: int) -> slice:
        """Return the part of a stage's lines, from one on, that a row has asked about."""
        for end in range(start + 1, len(stage.lines) + 1):
            part = slice(start, end)
            parts = [str(row.stage), *stage.lines[part], "", task.held(stage, part) or ""]
            if row.key in self._keys.of(task, row.form, parts):
                return part
        raise _another(task)


def _named(task: Task, row: AskedRow) -> dict[str, Any]:
    """Return what a row is known by in the results; a later stage is about all of a restaurant's."""
    layout = LAYOUTS[task.unit]
    return {layout.unit: row.unit} if row.id is None else {layout.id: row.id, layout.unit: row.unit}


def _another(task: Task) -> ConfigError:
    return ConfigError(
        f"{task.name} is not what it was when it was asked: give --task-file, --aspect, --single-stage and "
        "--max-expansions as that run had them, or take the version of this program that it was"
    )
