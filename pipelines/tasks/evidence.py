"""Evidence: where quoted words stand in a review."""

import re
import unicodedata
from bisect import bisect_right

QUOTES = "\"'“”‘’«»「」『』.,;:!…- "  # what a model puts around words that it quotes

# Quotation marks as people type them, and as they are plain; and characters that are not seen.
CURLY, STRAIGHT = "’‘`´“”", "''''\"\""
PLAIN = str.maketrans(CURLY, STRAIGHT, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufe0f\ufeff")


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
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text).translate(PLAIN).casefold())


def _place(text: str, at: int) -> int:
    """Return the last place in a text up to which its normal form has so many characters."""
    return bisect_right(range(len(text) + 1), at, key=lambda end: len(_normal(text[:end]))) - 1
