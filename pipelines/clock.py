"""The clock: the one moment that all times of a run count from."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment, when the engine was up, on both clocks: `epoch` seconds of the day, `monotonic` ones of the machine."""

    epoch: float = field(default_factory=time.time)
    monotonic: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Return the seconds since then."""
        return time.monotonic() - self.monotonic

    def at(self, moment: float) -> float:
        """Return a moment, in seconds since the epoch, in seconds since then."""
        return moment - self.epoch
