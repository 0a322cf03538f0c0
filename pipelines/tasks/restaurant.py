"""A restaurant, as a task sees it that asks about its reviews in stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.corpus.row import Review
from pipelines.tasks.quotes import central

SHOWN = 2  # quotes of another restaurant in a prompt


@dataclass(frozen=True, slots=True)
class Others:
    """Restaurants to compare with: what their reviews offer to be quoted, by their ids."""

    quotes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What they are like, as it stands in a prompt: a line for each, of what is most central."""
        lines = "".join(f"- {'. '.join(central(quotes, SHOWN))}.\n" for quotes in self.quotes.values())
        return f"\nReviews of other restaurants:\n{lines}" if lines else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestaurantState:
    """A restaurant, the language most of its reviews are in, and how far a task has come with it.

    Where reviews are rated, `middle` is the rating between good and bad ones.
    `answers` has those of every stage asked so far, in the order of what they are about; requests without one are
    left out. `used` counts the reviews that an answered request was about, `chunks` the requests of the first stage.
    """

    unit: str
    reviews: Sequence[Review]
    lang: str = "en"
    others: Others = field(default_factory=Others)
    middle: float | None = None
    answers: Sequence[Sequence[Any]] = ()
    used: int = 0
    chunks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a stage asks: by which form, about which lines, and what stands after each chunk of them.

    Lines that do not fit one prompt are asked in chunks. `quotes` has what each line offers to be quoted, by the field
    that it is for, and `others` what does not make the restaurant a special one.
    """

    form: str
    lines: Sequence[str]
    after: str = ""
    quotes: Sequence[Mapping[str, Sequence[str]]] = ()
    others: Sequence[str] = ()
