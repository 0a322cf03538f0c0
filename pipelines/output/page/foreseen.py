"""The foreseen: what the plan had the jobs take of the engine's time, beside what they took."""

from dataclasses import dataclass

import numpy as np

from pipelines.output.page.hours import Hours
from pipelines.output.times import Numbers, Times

FEW = 8  # jobs, of which nine of ten say nothing
NINE_OF_TEN = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Some jobs: the seconds of the engine's work that each was `predicted` to take, and those that it `took`."""

    predicted: Numbers
    took: Numbers

    @property
    def within(self) -> tuple[float, float]:
        """Between how many times of what was foreseen nine of ten jobs took."""
        low, high = np.quantile(self.took / self.predicted, NINE_OF_TEN).tolist()
        return low, high


def of(times: Times, hours: Hours) -> Foreseen | None:
    """Return the jobs that can be compared; None where the plan foresaw nothing, or where they are few.

    The plan counts what two jobs ask in both, and the engine answers it once. So these are the complete jobs that sent
    every request of theirs themselves.
    """
    jobs, senders = hours.jobs, times.requests["job"]
    sent = np.bincount(senders[senders >= 0], minlength=int(jobs["job"].max(initial=0)) + 1)[jobs["job"]]
    alike = (sent == jobs["requests"]) & (jobs["predicted_s"] > 0) & (hours.costs > 0)
    return Foreseen(jobs["predicted_s"][alike], hours.costs[alike]) if alike.sum() >= FEW else None
