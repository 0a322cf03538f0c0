"""Opinions: what a restaurant's diners praise and criticise, out of what another task was answered about their reviews.

An opinion has a target, a side and a holder (Liu, "Sentiment analysis and opinion mining", 2012): here the aspect, the
side and the review. They come from points; or, for models too small for those, from reviews whose label is known, whose
sentences are taken to be on that side.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.corpus.row import Review
from pipelines.tasks.evidence import normal
from pipelines.tasks.points import stated
from pipelines.tasks.quotes import quotable
from pipelines.tasks.restaurant import Heard

PRAISED, CRITICISED = SIDES = ("praised", "criticised")
LABELS = {"positive": PRAISED, "negative": CRITICISED}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one review praises or criticises, in words that stand in it; `aspect` is None where nobody has told it."""

    review: Review
    side: str
    aspect: str | None
    what: str

    @property
    def sentence(self) -> str:
        """The sentence of the review that its words stand in, they alone where there is none."""
        return next((quote for quote in quotable(self.review.text) if normal(self.what) in normal(quote)), self.what)

    def contradicts(self, middle: float | None) -> bool:
        """Say whether its review's rating, where `middle` is between good and bad ones, is of the other side."""
        rating = self.review.rating
        if rating is None or middle is None:
            return False
        return rating <= middle if self.side == PRAISED else rating >= middle


def from_points(heard: Iterable[Heard]) -> list[Opinion]:
    """Return the points that are sure, and whose words stand in their reviews."""
    return [
        Opinion(h.review, point.side, point.aspect, " ".join(point.what.split()))
        for h in heard
        for point in stated(h.review.text, h.said)
        if point.sure
    ]


def from_labels(heard: Sequence[Heard], labels: Sequence[str], middle: float | None) -> list[Opinion]:
    """Return the sentences of the reviews whose label has a side, unless their rating is of the other one."""
    opinions = (
        Opinion(h.review, LABELS[label], None, quote)
        for h, label in zip(heard, labels, strict=True)
        if label in LABELS
        for quote in quotable(h.review.text)
    )
    return [opinion for opinion in opinions if not opinion.contradicts(middle)]
