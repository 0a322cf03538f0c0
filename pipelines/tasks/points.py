"""Points: what a review praises and what it criticises, in a few words that stand in it.

A review is read by itself, once for ever; restaurants are counted out of the points of their reviews. The words come
first in an answer and what they are about after them: said the other way round, aspects were found less often and were
wrong more often.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.engine.interface import Completion, Mark
from pipelines.ledger.records import AnsweredRow
from pipelines.prompts.template import one_line
from pipelines.tasks.answer_schema import checked
from pipelines.tasks.calibration import softmax
from pipelines.tasks.evidence import find
from pipelines.tasks.points_examples import EXAMPLES
from pipelines.tasks.task import IDS, Answers, Column, Example, Task, worked
from pipelines.tasks.words import GENERIC, content

SIDES = {"good": "praised", "bad": "criticised"}  # as a model says it, and as the results have it
ASPECTS = (
    "food", "drinks", "portions", "service", "price", "ambience", "cleanliness", "location", "delivery", "overall",
)  # fmt: skip
OTHER = "other"  # what a model says where none fits; the review's own word stands for it then
SURE = 0.85  # the confidence from which on a point is counted: most of those below are neither praise nor criticism
MOST, LENGTH, TOKENS = 12, 90, 512  # points of a review, characters of one's words, tokens that they all fit in
BENT = 2  # characters that words may lack to that length and yet have been made to fit it
HUGE = 1e300  # beyond it a log probability is as good as none, and the difference of two is no number
INSTRUCTION = (
    "List what the diner praises and criticises in the review. For each point: a few words copied from the review, the "
    "aspect, good or bad. Aspects: {}; other is what none of these is about, overall a verdict on the place or the "
    "visit as a whole. What merely happened is no point. No points: []"
)
COLUMNS = (
    *IDS["review"],
    Column("side", pa.string(), "praised or criticised", "praised"),
    Column(
        "aspect",
        pa.string(),
        f"what it is about: {', '.join(ASPECTS)}, or a word of the review where none fits",
        "food",
    ),
    Column("what", pa.string(), "a few words of the review", "broth that actually tastes of something"),
    Column("start", pa.int64(), "where in the text they stand: the first character, from 0", 17),
    Column("end", pa.int64(), "and the one after the last", 56),
    Column("confidence", pa.float64(), "the probability of the side, null where it cannot be told", 0.99),
)
NAMES = [column.name for column in COLUMNS[len(IDS["review"]) :]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that a review praises or criticises; its words stand in the text from `start` up to `end`."""

    side: str
    aspect: str
    what: str
    start: int
    end: int
    confidence: float | None

    @property
    def sure(self) -> bool:
        """Whether it is counted: its side is probable enough, or how probable it is cannot be told."""
        return self.confidence is None or self.confidence >= SURE


def stated(text: str, said: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Return those of a review's points whose words stand in its text, none twice."""
    points: dict[tuple[int, int], Point] = {}
    for point in said:
        if place := find(text, _whole(point["what"])):
            what = text[slice(*place)]
            aspect = _own_word(what) if point["aspect"] == OTHER else point["aspect"]
            start, end = place
            points.setdefault(place, Point(**{**point, "what": what, "aspect": aspect}, start=start, end=end))
    return list(points.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Points(Task):
    """The task: points about any of the `aspects`."""

    aspects: tuple[str, ...]
    validator: Any

    def parse(self, form: str, completion: Completion) -> list[dict[str, Any]]:
        """Return the points of the answer: what, aspect, side, and its confidence."""
        del form
        said = checked(completion.text, self.validator)
        sure = _confidences(said, completion.marks)
        return [
            {"what": one_line(what), "aspect": aspect, "side": SIDES[side], "confidence": confidence}
            for (what, aspect, side), confidence in zip(said, sure, strict=True)
        ]

    def tables(self, answers: Answers) -> Iterator[pa.Table]:
        """See `Task`."""
        for rows in answers.rows():
            yield self.table_of(
                {"review_id": row.id, "restaurant_id": row.unit, **{name: getattr(point, name) for name in NAMES}}
                for row in rows
                for point in stated(row.text, row.value)
            )

    def by_restaurant(self, results: pl.LazyFrame, answers: Answers) -> pl.LazyFrame:
        """Return a row for each restaurant, in input order, and aspect: how many of its reviews surely say what of it.

        Words of reviews that stand for an aspect come after the vocabulary, where there are some.
        """
        reviews = Counter(row.unit for rows in answers.rows() for row in rows)
        restaurants = pl.LazyFrame(
            {"restaurant_id": list(reviews), "reviews": list(reviews.values())},
            schema={"restaurant_id": pl.String, "reviews": pl.Int64},
        ).with_row_index("place")
        saying = {
            **{side: pl.col("review_id").filter(pl.col("side") == side).n_unique() for side in SIDES.values()},
            "mentioned": pl.col("review_id").n_unique(),
        }
        sure = pl.col("confidence").fill_null(1.0) >= SURE
        counts = results.filter(sure).group_by("restaurant_id", "aspect", maintain_order=True).agg(**saying)
        own = counts.filter(~pl.col("aspect").is_in(self.aspects)).join(
            restaurants, on="restaurant_id", maintain_order="left"
        )
        usual = restaurants.join(pl.LazyFrame({"aspect": self.aspects}), how="cross", maintain_order="left_right")
        return (
            pl.concat([usual, own.select(*restaurants.collect_schema(), "aspect")])
            .sort("place", maintain_order=True)
            .join(counts, on=["restaurant_id", "aspect"], how="left", maintain_order="left")
            .select(
                "restaurant_id",
                "aspect",
                *(pl.col(side).fill_null(0).cast(pl.Int64) for side in SIDES.values()),
                not_mentioned=pl.col("reviews") - pl.col("mentioned").fill_null(0).cast(pl.Int64),
                reviews="reviews",
            )
        )

    def line(self, row: Mapping[str, Any]) -> str:
        """See `Task`."""
        return f"{row['side']}: {row['what']}"

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return how many points there are of each side, and how many were left out for words that stand nowhere."""
        counts = dict(results.group_by("side").len().collect().iter_rows())
        ungrounded = sum(_ungrounded(row) for rows in answers.rows() for row in rows)
        return {"labels": {side: counts.get(side, 0) for side in SIDES.values()}, "ungrounded": ungrounded}


def points(more: Sequence[str] = ()) -> Points:
    """Make the task, for `more` aspects than there are."""
    aspects = tuple(dict.fromkeys((*ASPECTS[:-1], *more, ASPECTS[-1])))
    point = [
        {"type": "string", "minLength": 2, "maxLength": LENGTH},
        {"enum": [*dict.fromkeys((*aspects[:-1], OTHER, aspects[-1]))]},
        {"enum": list(SIDES)},
    ]
    schema = {
        "type": "array",
        "items": {"type": "array", "prefixItems": point, "items": False, "minItems": len(point)},
        "maxItems": MOST,
    }
    return Points(
        name="points",
        about="what does a review praise and criticise, in which words?",
        unit="review",
        forms=worked(
            "Review",
            "Points",
            [Example(text, json.dumps(said, ensure_ascii=False, separators=(",", ":")), lang)
             for lang, examples in EXAMPLES.items() for text, said in examples.items()],
            INSTRUCTION.format(", ".join(aspects[:-1])),
            max_tokens=TOKENS,
            schema=json.dumps(schema),
            marks=tuple(SIDES),
        ),
        columns=COLUMNS,
        rank=2,
        aspects=aspects,
        validator=jsonschema.Draft202012Validator(schema),
    )  # fmt: skip


def _confidences(said: Sequence[Sequence[str]], marks: Sequence[Mark]) -> list[float | None]:
    """Return the probability of each point's side against the other's, None for all where marks cannot be told apart.

    A side's word is also said where the words of a point begin with it.
    """
    words = list(SIDES)
    expected: list[int] = []
    sides: list[int] = []  # which of the marks are where a side is said
    for what, _, side in said:
        expected += [n for n, word in enumerate(words) if what.startswith(word)]
        sides.append(len(expected))
        expected.append(words.index(side))
    if not expected or [mark.said for mark in marks] != expected:
        return [None] * len(said)
    told = np.array([marks[n].logprobs for n in sides])
    if not np.isfinite(told.max(axis=1)).all():  # a model may overflow
        return [None] * len(said)
    shares = softmax(told.clip(-HUGE, HUGE))
    return [float(share[expected[n]]) for share, n in zip(shares, sides, strict=True)]


def _ungrounded(row: AnsweredRow) -> int:
    return sum(find(row.text, _whole(point["what"])) is None for point in row.value)


def _own_word(what: str) -> str:
    """Return the first of a point's words that may be what it is about, or that it is about the whole."""
    return next((stem for stem in content(what) if stem not in GENERIC), ASPECTS[-1])


def _whole(words: str) -> str:
    """Return words without the last one where they had to end in it: it is broken off, or bent to fit."""
    return words.rpartition(" ")[0] or words if len(words) >= LENGTH - BENT else words
