"""Classification: which of a few labels a review or a query has. One forward pass scores words, none is generated."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.engine.interface import Completion
from pipelines.ledger.records import AnsweredRow
from pipelines.prompts.injection import all_cleaned
from pipelines.prompts.template import PromptTemplate
from pipelines.tasks.calibration import Array, Calibration, softmax
from pipelines.tasks.task import IDS, OWN, Answers, Column, Example, Task, worked

LEAST = -100.0  # a log probability as good as never
# The rows' languages, and (rows, words) log probabilities, to (rows, labels) probabilities.
Judge = Callable[[Sequence[str], Array], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification(Task):
    """A task whose answer is one of its `labels`, with the probability of each, and a score `between` two of them.

    An answer is the log probability of each scored word. See `tasks.calibration` for what `anchors` are.
    """

    between: tuple[str, str] | None = None

    def parse(self, form: str, completion: Completion) -> list[float]:
        """Return the natural-log probability of each scored word, none so low that it could not be divided by."""
        del form
        scores = np.array([*completion.scores.values()], dtype=np.float64)
        rounded: list[float] = np.fmin(np.fmax(scores, LEAST), 0.0).round(4).tolist()  # no number is as good as never
        return rounded

    def line(self, row: Mapping[str, Any]) -> str:
        """See `Task`."""
        return f"{row['label']} {row['confidence']:.2f}"

    def tables(self, answers: Answers) -> Iterator[pa.Table]:
        """See `Task`."""
        judge = self.judge(answers)
        return (self.table(rows, judge) for rows in answers.rows())

    def judge(self, answers: Answers) -> Judge:
        """Return what turns answers into probabilities.

        Raw ones are of the labels' first words as they are; anchors measure words on the answers to them; and a corpus
        moves that towards the run's own answers.
        """
        classes = np.array(answers.classes)
        first = [int(np.argmax(classes == number)) for number in range(len(self.labels))]
        if answers.calibration == "raw":
            return lambda _, logprobs: softmax(logprobs[:, first])
        calibrations = {lang: self._measured(lang, said, classes) for lang, said in answers.anchors.items()}
        if answers.calibration == "corpus":
            calibrations = {
                lang: calibration.shifted(_logprobs(mine) for rows in answers.rows() if (mine := self._in(lang, rows)))
                for lang, calibration in calibrations.items()
            }

        def judge(langs: Sequence[str], logprobs: Array) -> Array:
            spoken = np.array([self.spoken(lang) for lang in langs])
            probabilities = softmax(logprobs[:, first])  # of languages that there are no anchors in
            for lang, calibration in calibrations.items():
                probabilities[spoken == lang] = calibration.probabilities(logprobs[spoken == lang])
            return probabilities

        return judge

    def labelled(self, langs: Sequence[str], said: Sequence[Sequence[float]], judge: Judge) -> list[str]:
        """Return the label of each of some answers about rows in some languages."""
        best = judge(langs, np.array(said)).argmax(axis=1) if said else []
        return [self.labels[number] for number in best]

    def table(self, rows: Sequence[AnsweredRow], judge: Judge) -> pa.Table:
        """Return the results of some answered rows."""
        probabilities = judge([row.lang for row in rows], _logprobs(rows))
        columns: list[Any] = [[row.id for row in rows]]
        if self.unit == "review":
            columns.append([row.unit for row in rows])
        labels = [self.labels[best] for best in probabilities.argmax(axis=1)]
        columns += [labels, probabilities.max(axis=1), *probabilities.T]
        suspicious = [False] * len(rows)
        if self.unit == "review":
            suspicious = [found.suspicious for found in all_cleaned([row.text for row in rows], self.labels)]
        columns.append(suspicious)
        if self.between:
            more, less = map(self.labels.index, self.between)
            columns.append(probabilities[:, more] - probabilities[:, less])
        return pa.table([pa.array(column) for column in columns], schema=self.schema)

    def by_restaurant(self, results: pl.LazyFrame, answers: Answers) -> pl.LazyFrame | None:
        """Return one row per restaurant, in input order: how many reviews of each label, and the mean score if any."""
        del answers
        if self.unit != "review":
            return None
        counts = [(pl.col("label") == label).sum().alias(label) for label in self.labels]
        mean = [pl.col("score").mean().alias("mean_score")] if self.between else []
        return results.group_by("restaurant_id", maintain_order=True).agg(pl.len().alias("reviews"), *counts, *mean)

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return how many rows got each label, and how the probabilities were made."""
        counts = dict(results.group_by("label").len().collect().iter_rows())
        return {
            "labels": {label: counts.get(label, 0) for label in self.labels},
            "calibration": answers.calibration,
            "suspicious": results.select(pl.col("suspicious").sum()).collect().item(),
        }

    def _measured(self, lang: str, said: Sequence[Any], classes: NDArray[np.int64]) -> Calibration:
        groups = self.anchors[lang]
        if len(groups) < len(self.labels):
            return Calibration.leaning(np.array(said), classes)
        truth = np.repeat(np.arange(len(self.labels)), [len(texts) for texts in groups])
        return Calibration.measure(np.array(said), truth, classes)

    def _in(self, lang: str, rows: Sequence[AnsweredRow]) -> list[AnsweredRow]:
        return [row for row in rows if self.spoken(row.lang) == lang]


def classification(
    name: str,
    about: str,
    unit: str,
    words: tuple[tuple[str, ...], ...],
    *,
    examples: Sequence[Example],
    noun: str,
    answer: str,
    instruction: str = "",
    anchors: Mapping[str, Sequence[Sequence[str]]] | None = None,
    between: tuple[str, str] | None = None,
    rank: int = OWN,
) -> Classification:
    """Make such a task; the first of each class's `words` is its label, the others say the same."""
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
    suspicious = "whether something in it speaks to the model, which is left out where anything else is left"
    columns.append(Column("suspicious", pa.bool_(), suspicious, False))  # noqa: FBT003  a value of the column
    if between:
        columns.append(Column("score", pa.float64(), f"p_{between[0]} - p_{between[1]}", round(share - rest, 2)))
    return Classification(
        name=name,
        about=about,
        unit=unit,
        forms=_forms(noun, answer, examples, instruction=instruction, words=words),
        columns=tuple(columns),
        labels=labels,
        anchors=anchors or {},
        between=between,
        rank=rank,
    )


def _forms(
    noun: str, answer: str, examples: Sequence[Example], *, instruction: str, words: tuple[tuple[str, ...], ...]
) -> dict[str, PromptTemplate]:
    """Return the forms, each with one that has letters for labels, for the models that cannot tell those apart."""
    forms = worked(noun, answer, examples, instruction, words=words)
    letters = {label: letter for (label, *_), letter in zip(words, ascii_uppercase, strict=False)}
    if len(letters) < len(words):
        return forms
    choices = "\n".join([*([instruction] if instruction else []), *(f"{letters[label]}: {label}" for label in letters)])
    named = [replace(example, answer=f"{letters[example.answer]}: {example.answer}") for example in examples]
    lettered = worked(noun, answer, named, choices, words=tuple((letter,) for letter in letters.values()))
    return {form: replace(template, lettered=lettered[form]) for form, template in forms.items()}


def _logprobs(rows: Sequence[AnsweredRow]) -> Array:
    return np.array([row.value for row in rows])
