"""Labelling: which of a few labels a review or a query has. One forward pass scores words, nothing is generated."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.engine.interface import Completion
from pipelines.prompts.template import TokenizedTemplate
from pipelines.tasks.calibration import Array, Calibration, softmax
from pipelines.tasks.task import IDS, AnsweredRow, Column, Example, Task, worked

Judge = Callable[[Array], Array]  # (rows, words) log probabilities to (rows, labels) probabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification(Task):
    """A task whose answer is one of `labels`, with the probability of each.

    An answer is the log probability of each scored word. `anchors` has texts of known labels, as many tuples as there
    are labels, on which words are measured (see `tasks.calibration`). Of two labels `between` there is a score.
    """

    labels: tuple[str, ...]
    anchors: tuple[Sequence[str], ...] = ()
    between: tuple[str, str] | None = None

    def parse(self, form: str, completion: Completion) -> list[float]:
        """Return the natural-log probability of each scored word."""
        del form
        return [round(score, 4) for score in completion.scores.values()]

    def judge(
        self,
        kind: str,
        frame: TokenizedTemplate,
        known: Sequence[Sequence[float]],
        corpus: Iterable[Sequence[AnsweredRow]],
    ) -> Judge:
        """Return what turns answers into probabilities.

        `kind` is `raw` (the labels' first words as they are), `anchors` (words measured on `known`, the answers
        to `anchors`) or `corpus` (that, moved towards the answers of the run's own `corpus`).
        """
        classes = np.array(frame.classes)
        if kind == "raw":
            first = [int(np.argmax(classes == c)) for c in range(len(self.labels))]
            return lambda logprobs: softmax(logprobs[:, first])
        truth = np.repeat(np.arange(len(self.labels)), [len(texts) for texts in self.anchors])
        calibration = Calibration.measure(np.array(known), truth, classes)
        if kind == "corpus":
            calibration = calibration.shifted(_logprobs(rows) for rows in corpus)
        return calibration.probabilities

    def table(self, rows: Sequence[AnsweredRow], judge: Judge) -> pa.Table:
        """Return the results of some answered rows."""
        p = judge(_logprobs(rows))
        columns: list[Any] = [[row.id for row in rows]]
        if self.unit == "review":
            columns.append([row.unit for row in rows])
        columns += [[self.labels[best] for best in p.argmax(axis=1)], p.max(axis=1), *p.T]
        if self.between:
            more, less = map(self.labels.index, self.between)
            columns.append(p[:, more] - p[:, less])
        return pa.table([pa.array(column) for column in columns], schema=self.schema)

    def roll_up(self, results: pl.LazyFrame) -> pl.LazyFrame:
        """Return one row per restaurant, in input order: how many reviews of each label, and the mean score if any."""
        counts = [(pl.col("label") == label).sum().alias(label) for label in self.labels]
        mean = [pl.col("score").mean().alias("mean_score")] if self.between else []
        return results.group_by("restaurant_id", maintain_order=True).agg(pl.len().alias("reviews"), *counts, *mean)


def classification(
    name: str,
    about: str,
    unit: str,
    words: tuple[tuple[str, ...], ...],
    examples: Sequence[Example],
    *,
    noun: str,
    answer: str,
    instruction: str = "",
    anchors: tuple[Sequence[str], ...] = (),
    between: tuple[str, str] | None = None,
) -> Classification:
    """Make a labelling task; the first of each class's `words` is its label, the others say the same."""
    labels = tuple(label for label, *_ in words)
    share = round(0.86 if between else 1 / len(labels), 2)
    rest = round((1 - share) / max(len(labels) - 1, 1), 2)
    columns = [
        *IDS[unit],
        Column("label", pa.string(), "one of " + ", ".join(labels), labels[0]),
        Column("confidence", pa.float64(), "the label's probability", share),
        *(
            Column(f"p_{label}", pa.float64(), f"the probability of {label}", share if label == labels[0] else rest)
            for label in labels
        ),
    ]
    if between:
        columns.append(Column("score", pa.float64(), f"p_{between[0]} - p_{between[1]}", round(share - rest, 2)))
    return Classification(
        name=name,
        about=about,
        unit=unit,
        forms=worked(noun, answer, examples, instruction, words=words),
        columns=tuple(columns),
        labels=labels,
        anchors=anchors,
        between=between,
    )


def _logprobs(rows: Sequence[AnsweredRow]) -> Array:
    return np.array([row.value for row in rows])
