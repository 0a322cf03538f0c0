"""Quotes: pieces of reviews, word for word, that an answer is made of.

A small model asked to write freely about many reviews repeats itself, or its worked example. Asked to choose from what
diners wrote it does neither, and what it says can be looked up.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from pipelines.prompts.template import one_line

WORDS, LENGTH = (2, 20), (6, 120)  # of a quote, least and most
MOST = 100  # quotes of one review
REMEMBERED = 4096  # reviews: one task after another asks what the same ones offer
SPAN = (2, 5)  # words of the point that a quote makes
# A point neither begins nor ends with these.
FUNCTION = frozenset(
    re.findall(
        r"\w+",
        "a an the and or but so as at by for from in into of on to with i it its is are was were be been am we our us "
        "you your they their them he she his her this that these those there then than my me if not no too very just "
        "also had has have do does did will would can could which who what when where how all some any",
    )
)

_SENTENCES = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])|[.!?]+(?=[A-Z])|\.{2,}")
_CLAUSES = re.compile(r"[,;:()、，]\s*|\s[-–—]\s")
_UNSPACED = re.compile("[\u3040-\u30ff\u4e00-\u9fff\u0e00-\u0e7f]")  # kana, Han, Thai
_EDGES = " .,;:!?…。、！？-–—*'"
_PAIRS = (("(", ")"), ("[", "]"), ("（", "）"), ("“", "”"), ("「", "」"))
_WORD = re.compile(r"\w+")


def one_of(quotes: Sequence[str]) -> Mapping[str, Any]:
    """Return the JSON Schema of one of the quotes."""
    return {"type": "string", "enum": list(quotes)}


@dataclass(frozen=True)
class Quoting:
    """How a list is made of at least and at most so many quotes: out of which, and what one item looks like.

    The `choice` is of the most central quotes of at least and at most so many `words`, and at most `length` characters;
    of all where none is like that. `item` makes the JSON Schema of an item of those it has to choose from.
    """

    least: int
    most: int
    _: KW_ONLY
    choice: int = 30
    words: tuple[int, int] = (2, 10)
    length: int = 60
    item: Callable[[Sequence[str]], Mapping[str, Any]] = one_of

    def schema(self, quotes: Sequence[str], others: Sequence[str], chunks: int) -> Mapping[str, Any]:
        """Return the JSON Schema of such a list, of quotes that would not do for the `others`.

        One of several chunks gives its share of the list: a decoded token costs more the longer its prompt is. Every
        item has other quotes to choose from than the others, so that none comes twice.
        """
        fitting = [q for q in quotes if self.words[0] <= _words(q) <= self.words[1] and len(q) <= self.length]
        pool = central(fitting or quotes, self.choice, others)
        most = -(-self.most // chunks)
        items = [self.item(group) for group in _spread(pool, most)]
        if not items:
            return {"type": "array", "items": {"type": "string"}, "maxItems": 0}
        least = min(self.least, len(items))
        return {"type": "array", "prefixItems": items, "items": False, "minItems": least, "maxItems": len(items)}


@lru_cache(maxsize=REMEMBERED)
def quotable(text: str) -> tuple[str, ...]:
    """Return the sentences of a review that are not too long, or its clauses where it has none, as they stand there."""
    sentences = [part.strip(_EDGES) for part in _SENTENCES.split(one_line(text))]
    clauses = (clause.strip(_EDGES) for sentence in sentences for clause in _CLAUSES.split(sentence))
    return tuple(islice(_fitting(sentences), MOST)) or tuple(islice(_fitting(clauses), MOST))


def central(quotes: Sequence[str], most: int, others: Sequence[str] = ()) -> list[str]:
    """Return the quotes that are most like all of them and least like `others`, in the order in which they stand.

    Likeness is the cosine of words weighted by ln(1 + n/df), and centrality its mean over all quotes, as in
    centroid-based summarisation (Radev et al., "Centroid-based summarization of multiple documents", 2004), less half
    of the mean over the others.
    """
    distinct = list({quote.casefold(): quote for quote in reversed(quotes)}.values())[::-1]
    if len(distinct) <= most:
        return distinct
    places: dict[str, int] = {}
    words = [_WORD.findall(quote.casefold()) for quote in (*distinct, *others)]
    word = np.array([places.setdefault(text, len(places)) for texts in words for text in texts], dtype=np.int64)
    quote = np.repeat(np.arange(len(words)), [len(texts) for texts in words])
    pairs, times = np.unique(quote * len(places) + word, return_counts=True)
    quote, word = np.divmod(pairs, max(len(places), 1))
    weight = times * np.log1p(len(words) / np.bincount(word)[word])
    weight /= np.sqrt(np.bincount(quote, weight**2))[quote]
    own = quote < len(distinct)
    ideal = np.bincount(word[own], weight[own], len(places)) / len(distinct)
    if others:
        ideal -= np.bincount(word[~own], weight[~own], len(places)) / len(others) / 2
    score = np.bincount(quote[own], (weight * ideal[word])[own], len(distinct))
    return [distinct[n] for n in sorted(np.argsort(-score, kind="stable")[:most])]


def points(quote: str) -> list[str]:
    """Return what a quote may be about: a few words of it, as they stand there."""
    words = quote.split()
    spans = [
        words[start : start + length]
        for length in range(SPAN[0], SPAN[1] + 1)
        for start in range(len(words) - length + 1)
    ]
    bare = (span for span in spans if not {span[0].strip(_EDGES).lower(), span[-1].strip(_EDGES).lower()} & FUNCTION)
    distinct = dict.fromkeys(" ".join(span).strip(_EDGES) for span in bare)
    return list(filter(_whole, distinct)) or [quote]


def _spread(quotes: Sequence[str], most: int) -> list[Sequence[str]]:
    """Return at most so many groups of consecutive quotes, of about the same size."""
    groups = min(most, len(quotes))
    return [quotes[n * len(quotes) // groups : (n + 1) * len(quotes) // groups] for n in range(groups)]


def _words(piece: str) -> int:
    """Return how many words a piece has, about three characters each in a script without spaces."""
    return max(len(piece.split()), len(_UNSPACED.findall(piece)) // 3)


def _fitting(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        fits = WORDS[0] <= _words(piece) <= WORDS[1] and LENGTH[0] <= len(piece) <= LENGTH[1]
        if fits and piece.isprintable() and not set(piece) & set('"\\') and _whole(piece):
            yield piece


def _whole(piece: str) -> bool:
    """Say whether all brackets that are opened are closed."""
    return all(piece.count(opened) == piece.count(closed) for opened, closed in _PAIRS)
