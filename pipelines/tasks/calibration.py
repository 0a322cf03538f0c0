"""Calibration: what a word's probability means, measured on reviews whose sentiment is known.

A language model says "good" far more readily than "reasonable", whatever it reads. So each word's probability
is divided by what it is on a few worked reviews of every class (the anchors), before the words of a class are
averaged. The idea of dividing out a model's leanings is that of contextual calibration (Zhao et al.,
"Calibrate Before Use", 2021), measured on real texts in place of an empty one.

What is left says which class is likelier, and not by how much. So the classes' lifts get an exponent, which is fitted
on the anchors, each measured by the others: it is the inverse of the temperature of Guo et al., "On calibration of
modern neural networks", 2017, and changes no label.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STRENGTH = 0.5  # how far a large corpus moves the reference
HALF = 50  # the rows at which a corpus moves it half as far
DOUBT = 0.04
EXPONENTS = np.geomspace(1 / 4, 4, 65)
TINY = 1e-300  # whose logarithm there is


@dataclass(frozen=True, slots=True)
class Calibration:
    """How words are turned into classes.

    `classes` gives the class of each word, shape (words,); `mean` each word's mean probability on the anchors
    of each class, shape (classes, words), if that is known; `reference` the log probability at which a word says
    nothing, (words,). `exponent` is that of the classes' lifts.
    """

    classes: NDArray[np.int64]
    mean: Array
    reference: Array
    exponent: float = 1.0

    @classmethod
    def measure(cls, logprobs: Array, truth: NDArray[np.int64], classes: NDArray[np.int64]) -> "Calibration":
        """Measure on anchors: `logprobs` of shape (anchors, words), the class of each anchor in `truth`."""
        left = np.eye(len(truth)) == 0
        loo = [_reference(logprobs[row], truth[row], classes) for row in left]
        lifts = np.stack([one.lifts(logprobs[n : n + 1])[0] for n, one in enumerate(loo)])
        return replace(_reference(logprobs, truth, classes), exponent=_fitted(lifts, truth))

    @classmethod
    def leaning(cls, logprobs: Array, classes: NDArray[np.int64]) -> "Calibration":
        """Measure what a model leans to on texts whose classes nobody knows, shape (texts, words).

        They may well be all of one class, so only a part of the leaning is taken out, as of a corpus.
        """
        return cls(classes, np.empty((0, len(classes))), STRENGTH * np.log(softmax(logprobs).mean(axis=0)))

    def probabilities(self, logprobs: Array) -> Array:
        """Return the probability of each class, shape (rows, classes), from (rows, words)."""
        return softmax(self.exponent * self.lifts(logprobs))

    def lifts(self, logprobs: Array) -> Array:
        """Return the log of how much likelier than usual the words of each class are, shape (rows, classes)."""
        lift = np.exp(logprobs - self.reference)
        of_class = [lift[:, self.classes == c].mean(axis=1) for c in range(self.classes.max() + 1)]
        return np.log(np.stack(of_class, axis=1) + TINY)

    def shifted(self, corpus: Iterable[Array]) -> "Calibration":
        """Return this calibration moved towards a corpus, whose log probabilities come in (rows, words) pieces.

        What the corpus's words say beyond what its mix of classes explains is the corpus's own manner, and is
        taken out: ref' = ref + t [ln mean p - ln sum_c share_c mean_c], with t = STRENGTH n / (n + HALF). No
        label is looked at, and a corpus of one class alone is left as it is.
        """
        if not len(self.mean):
            return self  # nobody knows what a mix of its classes would explain
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


def _reference(logprobs: Array, truth: NDArray[np.int64], classes: NDArray[np.int64]) -> Calibration:
    p = np.exp(logprobs)
    mean = np.array([p[truth == c].mean(axis=0) for c in range(classes.max() + 1)])
    return Calibration(classes, mean, np.log(mean.mean(axis=0)))


def _fitted(lifts: Array, truth: NDArray[np.int64]) -> float:
    """Return the exponent under which anchors are likeliest whose classes are known but for some `DOUBT`.

    The doubt, label smoothing as of Szegedy et al., "Rethinking the Inception architecture", 2016, makes up for anchors
    that are plainer than people's reviews.
    """
    classes = lifts.shape[1]
    target = (1 - DOUBT) * np.eye(classes)[truth] + DOUBT / classes
    return float(max(EXPONENTS, key=lambda exponent: (target * np.log(softmax(exponent * lifts) + TINY)).sum()))


def softmax(x: Array) -> Array:
    """Return exp(x) with each row scaled to sum to 1."""
    p = np.exp(x - x.max(axis=1, keepdims=True, initial=-np.inf))
    scaled: Array = p / p.sum(axis=1, keepdims=True)
    return scaled


def calibration_error(confidence: Array, right: NDArray[np.bool_], bins: int = 10) -> float:
    """Return the expected calibration error: how far confidence and accuracy are apart in bins of equal width.

    Guo et al., "On calibration of modern neural networks", 2017. Both are of shape (rows,).
    """
    of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float((confidence[of == n] - right[of == n]).sum())) for n in range(bins)]
    return sum(gaps) / len(confidence)
