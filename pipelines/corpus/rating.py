"""A rating: what people write for one, and the scale that a corpus's ratings are on."""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The usual scales, the smaller first. Tens to fifty, as TripAdvisor has them, are no few of one to ten.
SCALES = ((0, 1), (1, 5), (0, 5), (10, 50), (1, 10), (0, 10), (0, 100))
TENS = SCALES[3]
NEAR, FAR = (
    0.02,
    0.1,
)  # of the ratings may lie outside a scale: a little, or so far that they are on no scale with the others
FEW = 5  # ratings, of which one may be so
USUAL = 5.0  # the top of the scale that a rating is put on which names another
WORDS = {word: float(n) for n, word in enumerate(("zero", "one", "two", "three", "four", "five"))}
STARS, HOLLOW, HALVES = "★⭐🌟", "☆✩", "½⯨"
_NUMBER = r"(\d{1,9}(?:[.,]\d{1,9})?)"
# "4", "4.5 stars", "4,5", "Rated 4.0 out of 5", "4/5", "80%", "별점 4점".
_PLAIN = re.compile(
    rf"[{STARS}]?\ufe0f?\s*(?:rat(?:ed|ing)|score|별점|평점)?\s*:?\s*{_NUMBER}\s*"
    rf"(?:(?:/|out of|of)\s*{_NUMBER})?\s*"
    r"(%|(?:-?\s*stars?|points?|bubbles?|점|별|点|星|sterne?|étoiles?|estrellas?)?(?: rating)?)\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Scale:
    """The lowest and the highest rating that there can be."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The rating between good and bad ones."""
        return (self.low + self.high) / 2

    def holds(self, rating: float) -> bool:
        """Say whether a rating is one of this scale."""
        return self.low <= rating <= self.high

    def __str__(self) -> str:
        return f"{self.low:g}-{self.high:g}"

    @classmethod
    def read(cls, text: str) -> "Scale":
        """Return the scale that somebody states: 1-5. Raises ValueError for what is none."""
        found = re.fullmatch(rf"\s*{_NUMBER}\s*(?:-|to|\.\.)\s*{_NUMBER}\s*", text)
        low, high = map(_decimal, found.groups()) if found else (0.0, 0.0)
        if low >= high:
            raise ValueError(f"the lowest and the highest rating expected, such as 1-5, found {text!r}")
        return cls(low, high)


def rating(value: Any, scale: Scale | None = None) -> float | None:
    """Return what is plainly a rating as a number, and None for everything else.

    One that names its own top, as 8/10 and 80% do, is put on the `scale`, or on one of five.
    """
    if isinstance(value, Mapping) and len(value) == 1:  # {"$numberInt": "4"}, as MongoDB exports numbers
        (value,) = value.values()
    if isinstance(value, bool | bytes) or value is None:
        return None
    if not isinstance(value, str):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return None
        return number if 0 <= number < math.inf else None  # -1 says that there is none
    # As a search for all that may be between its parts takes its time.
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if text.casefold() in WORDS:  # as Google's exports of a business have it: FIVE
        return WORDS[text.casefold()]
    if text and not text.strip(STARS + HOLLOW + HALVES + "\ufe0f "):
        full, half = (sum(map(text.count, marks)) for marks in (STARS, HALVES))
        return full + half / 2 if full + half else None
    return _written(text, scale.high if scale else USUAL)


def judge(counts: Mapping[float, int]) -> Scale | None:
    """Return the smallest usual scale that has nearly all of some ratings, each with how often it was given.

    None without ratings, and where they are on none of the scales.
    """
    return next((scale for scale in (Scale(*ends) for ends in SCALES) if _suits(scale, counts)), None)


def _suits(scale: Scale, counts: Mapping[float, int]) -> bool:
    total = sum(counts.values())
    within = [rating for rating in counts if scale.holds(rating)]
    if not within:
        return False
    if scale.high == 1 and min(within) == 1:  # ones are the worst of most scales
        return False
    if (scale.low, scale.high) == TENS:
        return len(within) == len(counts) and max(within) > scale.low and all(rating % 5 == 0 for rating in within)
    far = sum(often for rating, often in counts.items() if rating > 2 * scale.high)
    outside = total - sum(counts[rating] for rating in within)
    return outside - far <= total * NEAR and far <= max(total * FAR, total >= FEW)


def _written(text: str, top: float) -> float | None:
    found = _PLAIN.fullmatch(text)
    if not found:
        return None
    number, of, unit = found.groups()
    if unit == "%":
        of = of or "100"
    return _decimal(number) if of is None or not _decimal(of) else _decimal(number) * top / _decimal(of)


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))
