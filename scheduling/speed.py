"""Speed: what prompt tokens, requests and output tokens take on one engine, learned from what they took."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]

# What a request costs besides its own tokens (scheduling, sampling, the attention to the header before it), and a
# decoded token, both in prefilled tokens. Chosen: where to start from while little has been measured.
REQUEST, DECODED = 16.0, 3.0
PROPORTIONS = (1.0, REQUEST, DECODED)
ENOUGH = 200  # requests
LEAST_ERROR = 0.05
FEW, FEW_ERROR = 3, 0.25  # runs that say little about how far off a prediction is, and what is said in their place


@dataclass(frozen=True, slots=True)
class Work:
    """Work for an engine: prompt tokens to compute, requests, and the output tokens after the first of each."""

    prefilled: float = 0.0
    requests: float = 0.0
    decoded: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.prefilled + other.prefilled, self.requests + other.requests, self.decoded + other.decoded)

    @property
    def size(self) -> float:
        """All of it in prefilled tokens, before anything has been measured."""
        return self.prefilled + REQUEST * self.requests + DECODED * self.decoded


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of a run: its seconds, and what was done in them. The first output token counts as prefill."""

    seconds: float
    prefilled: float
    requests: float
    decoded: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What some work is predicted to take, in seconds; `tail` is the decode of one answer by itself.

    It takes at least as long as the `longest` request, which is 0 where one engine does it all.
    """

    prefill: float
    decode: float
    tail: float
    error: float
    _: KW_ONLY
    longest: float = 0.0

    @property
    def makespan(self) -> float:
        """From the engine being up to the last answer; nine times in ten within `error` of it, as a share.

        The tail is in it: what prefill and decode take was learned from runs that had one, too.
        """
        return max(self.prefill + self.decode, self.longest)

    def over(self, speeds: Sequence[float], longest: float) -> "Prediction":
        """Return what the work of one engine takes on several, of some `speeds` in multiples of its own.

        They draw from one queue, a request at a time, and the `longest` takes the one engine so many seconds: together
        max(work / sum of the speeds, longest / the greatest of them). No schedule is shorter (McNaughton, "Scheduling
        with deadlines and loss functions", 1959). One that gives the next request to whoever is free is at most
        longest x (1 - 1 / n) longer on n that are alike (Graham, "Bounds for certain multiprocessing anomalies", 1966).
        """
        total = sum(speeds)
        return replace(
            self,
            prefill=self.prefill / total,
            decode=self.decode / total,
            longest=min(longest, self.makespan) / max(speeds),
        )

    def figures(self) -> dict[str, float]:
        """Return it as reports have it."""
        return {
            "prefill_s": self.prefill,
            "decode_s": self.decode,
            "tail_s": min(self.tail, self.makespan),
            "makespan_s": self.makespan,
            "low_s": self.makespan * max(0.0, 1 - self.error),
            "high_s": self.makespan * (1 + self.error),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Engine seconds per computed prompt token, per request, and per output token after the first.

    `error` is how far a prediction may be off, as a share of it: nine in ten runs were nearer. `lengths` has
    each task's mean of output tokens after the first, `pace` the seconds between two of them in one answer.
    """

    prefilled: float
    request: float
    decoded: float
    error: float
    lengths: Mapping[str, float]
    pace: float

    def predict(self, task: str, work: Work) -> Prediction:
        """Predict what some requests of a task take; how long answers are is taken from those of before, if any."""
        length = self.lengths.get(task, work.decoded / work.requests if work.requests else 0.0)
        return Prediction(
            prefill=work.prefilled * self.prefilled + work.requests * self.request,
            decode=work.requests * length * self.decoded,
            tail=length * self.pace,
            error=self.error,
        )


def together(predictions: Sequence[Prediction]) -> Prediction:
    """Return what several kinds of work take side by side in one engine."""
    return Prediction(
        prefill=sum(prediction.prefill for prediction in predictions),
        decode=sum(prediction.decode for prediction in predictions),
        tail=max((prediction.tail for prediction in predictions), default=0.0),
        error=max((prediction.error for prediction in predictions), default=0.0),
    )


def fit(runs: Sequence[Sequence[Slice]], lengths: Mapping[str, float], pace: float) -> Speed | None:
    """Learn the speed from runs in slices, None when they are too few to say.

    Least squares on seconds = a x prefilled + b x requests + c x decoded, drawn with the weight of one mean slice
    towards the proportions above (ridge regression: Hoerl and Kennard, 1970), and scaled so that the slices'
    total is met. Where all requests were alike the three cannot be told apart, and need not be.
    """
    tables = [table for run in runs if len(table := _table(run))]
    if sum(table[:, 2].sum() for table in tables) < ENOUGH:
        return None
    prices = _prices(np.concatenate(tables))
    prefilled, request, decoded = prices.tolist()
    return Speed(
        prefilled=prefilled, request=request, decoded=decoded, error=_error(tables), lengths=lengths, pace=pace
    )


def _table(run: Sequence[Slice]) -> Table:
    """Return the slices in which the engine was at work, a row each: seconds, prefilled, requests, decoded."""
    busy = (piece for piece in run if piece.prefilled + piece.requests + piece.decoded)
    rows = [(piece.seconds, piece.prefilled, piece.requests, piece.decoded) for piece in busy]
    return np.array(rows, dtype=np.float64)


def _prices(table: Table) -> Table:
    """Return the seconds for a prefilled token, a request and a decoded token."""
    seconds, work = table[:, 0], table[:, 1:] * PROPORTIONS
    scale = seconds.sum() / work.sum()
    design, mean = work * scale, seconds.mean()
    weights = np.linalg.solve(design.T @ design / mean**2 + np.eye(3), design.T @ seconds / mean**2 + np.ones(3))
    weights = weights.clip(0.1)
    weights *= seconds.sum() / (design @ weights).sum()
    prices: Table = weights * scale * PROPORTIONS
    return prices


def _error(runs: Sequence[Table]) -> float:
    """Return how far nine in ten runs are off when each is predicted from the others."""
    if len(runs) < FEW:
        return FEW_ERROR
    off = [
        run[:, 0].sum() / (run[:, 1:] @ _prices(np.concatenate([*runs[:n], *runs[n + 1 :]]))).sum() - 1
        for n, run in enumerate(runs)
    ]
    return max(LEAST_ERROR, float(np.quantile(np.abs(off), 0.9)))
