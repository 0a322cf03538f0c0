"""Strengths: what more of a restaurant's diners praise than diners of comparable restaurants do.

Counted by code, for every aspect and every word that recurs, and named by the model in two stages: what the comparison
shows, in words (`comparison_summary`), then a name for each strength (`target_restaurant_strength`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.tasks import writing
from pipelines.tasks.advantage import sure
from pipelines.tasks.classification import Classification
from pipelines.tasks.difference import SURE_ASPECT, Comparison, compare, evidence
from pipelines.tasks.digest import COUNTS, QUOTES, Digest, Hearing, aspect
from pipelines.tasks.opinion import from_points
from pipelines.tasks.restaurant import RestaurantState, Stage
from pipelines.tasks.soundness import sound
from pipelines.tasks.task import IDS, Answers, Column, Task
from pipelines.tasks.topics import Topic, impersonal, telling
from pipelines.tasks.words import GENERIC, personal, stems
from pipelines.tasks.writing_examples import COMPARISONS, NAMES

COMPARING, NAMING = "comparison_summary", "target_restaurant_strength"
NAME_WORDS, TOKENS = range(2, 7), 40
SHARED = 2  # opinions that have to tell what the name of an aspect tells
INSTRUCTIONS = {
    COMPARING: {
        "en": "For each line write one sentence about what more diners praise or criticise here than elsewhere, in the third "
        "person, with the words of the line and nothing else.",
        "ko": "각 줄마다 다른 식당보다 이 식당에서 더 많은 손님이 칭찬하거나 비판하는 점을 한 문장으로 쓰세요. 그 줄에 있는 말만 쓰세요.",
    },
    NAMING: {
        "en": "Name each strength of the restaurant in two to six words, as a person would say it, out of the words of its line.",
        "ko": "식당의 강점마다 그 줄에 있는 말로 두 단어에서 여섯 단어의 이름을 붙이세요.",
    },
}
_COUNTED = [("here", pa.int64()), ("reviews", pa.int64()), ("elsewhere", pa.int64()),
            ("reviews_elsewhere", pa.int64()), ("sure", pa.float64())]  # fmt: skip
_TOPICS = pa.list_(pa.struct([("topic", pa.string()), *_COUNTED]))
_EXAMPLE = {"here": 9, "reviews": 41, "elsewhere": 4, "reviews_elsewhere": 64, "sure": 0.99}
COLUMNS = (
    *IDS["restaurant"],
    Column(
        "strengths",
        pa.list_(pa.struct([("strength", pa.string()), ("topic", pa.string()), *_COUNTED,
                            ("evidence", pa.list_(pa.struct([("quote", pa.string()), ("review_id", pa.string())])))])),
        "what it is better at, the surest first: a name, the aspect or word that is praised, in how many of its reviews, and "
        "of the others', how sure it is that the share is higher here, and words of reviews that say so",
        [{"strength": "broth that tastes of something", "topic": "broth", **_EXAMPLE,
          "evidence": [{"quote": "broth that actually tastes of something", "review_id": "r0002"}]}],
    ),
    Column("comparison_summary", pa.string(), "what the comparison shows, in words",
           "Its broth is praised more often than elsewhere."),
    Column("better", _TOPICS, "what is praised more here", [{"topic": "broth", **_EXAMPLE}]),
    Column("worse", _TOPICS, "what is criticised more here", [{"topic": "service", **_EXAMPLE}]),
    Column("compared_with", pa.list_(pa.string()), "the restaurants compared with", ["tallow-and-flint"]),
    Column("why_none", pa.string(), "why there are no strengths, if there are none", "2 reviews are too few to tell"),
    *COUNTS,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths(Digest):
    """The task; `single` asks for names at once, and writes no comparison."""

    single: bool = False

    def stage(self, restaurant: RestaurantState) -> Stage | None:
        """Return what is to be asked next: to compare, whether that is true, and for names."""
        if self.style == QUOTES:
            return None
        asked = self._asked(compare(restaurant, lambda heard, _: from_points(heard)), restaurant)
        return asked[len(restaurant.answers) - 1] if len(restaurant.answers) <= len(asked) else None

    def later(self, chunks: int) -> str | None:
        """See `Task`."""
        del chunks
        return None if self.style == QUOTES else NAMING

    def line(self, row: Mapping[str, Any]) -> str:
        """See `Task`."""
        return ", ".join(strength["strength"] for strength in row["strengths"])

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return how many strengths there are, and how many restaurants have none."""
        count = pl.col("strengths").list.len()
        found = results.select(strengths=count.sum(), without=(count == 0).sum()).collect().row(0, named=True)
        return {**found, **Digest.figures(self, results, answers)}

    def said(self, restaurant: RestaurantState, hear: Hearing) -> dict[str, Any]:
        """See `Digest`."""
        compared = compare(restaurant, hear)
        names, sentences = self._told(compared, restaurant)
        strengths = [
            {
                "strength": name,
                **difference.counted,
                "evidence": [
                    {"quote": opinion.what, "review_id": opinion.review.id}
                    for opinion in evidence(difference.topic, restaurant.middle)
                ],
            }
            for difference, name in zip(compared.better, names, strict=True)
        ]
        return {
            "strengths": strengths,
            "comparison_summary": " ".join(sentences),
            "better": [difference.counted for difference in compared.better],
            "worse": [difference.counted for difference in compared.worse],
            "compared_with": list(restaurant.others),
            "why_none": None if strengths else _why(restaurant),
        }

    def _asked(self, compared: Comparison, restaurant: RestaurantState) -> list[Stage]:
        """Return the stages after the first, as far as they are known."""
        lang = restaurant.lang
        named = [writing.bullet(difference.line(lang)) for difference in compared.better]
        naming = [Stage(NAMING, named)] if named else []
        lines = compared.lines(lang)
        if self.single or not lines:
            return naming
        comparing = [Stage(COMPARING, [writing.bullet(line) for line in lines])]
        if len(restaurant.answers) == 1:
            return comparing
        checked = writing.check(lines, sound(lines, restaurant.answers[1], COMPARISONS))
        return [*comparing, *naming, *([checked] if checked else [])]

    def _told(self, compared: Comparison, restaurant: RestaurantState) -> tuple[list[str], list[str]]:
        """Return a name for each strength, and the sentences about the comparison: the model's as far as they are true."""
        asked = zip(self._asked(compared, restaurant), restaurant.answers[1:], strict=False)
        said = {stage.form: answers for stage, answers in asked}
        named = writing.texts([one.line(restaurant.lang) for one in compared.better], said.get(NAMING, []))
        names = [_name(text, one.topic, restaurant.lang) for text, one in zip(named, compared.better, strict=True)]
        lines = compared.lines(restaurant.lang)
        found = sound(lines, said.get(COMPARING, []), COMPARISONS)
        return names, [text for _, text in writing.true(lines, found, said.get(writing.CHECK, []))]


def strengths(points: Task, classifier: Classification | None = None, *, single: bool) -> Strengths:
    """Make the task, of points, or of labels of sentiment."""
    naming = writing.writing(NAMING, INSTRUCTIONS[NAMING], NAMES, each=TOKENS // 3)
    comparing = writing.writing(COMPARING, INSTRUCTIONS[COMPARING], COMPARISONS, each=TOKENS)
    forms = naming if single else {**comparing, **writing.checking(), **naming}
    return Strengths(
        name="strengths",
        about="what do more of a restaurant's diners praise than those of comparable ones?",
        unit="restaurant",
        forms={} if classifier else forms,
        columns=COLUMNS,
        rank=4,
        compares=True,
        made_of=classifier or points,
        classifier=classifier,
        single=single,
    )


def _name(written: str, topic: Topic, lang: str) -> str:
    """Return what was written if it is a name for a topic, or the shortest that was said and is one, praise first.

    It has a few words, all of which were said; that of an aspect tells nothing that one alone has said.
    """
    called = aspect(topic.name, lang)
    often = Counter(stem for opinion in topic.opinions for stem in stems(opinion.what))
    own = stems(f"{topic.name} {called}")
    shared = SHARED if any(opinion.aspect == topic.name for opinion in topic.opinions) else 1

    def names(words: str) -> bool:
        told = stems(words) - own
        clean = bool(stems(words)) and not personal(words) and not set(words) & set(".:;!?")
        said = all(often[stem] >= (1 if stem in GENERIC else shared) for stem in told)
        return clean and said and len(words.split()) in NAME_WORDS

    if names(written):
        return written
    said = [words for opinion in topic.opinions if (words := impersonal(opinion.what)) and names(words)]
    return min(telling(said), key=len, default=f"{'호평받는' if lang == 'ko' else 'well-liked'} {called}")


def _why(restaurant: RestaurantState) -> str:
    reviews, others = len(restaurant.heard), sum(map(len, restaurant.others.values()))
    if not others:
        return "there is no restaurant to compare with"
    if sure(reviews, reviews, others // 2, others) < SURE_ASPECT:
        return "one review is too little to tell" if reviews == 1 else f"{reviews} reviews are too few to tell"
    return "nothing is surely praised by more of its diners than elsewhere"
