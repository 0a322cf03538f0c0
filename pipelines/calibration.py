"""Calibration: take out of label probabilities what the model leans towards whatever it reads."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prior:
    """The weight of each label that is to be divided out, shape (labels,)."""

    weights: Array

    @classmethod
    def fit(cls, p: Array) -> "Prior":
        """Fit to the probabilities of a corpus, shape (rows, labels)."""
        return cls(p.mean(axis=0))

    def remove(self, p: Array) -> Array:
        """Return `p`, shape (rows, labels), with the prior divided out and each row summing to 1."""
        q = p / self.weights
        scaled: Array = q / q.sum(axis=1, keepdims=True)
        return scaled


def softmax(x: Array) -> Array:
    """Return exp(x) with each row scaled to sum to 1."""
    e = np.exp(x - x.max(axis=1, keepdims=True, initial=-np.inf))
    scaled: Array = e / e.sum(axis=1, keepdims=True)
    return scaled
