"""Evidence: where quoted words stand in a review."""

import re
import unicodedata
from bisect import bisect_right

from pipelines.corpus.text import INVISIBLE, JOINERS

QUOTES = "\"'“”‘’«»「」『』.,;:!…- "  # what a model puts around words that it quotes

# Quotation marks as people type them, and as they are plain.
CURLY, STRAIGHT = "’‘`´“”", "''''\"\""
PLAIN = str.maketrans(CURLY, STRAIGHT)
# What is not seen, a model need not copy: joiners, and what makes an emoji of a sign, are not looked for either.
_UNSEEN = re.compile(f"[{INVISIBLE}{JOINERS}\ufe0f]")


def normal(text: str) -> str:
    """Return a text as it is compared: composed, in one case, on one line, with plain quotation marks."""
    return _normal(text).strip()


def bare(quote: str) -> str:
    """Return quoted words as they are looked for: in their normal form, without what a model puts around them."""
    return normal(quote.strip(QUOTES)).strip(QUOTES)


def find(text: str, quote: str) -> tuple[int, int] | None:
    """Return where quoted words stand in a text: the first character, and the one after the last; None where nowhere.

    Both are compared in their normal form, and the place is that in the text as it is.
    """
    words, whole = bare(quote), _normal(text)
    start = whole.find(words) if words else -1
    if start < 0:
        return None
    if text.isascii() and len(whole) == len(text):  # then every character has stayed where it is
        return start, start + len(words)
    place = _place(text, start), _place(text, start + len(words))
    return place if normal(text[slice(*place)]) == words else None  # a letter may have a part of it as its normal form


def _normal(text: str) -> str:
    seen = _UNSEEN.sub("", unicodedata.normalize("NFC", text))
    return re.sub(r"\s+", " ", seen.translate(PLAIN).casefold())


def _place(text: str, at: int) -> int:
    """Return the last place in a text up to which its normal form has so many characters."""
    return bisect_right(range(len(text) + 1), at, key=lambda end: len(_normal(text[:end]))) - 1
