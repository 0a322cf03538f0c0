"""Comparable restaurants: of the same category or city where the input says, or a sample that stays the same."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

from pipelines.corpus.shard import place

LOOKED_AT = 12  # on each ring


class Peers:
    """The restaurants of a corpus, as (id, category, city).

    They stand on rings, in the order of a hash of their id: one for each category in a city, each category, each city,
    and one with all. A restaurant is compared with those that follow it, on the most special ring first. So nearly
    all are compared as before when a restaurant comes or goes.
    """

    def __init__(self, restaurants: Iterable[tuple[str, str | None, str | None]]) -> None:
        self._of = {id_: (category, city) for id_, category, city in restaurants}
        self._rings: defaultdict[tuple[str | None, str | None], list[str]] = defaultdict(list)
        for id_ in sorted(self._of, key=place):
            for ring in self._rings_of(id_):
                self._rings[ring].append(id_)

    def of(self, restaurant: str) -> Iterator[str]:
        """Yield the ids of those it may be compared with, the best first, none of them twice."""
        near = chain.from_iterable(self._after(ring, restaurant) for ring in self._rings_of(restaurant))
        yield from dict.fromkeys(near)

    def _rings_of(self, restaurant: str) -> list[tuple[str | None, str | None]]:
        category, city = self._of[restaurant]
        rings = [(category, city), (category, None), (None, city), (None, None)]
        return list(dict.fromkeys(rings))

    def _after(self, ring: tuple[str | None, str | None], restaurant: str) -> Iterator[str]:
        members = self._rings[ring]
        first = bisect_right(members, place(restaurant), key=place)
        for step in range(min(len(members) - 1, LOOKED_AT)):
            yield members[(first + step) % len(members)]
