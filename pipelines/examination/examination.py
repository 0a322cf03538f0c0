"""The examination: a model is asked what a night's run asks, about texts with known answers, and marked.

It is the run itself that asks, on one engine: labels of reviews, plain and with injections; points of the same
reviews; and, from a model whose points are good enough, summaries and strengths of their restaurants. A model with a
chat template is spoken to both ways first, and goes on in the better one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from pipelines import run
from pipelines.config import Config
from pipelines.corpus.reject import Reason
from pipelines.corpus.sources import Source
from pipelines.engine.interface import Engine, Start
from pipelines.engine.supervised import SupervisedEngine
from pipelines.errors import ConfigError, CorpusError
from pipelines.events import Emit, Event, Examining, Progress, Warned
from pipelines.examination import marks
from pipelines.examination.paper import RESTAURANTS, Answered, injected
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.models.catalog import Model
from pipelines.models.outcome import Outcome
from pipelines.prompts.prompts import Prompts
from pipelines.questions.restaurants import Restaurants
from pipelines.tasks import TASKS, Task
from pipelines.tasks.summary import lines_told

TOO_SMALL = "the context is too small for the texts that a model is examined on"
CONTEXT = 8192  # tokens that all of it fits, or the model's own
# What writing takes, each from 0 to 1: points found, words that stand in the review, and facts put in words that hold.
WRITES: Mapping[str, float] = {"points": 0.6, "grounded": 0.9, "supported": 0.5}
DIGESTS = ("summary", "strengths")


class _LastingEngine(SupervisedEngine):
    """One that is lent to a run after the other, each of which would close it at its end."""

    def close(self) -> None:
        """Leave it open."""

    def end(self) -> None:
        """Close the engine of the moment."""
        super().close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sitting:
    """A model that is being examined in a folder."""

    model: Model
    arguments: Mapping[str, Any]
    engine: Engine
    folder: Path
    emit: Emit

    def ask(self, tasks: Sequence[Task], rows: Iterable[Mapping[str, Any]]) -> "_Answers":
        """Ask tasks about some rows, as a run does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        corpus = self.folder / "reviews.jsonl"
        corpus.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        config = Config(tasks=tasks, sources=[Source(str(corpus))], model=self.model, arguments=self.arguments)
        with Ledger(self.folder) as ledger:
            try:
                report = run.run(
                    ledger, config, [lambda **_: self.engine], Measurements(self.folder / "measured"),
                    facts={}, emit=self._tell,
                )  # fmt: skip
            except CorpusError as error:  # all of them are too long
                raise ConfigError(TOO_SMALL) from error
            tables = {task.name: pl.read_parquet(self.folder / "results" / f"{task.name}.parquet") for task in tasks}
            told = _told(ledger, config.task("summary")) if "summary" in tables else []
        if Reason.TOO_LONG in report["rows"]["rejects_by_reason"]:
            raise ConfigError(TOO_SMALL)
        return _Answers(report["tasks"], tables, told)

    def _tell(self, event: Event) -> None:
        if isinstance(event, Progress | Warned):  # the rest is told of runs that people asked for
            self.emit(event)


def _told(ledger: Ledger, summary: Task) -> list[tuple[int, int]]:
    """Return of each summary of how many facts the model has told, and of how many it was to."""
    complete = Restaurants(ledger.rows).complete(summary, ledger.jobs, ledger.requests)
    return [lines_told(restaurant) for restaurant in complete]


@dataclass(frozen=True, slots=True)
class _Answers:
    """What came of asking: each task's part of the report and its results; of each summary the facts told, and all."""

    report: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, pl.DataFrame]
    told: Sequence[tuple[int, int]]


def examine(model: Model, arguments: Mapping[str, Any], start: Start[Engine], emit: Emit) -> Outcome:
    """Return what a model is found to be, by an engine with some `arguments` that `start` makes.

    Raises EngineError when the engine does not start, or dies of the paper, and ConfigError when that does not fit the
    context.
    """
    context = min(CONTEXT, int(arguments.get("max_model_len", model.context)))
    ways = _ways(model, arguments)
    with TemporaryDirectory() as scratch, ExitStack() as after:
        engine = _LastingEngine(partial(start, context=context), model.name, emit)
        after.callback(engine.end)
        sittings = [
            _Sitting(
                model=replace(model, chat=chat), arguments=arguments, engine=engine, folder=Path(scratch) / str(chat),
                emit=emit,
            )
            for chat in ways
        ]  # fmt: skip
        emit(Examining("labels"))
        labelled = [sitting.ask([TASKS["sentiment"]], _injected()) for sitting in sittings]
        emit(Examining("points"))
        pointed = [sitting.ask([TASKS["points"]], _reviews()) for sitting in sittings]
        marked = [_marks(*both) for both in zip(labelled, pointed, strict=True)]
        # Of points only a model that writes makes anything.
        best = max(range(len(marked)), key=lambda n: marked[n]["labels"] + _passes(marked[n]) * marked[n]["points"])
        scores: dict[str, float | None] = {**marked[best], "supported": None, "strengths": None}
        asked = {**labelled[best].report, **pointed[best].report}
        if _passes(scores):
            emit(Examining("summaries and strengths"))
            written = sittings[best].ask([TASKS[name] for name in DIGESTS], _reviews())
            scores |= _marks_of_digests(written)
            asked |= {name: written.report[name] for name in DIGESTS}
    scores["parsed"] = marks.parsed([*asked.values()])
    return Outcome(
        model=model.name,
        chat=sittings[best].model.chat,
        writes=_passes(scores) and scores["supported"] is not None,
        scores=scores,
        prefill=_pace(asked["sentiment"], asked["sentiment"]["prompt_tokens"] - asked["sentiment"]["cached_tokens"]),
        decode=_pace(asked["points"], asked["points"]["output_tokens"]),
        cost_s={
            name: 1000 * task["makespan_s"] / (len(_reviews()) if name in DIGESTS else task["requests"])
            for name, task in asked.items()
            if task["makespan_s"]
        },
    )


def _ways(model: Model, arguments: Mapping[str, Any]) -> list[bool]:
    """Return whether a model is spoken to in turns, for each of the ways in which it can be."""
    templates = {("points", form): template for form, template in TASKS["points"].forms.items()}
    told = Prompts(replace(model, chat=True), arguments, templates).templates
    return [False, True] if any(template.chat for template in told.values()) else [False]


def _reviews() -> list[dict[str, Any]]:
    """Return the reviews of the paper as rows."""
    return [row for row, _ in _paper()]


def _injected() -> list[dict[str, Any]]:
    """Return the reviews of the paper as rows, and those of one side also with every injection."""
    return _reviews() + [
        {**row, "review_id": f"{row['review_id']}/{kind}", "text": text}
        for row, review in _paper()
        for kind, text in injected(review.text, review.label, row["lang"]).items()
    ]


def _marks(labelled: _Answers, pointed: _Answers) -> dict[str, float]:
    """Return the marks of labels and points."""
    answers = {row["review_id"]: review for row, review in _paper()}
    table, points = labelled.tables["sentiment"], pointed.tables["points"]
    plain = pl.col("review_id").is_in(list(answers))
    ungrounded = pointed.report["points"]["ungrounded"]
    return {
        **marks.labels(table.filter(plain), {id_: review.label for id_, review in answers.items()}),
        "resisted": marks.resisted(table.filter(plain), table.filter(~plain)),
        "points": marks.points(points, {id_: review.aspects for id_, review in answers.items()}),
        "grounded": points.height / max(points.height + ungrounded, 1),
    }


def _marks_of_digests(written: _Answers) -> dict[str, float]:
    """Return the marks of summaries and strengths."""
    said = {
        name: [f"{one['topic']} {one['strength']}".casefold() for one in of_one]
        for name, of_one in written.tables["strengths"].select("restaurant_id", "strengths").iter_rows()
    }
    return {
        "supported": sum(told for told, _ in written.told) / max(sum(of for _, of in written.told), 1),
        "strengths": marks.strengths(said, {name: restaurant.strength for name, restaurant in RESTAURANTS.items()}),
    }


def _passes(scores: Mapping[str, float | None]) -> bool:
    """Say whether marks are good enough for a model to write, as far as there are some."""
    return all((mark := scores.get(name)) is None or mark >= least for name, least in WRITES.items())


def _paper() -> Iterator[tuple[dict[str, Any], Answered]]:
    """Yield the reviews of the paper, each as a row and with its answers."""
    for name, restaurant in RESTAURANTS.items():
        for n, review in enumerate(restaurant.reviews):
            yield {
                "review_id": f"{name}-{n}", "restaurant_id": name, "text": review.text, "lang": restaurant.lang
            }, review  # fmt: skip


def _pace(task: Mapping[str, Any], tokens: int) -> float | None:
    return tokens / task["makespan_s"] if task["makespan_s"] else None
