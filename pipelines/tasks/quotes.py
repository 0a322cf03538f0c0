"""Quotes: pieces of reviews, word for word, and which of them speak for the others.

What recurs in many reviews is said best by a piece that has those words; a second piece should say something else.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from pipelines.prompts.injection import matter
from pipelines.prompts.template import one_line
from pipelines.tasks.words import stems

WORDS, LENGTH = (3, 20), (8, 120)  # of a quote, least and most
MOST = 100  # quotes of one review
REMEMBERED = 4096  # reviews: one task after another asks what the same ones offer
# A full stop ends a sentence unless it stands after a title, an abbreviation or a single letter.
_SENTENCES = re.compile(
    r"(?<=[.!?…。！？])(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bRs\.)(?<!\bvs\.)(?<!\bno\.)(?<!\bNo\.)"
    r"(?<!\b\w\.)\s+|(?<=[。！？])|(?<=[a-z])[.!?]+(?=[A-Z])|\.{2,}|\n+"
)
_CLAUSES = re.compile(r"[,;:()、，]\s*|\s[-–—]\s")
_UNSPACED = re.compile("[\u3040-\u30ff\u4e00-\u9fff\u0e00-\u0e7f]")  # kana, Han, Thai
_HANGUL = re.compile("[가-힣]")  # a word of it says what two of English do
_EDGES = " .,;:!?…。、！？-–—*'"
_PAIRS = (("(", ")"), ("[", "]"), ("（", "）"), ("“", "”"), ("「", "」"))


@lru_cache(maxsize=REMEMBERED)
def quotable(text: str) -> tuple[str, ...]:
    """Return the sentences of a review that are not too long, or its clauses where it has none, as they stand there.

    What speaks to the model is none of them.
    """
    sentences = [one_line(part).strip(_EDGES) for part in _SENTENCES.split(matter(text).strip())]
    clauses = (clause.strip(_EDGES) for sentence in sentences for clause in _CLAUSES.split(sentence))
    return tuple(islice(_fitting(sentences), MOST)) or tuple(islice(_fitting(clauses), MOST))


def representative(pieces: Sequence[str], most: int, others: Sequence[str] = ()) -> list[str]:
    """Return at most so many pieces, the one first that has most of what recurs in them and not in the `others`.

    Every next one is chosen for what those before it lack, as in greedy maximum coverage (Takamura and Okumura, "Text
    summarization model based on maximum coverage problem and its variant", 2009); long pieces count for less.
    """
    words = {piece: stems(piece) for piece in dict.fromkeys(pieces)}
    often = Counter(stem for piece in pieces for stem in words[piece])
    often.subtract(stem for piece in others for stem in stems(piece))
    chosen: list[str] = []
    covered: set[str] = set()
    while len(chosen) < most and (left := [piece for piece in words if piece not in chosen and words[piece] - covered]):
        best = max(left, key=lambda p: sum(max(often[s], 0) for s in words[p] - covered) / (2 + len(words[p])) ** 0.5)
        chosen.append(best)
        covered |= words[best]
    return chosen


def _words(piece: str) -> int:
    """Return how many words a piece has, about three characters each in a script without spaces, and two in Hangul."""
    return max(len(piece.split()), len(_UNSPACED.findall(piece)) // 3, len(_HANGUL.findall(piece)) // 2)


def _fitting(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        fits = WORDS[0] <= _words(piece) <= WORDS[1] and LENGTH[0] <= len(piece) <= LENGTH[1]
        if fits and piece.isprintable() and not set(piece) & set('"\\') and stems(piece) and _whole(piece):
            yield piece


def _whole(piece: str) -> bool:
    """Say whether all brackets that are opened are closed."""
    return all(piece.count(opened) == piece.count(closed) for opened, closed in _PAIRS)
