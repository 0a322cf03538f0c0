"""Scaling: what more replicas make of some work, and from how many on more do not pay."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scheduling.speed import Prediction

LEAST = 8  # replicas that are looked at in any case


class Bound(StrEnum):
    """What the time with some replicas is bound by; of these more replicas shorten the work alone."""

    WORK = "work"
    REQUEST = "request"
    START = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Work that one replica is predicted to do `alone`, in so many `requests`, and that several may share.

    The `longest` request takes so many seconds, which are not divided. A replica takes `start` seconds to start, None
    where that is not known; all start at once. As many as there are `speeds` of have those, in multiples of the one's.
    """

    alone: Prediction
    requests: int
    longest: float
    start: float | None
    speeds: Sequence[float] = (1.0,)

    def on(self, replicas: int) -> Prediction:
        """Return what the work takes on so many replicas once they are up."""
        speeds = self.speeds if len(self.speeds) == replicas else [1.0] * replicas
        return self.alone.over(speeds, self.longest)

    def bound(self, replicas: int) -> Bound:
        """Return what the time with so many replicas is bound by."""
        takes = self.on(replicas)
        if self.start is not None and self.start >= takes.makespan:
            return Bound.START
        return Bound.REQUEST if takes.longest > takes.prefill + takes.decode else Bound.WORK

    @property
    def enough(self) -> tuple[int, Bound]:
        """How many replicas are enough, and what the time with more is bound by.

        With so many the work takes no longer than what they do not shorten: the longest request, or a start, which by
        then takes as much of them as the work does. Nor are there more than requests.
        """
        undivided = {
            Bound.REQUEST: max(self.longest, self.alone.makespan / self.requests),
            Bound.START: self.start or 0.0,
        }
        bound = max(undivided, key=lambda bound: undivided[bound])
        return min(self.requests, max(1, math.ceil(self.alone.makespan / undivided[bound]))), bound  # rounding


def numbers(replicas: int) -> Sequence[int]:
    """Return for how many replicas it is worth a look who has so many in mind: powers of two up to twice as many."""
    most = max(LEAST, 2 * replicas)
    return sorted({replicas, *(2**n for n in range(most.bit_length()))})
