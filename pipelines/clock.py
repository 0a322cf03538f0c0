"""The clock: the one moment that all times of a run count from, and how long ago this program began."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path


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


def since_start() -> float:
    """Return the seconds since this process was started, as the kernel has it."""
    began = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])  # its field 22, in ticks
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")
