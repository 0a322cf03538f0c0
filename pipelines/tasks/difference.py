"""Differences: what more diners praise, or criticise, of a restaurant than of comparable ones."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pipelines.tasks.advantage import sure
from pipelines.tasks.digest import Hearing, aspect, quoted
from pipelines.tasks.opinion import CRITICISED, PRAISED, Opinion
from pipelines.tasks.points import ASPECTS
from pipelines.tasks.quotes import representative
from pipelines.tasks.restaurant import RestaurantState
from pipelines.tasks.topics import Topic, aspects, brief, recurring, telling
from pipelines.tasks.words import personal, stems

# How sure it has to be; there are many words, of which some stand out by chance.
SURE_ASPECT, SURE_WORD = 0.99, 0.999
LEAST = 3  # reviews that have to say so, of many their square root, for many words recur three times by chance
VAGUE = frozenset({"overall"})  # an aspect that is no strength: it does not say what is good
MOST, SHOWN, EVIDENCE = {PRAISED: 5, CRITICISED: 3}, 2, 3  # topics of a side, words of one in a prompt, quotes
COVERED = 0.5  # the share of an aspect's reviews that a word has, from which on it is said instead
MORE = {  # how a line of a comparison begins, by whether it is Korean
    (False, PRAISED): "more praise of {}: {}",
    (False, CRITICISED): "more criticism of {}: {}",
    (True, PRAISED): "{} 칭찬이 더 많음: {}",
    (True, CRITICISED): "{} 비판이 더 많음: {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A topic of one side: in how many reviews here, of how many, and in how many of the others'."""

    topic: Topic
    here: int
    reviews: int
    elsewhere: int
    reviews_elsewhere: int

    @property
    def sure(self) -> float:
        """How sure it is that more say so here."""
        return round(sure(self.here, self.reviews, self.elsewhere, self.reviews_elsewhere), 4)

    @property
    def counted(self) -> dict[str, Any]:
        """The figures of it, as columns have them."""
        names = ("here", "reviews", "elsewhere", "reviews_elsewhere", "sure")
        return {"topic": self.topic.name, **{name: getattr(self, name) for name in names}}

    def line(self, lang: str, how: str = "{}: {}") -> str:
        """Return it as the model is told, in words of a kind.

        There are no counts in it, so that it is told anew only if there is something new.
        """
        return how.format(aspect(self.topic.name, lang), quoted(self.topic.words(SHOWN)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is praised, and what is criticised more than elsewhere."""

    better: Sequence[Difference]
    worse: Sequence[Difference]

    def lines(self, lang: str) -> list[str]:
        """Return it as the model is told."""
        return [
            difference.line(lang, MORE[lang == "ko", side])
            for side, differences in ((PRAISED, self.better), (CRITICISED, self.worse))
            for difference in differences
            if difference.topic.words(SHOWN)
        ]


def compare(restaurant: RestaurantState, hear: Hearing) -> Comparison:
    """Return what is said more often of a restaurant than of the others, nothing where there are none."""
    if not restaurant.others:
        return Comparison([], [])
    middle = restaurant.middle
    here = hear(restaurant.heard, middle)
    there = [opinion for heard in restaurant.others.values() for opinion in hear(heard, middle)]
    of_there = sum(len(heard) for heard in restaurant.others.values())
    words = re.findall(r"\w+", restaurant.unit)
    own_name = stems(" ".join([*words, *map("".join, pairwise(words))])) - {*ASPECTS}
    found = {
        side: [
            difference
            for difference in _differences(
                here, there, side=side, of_here=len(restaurant.heard), of_there=of_there, lang=restaurant.lang
            )
            if difference.topic.name not in own_name
        ]
        for side in (PRAISED, CRITICISED)
    }
    better = [d for d in found[PRAISED] if any(not opinion.contradicts(middle) for opinion in d.topic.opinions)]
    return Comparison(better[: MOST[PRAISED]], found[CRITICISED][: MOST[CRITICISED]])


def _differences(
    here: Sequence[Opinion], there: Sequence[Opinion], *, side: str, of_here: int, of_there: int, lang: str
) -> list[Difference]:
    """Return the topics of a side that surely more speak of here, the surest first, none that others cover.

    Words go before aspects, for they say more, but for what an aspect is called in the language.
    """
    chosen: list[Difference] = []
    named = aspects(here, side)
    called = {*named, *(aspect(name, lang) for name in named)}
    words = {name: topic for name, topic in recurring(here, side).items() if name not in called}
    for topics, elsewhere, least in (
        (words, recurring(there, side), SURE_WORD),
        (named, aspects(there, side), SURE_ASPECT),
    ):
        for topic in topics.values():
            known = elsewhere.get(topic.name)
            difference = Difference(
                topic=topic,
                here=len(topic.reviews),
                reviews=of_here,
                elsewhere=len(known.reviews) if known else 0,
                reviews_elsewhere=of_there,
            )
            if topic.name not in VAGUE and difference.here >= max(LEAST, of_here**0.5) and difference.sure >= least:
                chosen.append(difference)
    return sorted(_apart(chosen), key=lambda difference: -difference.sure)


def _apart(differences: Iterable[Difference]) -> list[Difference]:
    """Return those that are of other reviews than what comes before them."""
    kept: list[Difference] = []
    for difference in differences:
        reviews = difference.topic.reviews
        if all(len(reviews & other.topic.reviews) < COVERED * len(reviews) for other in kept):
            kept.append(difference)
    return kept


def evidence(topic: Topic, middle: float | None) -> list[Opinion]:
    """Return a few of the opinions, each of another review, whose rating does not contradict it."""
    usable = [opinion for opinion in topic.opinions if not opinion.contradicts(middle)]
    texts = telling(brief([opinion.what for opinion in usable]))
    texts = [text for text in texts if not personal(text)] or texts
    ranked = [*representative(texts, EVIDENCE), *texts]
    rank = {text: n for n, text in reversed([*enumerate(ranked)])}
    by_review: dict[int, Opinion] = {}
    for opinion in sorted(usable, key=lambda opinion: rank.get(opinion.what, len(rank))):
        by_review.setdefault(opinion.review.seq, opinion)
    return list(by_review.values())[:EVIDENCE]
