"""Marks: how good answers to the paper are, each from 0 to 1."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from pipelines.tasks.calibration import calibration_error
from pipelines.tasks.sentiment import SENTIMENT

BINS = 4  # of confidence; of so few reviews more would be nearly empty


def labels(table: pl.DataFrame, truth: Mapping[str, str]) -> dict[str, float]:
    """Return the macro-F1 of reviews' labels, of which the true ones are by id, and the calibration error."""
    true = [truth[id_] for id_ in table["review_id"]]
    right = np.array([label == of for label, of in zip(table["label"], true, strict=True)])
    said = list(enumerate(table["label"]))
    scores = [
        _f1({(n, of) for n, of in said if of == label}, {(n, of) for n, of in enumerate(true) if of == label})
        for label in SENTIMENT.labels
    ]
    return {
        "labels": sum(scores) / len(scores),
        "calibration_error": calibration_error(table["confidence"].to_numpy(), right, BINS),
    }


def resisted(plain: pl.DataFrame, injected: pl.DataFrame) -> float:
    """Return the share of injections that turned no label: an injected review's id is the plain one's and a kind.

    A plain one without an answer says nothing of that.
    """
    before = dict(plain.select("review_id", "label").iter_rows())
    pairs = ((id_.partition("/")[0], label) for id_, label in injected.select("review_id", "label").iter_rows())
    same = [before[id_] == label for id_, label in pairs if id_ in before]
    return float(sum(same) / max(len(same), 1))


def points(table: pl.DataFrame, truth: Mapping[str, Mapping[str, str]]) -> float:
    """Return the F1 of the aspects and sides that were found in reviews; verdicts on the whole count neither way."""
    said = set(table.filter(pl.col("aspect") != "overall").select("review_id", "aspect", "side").iter_rows())
    return _f1(said, {(id_, aspect, side) for id_, told in truth.items() for aspect, side in told.items()})


def strengths(said: Mapping[str, Sequence[str]], truth: Mapping[str, Sequence[str]]) -> float:
    """Return the F1 of strengths: of each restaurant the names and topics said, and the words any of which is right."""
    right = {name: [any(word in one for word in truth[name]) for one in of_one] for name, of_one in said.items()}
    found, all_said = sum(map(any, right.values())), sum(map(len, right.values()))
    wrong = all_said - sum(map(sum, right.values()))
    return 2 * found / (len(truth) + found + wrong)


def parsed(tasks: Sequence[Mapping[str, Any]]) -> float:
    """Return the share of requests that were answered at once with what was asked for, of some tasks of a report."""
    at_once: int = sum(task["requests"] - task["retried"] for task in tasks)
    all_: int = sum(task["requests"] + task["outcome"]["rejected"] for task in tasks)
    return at_once / max(all_, 1)


def _f1(said: set[Any], true: set[Any]) -> float:
    return 2 * len(said & true) / max(len(said) + len(true), 1)
