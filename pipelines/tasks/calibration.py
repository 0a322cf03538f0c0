"""Calibration: what a word's probability means, measured on reviews whose sentiment is known.

A language model says "good" far more readily than "reasonable", whatever it reads. So each word's probability
is divided by what it is on a few worked reviews of every class (the anchors), before the words of a class are
averaged. The idea of dividing out a model's leanings is that of contextual calibration (Zhao et al.,
"Calibrate Before Use", 2021), measured on real texts in place of an empty one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STRENGTH = 0.5  # how far a large corpus moves the reference
HALF = 50  # the rows at which a corpus moves it half as far


@dataclass(frozen=True, slots=True)
class Calibration:
    """How words are turned into classes.

    `classes` gives the class of each word, shape (words,); `mean` each word's mean probability on the anchors
    of each class, shape (classes, words); `reference` the log probability at which a word says nothing, (words,).
    """

    classes: NDArray[np.int64]
    mean: Array
    reference: Array

    @classmethod
    def measure(cls, logprobs: Array, truth: NDArray[np.int64], classes: NDArray[np.int64]) -> "Calibration":
        """Measure on anchors: `logprobs` of shape (anchors, words), the class of each anchor in `truth`."""
        p = np.exp(logprobs)
        mean = np.array([p[truth == c].mean(axis=0) for c in range(classes.max() + 1)])
        return cls(classes, mean, np.log(mean.mean(axis=0)))

    def probabilities(self, logprobs: Array) -> Array:
        """Return the probability of each class, shape (rows, classes), from (rows, words)."""
        lift = np.exp(logprobs - self.reference)
        return _normalised(np.stack([lift[:, self.classes == c].mean(axis=1) for c in range(len(self.mean))], axis=1))

    def shifted(self, corpus: Iterable[Array]) -> "Calibration":
        """Return this calibration moved towards a corpus, whose log probabilities come in (rows, words) pieces.

        What the corpus's words say beyond what its mix of classes explains is the corpus's own manner, and is
        taken out: ref' = ref + t [ln mean p - ln sum_c share_c mean_c], with t = STRENGTH n / (n + HALF). No
        label is looked at, and a corpus of one class alone is left as it is.
        """
        rows, total, counts = 0, np.zeros(len(self.classes)), np.ones(len(self.mean))
        for logprobs in corpus:
            rows += len(logprobs)
            total += np.exp(logprobs).sum(axis=0)
            counts += np.bincount(self.probabilities(logprobs).argmax(axis=1), minlength=len(counts))
        if not rows:
            return self
        expected = (counts / counts.sum()) @ self.mean
        t = STRENGTH * rows / (rows + HALF)
        return replace(self, reference=self.reference + t * (np.log(total / rows) - np.log(expected)))


def softmax(x: Array) -> Array:
    """Return exp(x) with each row scaled to sum to 1."""
    return _normalised(np.exp(x - x.max(axis=1, keepdims=True, initial=-np.inf)))


def _normalised(p: Array) -> Array:
    scaled: Array = p / p.sum(axis=1, keepdims=True)
    return scaled
