"""Quotes: pieces of reviews, word for word, and which of them speak for the others.

What recurs in many reviews is said best by a piece that has those words; a second piece should say something else.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

import regex

from pipelines.corpus.text import JOINERS
from pipelines.prompts.injection import matter
from pipelines.prompts.template import one_line
from pipelines.tasks.words import stems

WORDS, LENGTH = (3, 20), (8, 120)  # of a quote, least and most
MOST = 100  # quotes of one review
REMEMBERED = 4096  # reviews: one task after another asks what the same ones offer
# Scripts without spaces between words; what Unicode calls SA is Thai, Lao, Khmer, Burmese and their like.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Tibetan}\p{Line_Break=SA}]")
_HANGUL = regex.compile("[가-힣]")  # a word of it says what two of English do
# A full stop ends a sentence unless it stands after a title, an abbreviation or a single letter. A mark that is also
# written within words or numbers ends one before white space alone, or between letters that show it.
_SENTENCES = regex.compile(
    r"""[.!?…．](?<!\b(?:Mr|Ms|Mrs|Dr|St|Rs|vs|no|No|\w)\.)[\p{Pe}\p{Pf}"']*\K\s+"""
    r"""|(?![.!?．])[\p{Sentence_Terminal}།༎][\p{Pe}\p{Pf}"']*\K"""
    r"|(?<=[a-z])[.!?]+(?=[A-Z])|(?<=[\p{Lo}\p{M}]{2})[.!?]+(?=\p{Lo})|\.{2,}|\n+"
)
_CLAUSES = regex.compile(
    rf"(?![.!?])[\p{{Terminal_Punctuation}}()]\s*|\s[-–—]\s|(?<={_UNSPACED.pattern})\s+(?={_UNSPACED.pattern})"
)
_EDGE = r"\p{Terminal_Punctuation}\s…\-–—*'"
_CORE = regex.compile(rf"[^{_EDGE}](?:.*[^{_EDGE}])?")
_PAIRS = (("(", ")"), ("[", "]"), ("（", "）"), ("“", "”"), ("「", "」"))
_UNJOINED = str.maketrans("", "", JOINERS)


@lru_cache(maxsize=REMEMBERED)
def quotable(text: str) -> tuple[str, ...]:
    """Return the sentences of a review that are not too long, or its clauses where it has none, as they stand there.

    What speaks to the model is none of them.
    """
    sentences = [_core(one_line(part)) for part in _SENTENCES.split(matter(text).strip())]
    clauses = (_core(clause) for sentence in sentences for clause in _CLAUSES.split(sentence))
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


def _core(piece: str) -> str:
    """Return a piece without the marks around it."""
    found = _CORE.search(piece)
    return found[0] if found else ""


def _words(piece: str) -> int:
    """Return how many words a piece has, about three characters each in a script without spaces, and two in Hangul."""
    return max(len(piece.split()), len(_UNSPACED.findall(piece)) // 3, len(_HANGUL.findall(piece)) // 2)


def _fitting(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        fits = WORDS[0] <= _words(piece) <= WORDS[1] and LENGTH[0] <= len(piece) <= LENGTH[1]
        if fits and piece.translate(_UNJOINED).isprintable() and stems(piece) and _whole(piece):
            yield piece


def _whole(piece: str) -> bool:
    """Say whether all brackets and quotation marks that are opened are closed."""
    return piece.count('"') % 2 == 0 and all(piece.count(opened) == piece.count(closed) for opened, closed in _PAIRS)
