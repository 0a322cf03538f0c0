"""A restaurant, as a task sees it that asks about its reviews in stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.corpus import language
from pipelines.corpus.row import Review


@dataclass(frozen=True, slots=True)
class Heard:
    """A review, what another task was answered about it, and the language it is in."""

    review: Review
    said: Any
    lang: str = language.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class RestaurantState:
    """A restaurant, the language most of its reviews are in, and how far a task has come with it.

    Where reviews are rated, `middle` is the rating between good and bad ones.
    `answers` has those of every stage asked so far, in the order of what they are about; requests without one are
    left out. `used` counts the reviews that an answered request was about, `chunks` the requests of the first stage.
    A task that is made of another's answers has `heard` those about the restaurant's reviews, and, if it compares,
    those about some reviews of `others`, by their ids.
    """

    unit: str
    reviews: Sequence[Review]
    lang: str = "en"
    middle: float | None = None
    answers: Sequence[Sequence[Any]] = ()
    used: int = 0
    chunks: int = 0
    heard: Sequence[Heard] = ()
    others: Mapping[str, Sequence[Heard]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage asks: by which form, about which lines.

    Lines that do not fit one prompt are asked in chunks, and each by itself if they are to be kept `apart`.
    """

    form: str
    lines: Sequence[str]
    apart: bool = False
