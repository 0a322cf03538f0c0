"""Evidence: the reviews in which quoted words stand."""

import re
import unicodedata
from collections.abc import Sequence

from pipelines.corpus.row import Review

QUOTES = "\"'“”‘’«»「」『』.,;:!…- "  # what a model puts around words that it quotes


def normal(text: str) -> str:
    """Return a text as it is compared: composed, in one case, on one line."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text).casefold()).strip()


class Sources:
    """The reviews of a restaurant, to look words up in."""

    def __init__(self, reviews: Sequence[Review]) -> None:
        self._texts = [(review.id, normal(review.text)) for review in reviews]

    def of(self, quote: str) -> list[str]:
        """Return the ids of the reviews in which the quoted words stand, whatever white space and case are like."""
        words = normal(quote.strip(QUOTES)).strip(QUOTES)
        return [id_ for id_, text in self._texts if words in text] if words else []
