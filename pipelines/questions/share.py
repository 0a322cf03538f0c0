"""A share: what a shard takes of a corpus that all shards read, numbered as one run of the whole would number it.

So what the shards write down can be put together again: rows, rejects and jobs have the same numbers in one run.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pipelines.config import Config
from pipelines.corpus import reader
from pipelines.corpus.reject import Reject
from pipelines.corpus.row import Row, duplicate
from pipelines.corpus.seen import Seen
from pipelines.corpus.shard import Shard
from pipelines.events import Emit, Reading
from pipelines.questions.peers import Peers
from pipelines.questions.restaurants import COMPARED, SAMPLE

Numbered = Sequence[tuple[int, Row | Reject]]
Place = tuple[str | None, str | None]  # of a restaurant: its category and city


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken of some rows: the shard's own, and reviews of others' restaurants that its own are compared with.

    `units` has the numbers of those restaurants, or queries, of its own that are new, if they are known.
    """

    own: Numbered
    compared: Sequence[tuple[int, Row]] = ()
    units: Mapping[str, int] | None = None


class Share:
    """The share of a shard, whose restaurants are compared with some of the others', if with any, at these places.

    `units` counts the restaurants, or queries, of all rows so far, and `ratings` how often each rating was given.
    """

    def __init__(self, shard: Shard, others: Mapping[str, Place]) -> None:
        self.shard = shard
        self.units = 0
        self.rows = 0
        self.ratings: Counter[float] = Counter()
        self._others = others
        self._left = dict.fromkeys(others, SAMPLE)  # reviews of each that are still to come
        self._ids, self._units = Seen(), Seen()
        self._read = hashlib.blake2b(digest_size=16)

    def take(self, numbered: Numbered) -> Taken:
        """Take what is the shard's of the next rows, by their places in the input."""
        rows = [(n, row) for n, row in numbered if isinstance(row, Row)]
        firsts = self._ids.first([row.id for _, row in rows])
        fresh = [numbered for numbered, first in zip(rows, firsts, strict=True) if first]
        self.ratings.update(row.rating for _, row in fresh if row.rating is not None)
        self._look(row for _, row in numbered)
        ours = {unit: self.shard.has(unit) for unit in {row.unit for _, row in rows}}
        places = {n for n, _ in fresh}
        return Taken(
            own=[
                (n, row if isinstance(row, Reject) or n in places else duplicate(row))
                for n, row in numbered
                if (n % self.shard.of == self.shard.number if isinstance(row, Reject) else ours[row.unit])
            ],
            compared=[(n, self._placed(row)) for n, row in fresh if not ours[row.unit] and self._is_left(row.unit)],
            units={unit: n for unit, n in self._number(row.unit for _, row in fresh).items() if ours[unit]},
        )

    @property
    def read(self) -> str:
        """A digest of all rows so far: runs that have read the same have the same."""
        return self._read.hexdigest()

    def _look(self, rows: Iterable[Row | Reject]) -> None:
        for row in rows:
            self.rows += 1
            told = (
                (row.reason,)
                if isinstance(row, Reject)
                else (row.id, row.unit, row.text, row.lang, row.category, row.city, row.rating, row.deadline)
            )
            self._read.update(repr(told).encode())

    def _number(self, units: Iterable[str]) -> dict[str, int]:
        names = list(dict.fromkeys(units))
        new = [unit for unit, first in zip(names, self._units.first(names), strict=True) if first]
        numbers = {unit: n for n, unit in enumerate(new, start=self.units)}
        self.units += len(new)
        return numbers

    def _is_left(self, unit: str) -> bool:
        if not self._left.get(unit):
            return False
        self._left[unit] -= 1
        return True

    def _placed(self, row: Row) -> Row:
        """Return a row where its restaurant is as all of its reviews have it, for only some of them are here."""
        category, city = self._others[row.unit]
        return replace(row, category=category, city=city)


def share(config: Config, emit: Emit) -> Share | None:
    """Return the share of a config's shard, if it is one.

    Where a task compares restaurants all rows are read for it: which those are is known only at the end.
    """
    if config.shard is None:
        return None
    return Share(config.shard, _others(config, config.shard, emit) if any(t.compares for t in config.tasks) else {})


def _others(config: Config, shard: Shard, emit: Emit) -> dict[str, Place]:
    """Return the restaurants of other shards that those of this one are compared with, and where they are."""
    places = _places(config, emit)
    peers = Peers((unit, *place) for unit, place in places.items())
    compared = (islice(peers.of(unit), COMPARED) for unit in places if shard.has(unit))
    return {other: places[other] for others in compared for other in others if not shard.has(other)}


def _places(config: Config, emit: Emit) -> dict[str, Place]:
    """Return where each restaurant is, in the order of the rows: see `Rows.places`."""
    ids, places, read = Seen(), dict[str, Place](), 0
    for chunk in reader.read(config.sources, config.reading, config.limit):
        rows = [row for row in chunk if isinstance(row, Row)]
        for row, first in zip(rows, ids.first([row.id for row in rows]), strict=True):
            if first:
                category, city = places.get(row.unit, (None, None))
                places[row.unit] = _last(category, row.category), _last(city, row.city)
        read += len(chunk)
        emit(Reading(read))
    return places


def _last(a: str | None, b: str | None) -> str | None:
    return max(a, b) if a is not None and b is not None else a if b is None else b
