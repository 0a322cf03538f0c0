"""The seen: which texts of a stream were there before, in eight bytes for each.

They are hashes, so one of a billion texts may be taken for another of them, about once in forty such streams.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.corpus.shard import place


class Seen:
    """Texts that were seen, as hashes in sorted runs: each is longer than the next, so that there are few of them."""

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []

    def first(self, texts: Sequence[str]) -> list[bool]:
        """Say of each of some texts whether it comes for the first time, and remember them all."""
        hashes = np.fromiter(map(place, texts), np.uint64, len(texts))
        distinct, places = np.unique(hashes, return_index=True)
        new = np.ones(len(distinct), dtype=bool)
        for run in self._runs:
            at = np.minimum(run.searchsorted(distinct), len(run) - 1)
            new &= run[at] != distinct
        first = np.zeros(len(texts), dtype=bool)
        first[places[new]] = True
        self._add(distinct[new])
        return first.tolist()

    def _add(self, run: NDArray[np.uint64]) -> None:
        while self._runs and len(self._runs[-1]) <= len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        if len(run):
            self._runs.append(run)
