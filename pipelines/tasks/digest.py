"""A digest: what is said of a restaurant, made of what another task was answered about its reviews.

Where those are points, a model writes it; where they are labels of sentiment, it is made of quotes. Either way no
review is read a second time, and what is counted, is counted by code.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.engine.interface import Completion
from pipelines.tasks import aggregation, writing
from pipelines.tasks.classification import Classification
from pipelines.tasks.opinion import Opinion, from_labels, from_points
from pipelines.tasks.restaurant import Heard, RestaurantState, Stage
from pipelines.tasks.task import Answers, Task
from pipelines.tasks.words import GENERIC, stems

# What aspects are called in the lines that a model is given.
ASPECTS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "en": {"overall": "the place overall"},
    "ko": {
        "food": "음식", "drinks": "음료", "portions": "양", "service": "서비스", "price": "가격", "ambience": "분위기",
        "cleanliness": "청결", "location": "위치", "delivery": "배달", "overall": "식당 전반",
    },
})  # fmt: skip
WRITTEN, QUOTES = "written", "quotes"
COUNTS = aggregation.COLUMNS[:2]
Hearing = Callable[[Sequence[Heard], float | None], list[Opinion]]  # what was heard, the middle of ratings


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest(Task):
    """A task that is made of points; or of labels of sentiment, if those of a task are given."""

    classifier: Classification | None = None

    @property
    def style(self) -> str:
        """How it is made."""
        return QUOTES if self.classifier else WRITTEN

    def parse(self, form: str, completion: Completion) -> dict[str, str] | float:
        """Return what was written, or how probable it is that it is true."""
        return writing.probability(completion) if form.startswith(writing.CHECK) else writing.written(completion)

    def held(self, stage: Stage, part: slice) -> str | None:
        """See `Task`."""
        return None if stage.form == writing.CHECK else writing.held(stage.lines[part])

    def tables(self, answers: Answers) -> Iterator[pa.Table]:
        """See `Task`."""
        hear = self._hearing(answers)
        return (self.table_of(self._row(restaurant, hear) for restaurant in some) for some in answers.restaurants())

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return how many restaurants have results, made from how many of their reviews."""
        del answers
        return aggregation.used(results)

    def said(self, restaurant: RestaurantState, hear: Hearing) -> dict[str, Any]:
        """Return what the results say of a restaurant all of whose stages are answered, by column."""
        raise NotImplementedError

    def _hearing(self, answers: Answers) -> Hearing:
        """Return what makes opinions of what was heard; labels are those of the run's answers."""
        if not self.classifier or not answers.base:
            return lambda heard, _: from_points(heard)
        labelled, judge = self.classifier.labelled, self.classifier.judge(answers.base)
        return lambda heard, middle: from_labels(
            heard, labelled([h.lang for h in heard], [h.said for h in heard], judge), middle
        )

    def _row(self, restaurant: RestaurantState, hear: Hearing) -> dict[str, Any]:
        return {
            "restaurant_id": restaurant.unit,
            **self.said(restaurant, hear),
            "reviews_used": restaurant.used,
            "reviews_total": len(restaurant.reviews),
        }


def aspect(name: str, lang: str) -> str:
    """Return what an aspect is called in a language."""
    return ASPECTS.get(lang, {}).get(name, name)


def quoted(words: Sequence[str]) -> str:
    """Return words of reviews as a line has them: within a sentence."""
    return ", ".join(f'"{_within(text)}"' for text in words)


def _within(text: str) -> str:
    """Return words without a capital that only the beginning of a sentence gave them."""
    first = text.partition(" ")[0]
    return f"{text[0].lower()}{text[1:]}" if stems(first) <= GENERIC and not first[1:].isupper() else text
