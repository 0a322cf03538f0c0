"""Topics: what a restaurant's opinions are about, aspects and words that recur, and how many of its diners say so."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.tasks.opinion import CRITICISED, Opinion
from pipelines.tasks.quotes import representative
from pipelines.tasks.words import EVALUATIVE, GENERIC, GRAVE, personal, stems

LENGTH = 60  # characters of words that are shown of an opinion, if it has so short ones
_SPEAKER = re.compile(r"^(?:i|we)(?:['\u2019](?:m|re|ve|d)| am| are| have| had| was| were)? ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Topic:
    """A name, and the opinions of one side about it."""

    name: str
    opinions: Sequence[Opinion]

    @property
    def reviews(self) -> frozenset[int]:
        """The numbers of the reviews that have one."""
        return frozenset(opinion.review.seq for opinion in self.opinions)

    def words(self, most: int) -> list[str]:
        """Return what at most so many of the opinions say, those first that speak for others, not in first person."""
        said = [words for opinion in self.opinions if (words := impersonal(opinion.what))]
        texts = brief([words for words in said if " " in words] or said)
        grave = [words for words in said if stems(words) & GRAVE] if self.grave else []
        return list(dict.fromkeys([*representative(grave, 1), *representative(telling(texts), most)]))[:most]

    @property
    def grave(self) -> bool:
        """Whether it is a complaint about what may make people ill, which is said first."""
        return any(opinion.side == CRITICISED and stems(opinion.what) & GRAVE for opinion in self.opinions)


def aspects(opinions: Iterable[Opinion], side: str) -> Mapping[str, Topic]:
    """Return the aspects that opinions of a side are about, by name, those of most reviews first."""
    by_name: dict[str, list[Opinion]] = {}
    for opinion in opinions:
        if opinion.side == side and opinion.aspect:
            by_name.setdefault(opinion.aspect, []).append(opinion)
    topics = (Topic(name, found) for name, found in by_name.items())
    return {topic.name: topic for topic in sorted(topics, key=lambda topic: -len(topic.reviews))}


def recurring(opinions: Iterable[Opinion], side: str) -> Mapping[str, Topic]:
    """Return the words of opinions of a side that not any restaurant's have, by their stem, as `aspects` has them."""
    by_stem: dict[str, list[Opinion]] = {}
    for opinion in opinions:
        if opinion.side == side:
            for stem in stems(opinion.what) - GENERIC:
                by_stem.setdefault(stem, []).append(opinion)
    topics = (Topic(stem, found) for stem, found in by_stem.items())
    return {topic.name: topic for topic in sorted(topics, key=lambda topic: (-len(topic.reviews), topic.name))}


def brief(texts: Sequence[str], length: int = LENGTH) -> list[str]:
    """Return those of the texts that have at most so many characters, or all where none is so short."""
    return [text for text in texts if len(text) <= length] or list(texts)


def telling(texts: Sequence[str]) -> list[str]:
    """Return those of the texts that have a word of praise or blame, all where none has."""
    return [text for text in texts if stems(text) & EVALUATIVE] or list(texts)


def impersonal(text: str) -> str:
    """Return words without the "I" that they begin with, nothing where somebody speaks of themselves all the same.

    Nor is there anything left of words that only name what any restaurant has.
    """
    said = _SPEAKER.sub("", text)
    return said if stems(said) - (GENERIC - EVALUATIVE) and not personal(said) else ""
