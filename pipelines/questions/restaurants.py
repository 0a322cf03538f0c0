"""The restaurants of a ledger: what is known of each when a task asks about it as a whole."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from pipelines.ledger.records import RequestState, StageRequest
from pipelines.ledger.rows import Rows
from pipelines.questions.peers import Peers
from pipelines.tasks.quotes import quotable
from pipelines.tasks.restaurant import Others, RestaurantState

SAMPLE = 16  # reviews of another restaurant that are looked at
COMPARED = 3  # other restaurants


class Restaurants:
    """The restaurants of the rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def state(self, unit: str, requests: Sequence[StageRequest], *, compared: bool) -> RestaurantState:
        """Return a restaurant, how far its `requests` have come, and, `compared`, those it is compared with."""
        reviews = self._rows.reviews(unit)
        last = max((request.stage for request in requests), default=-1)
        answered = [request for request in requests if request.state == RequestState.ANSWERED]
        return RestaurantState(
            unit=unit,
            reviews=[review for review, _ in reviews],
            lang=Counter(lang for _, lang in reviews).most_common(1)[0][0],
            middle=self._middle,
            others=self._others(unit) if compared else Others(),
            answers=[[request.answer for request in answered if request.stage == stage] for stage in range(last + 1)],
            used=sum(request.rows for request in answered if request.stage == 0),
            chunks=sum(request.stage == 0 for request in requests),
        )

    def _others(self, unit: str) -> Others:
        quotes: dict[str, list[str]] = {}
        for peer in self._peers.of(unit):
            if len(quotes) == COMPARED:
                break
            sample = self._rows.reviews(peer, most=SAMPLE)
            if quoted := [quote for review, _ in sample for quote in quotable(review.text)]:
                quotes[peer] = quoted
        return Others(quotes)

    @cached_property
    def _middle(self) -> float | None:
        return self._rows.middle()

    @cached_property
    def _peers(self) -> Peers:
        return Peers(self._rows.places())
