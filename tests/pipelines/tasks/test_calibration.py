from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from pipelines.tasks.calibration import Calibration, calibration_error, softmax

CLASSES = np.array([0, 0, 1, 2])
TRUTH = np.repeat([0, 1, 2], 20)
LEANING = np.array([-1.0, -6.0, -8.0, -2.0])  # a model that says some words far more readily than others


def corpus(truth, rng, leaning=LEANING):
    """Log probabilities of a model that leans, and yet says a word a little more readily where it fits."""
    return leaning + 1.5 * (np.asarray(truth)[:, None] == CLASSES) + rng.normal(0, 0.3, (len(truth), len(CLASSES)))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def calibration(rng):
    return Calibration.measure(corpus(TRUTH, rng), TRUTH, CLASSES)


def test_a_leaning_is_taken_out(rng, calibration):
    truth = rng.integers(0, 3, 3000)
    assert (softmax(corpus(truth, rng)[:, [0, 2, 3]]).argmax(1) == truth).mean() < 0.7
    assert (calibration.probabilities(corpus(truth, rng)).argmax(1) == truth).mean() > 0.9


@pytest.mark.parametrize("n", [1, 5, 20, 100, 1000])
@pytest.mark.parametrize("of", [0, 1, 2])
def test_a_corpus_of_one_class_stays_of_one_class(rng, calibration, n, of):
    pieces = [corpus([of] * n, rng)]
    assert (calibration.shifted(pieces).probabilities(pieces[0]).argmax(1) == of).mean() > 0.85


def test_a_manner_of_the_corpus_is_taken_out_in_pieces_as_in_one(rng, calibration):
    truth = rng.integers(0, 3, 4000)
    strange = corpus(truth, rng, LEANING + np.array([0.9, 0.9, 0.0, 0.0]))
    before = (calibration.probabilities(strange).argmax(1) == truth).mean()
    whole = calibration.shifted([strange])
    assert (whole.probabilities(strange).argmax(1) == truth).mean() > before
    np.testing.assert_allclose(calibration.shifted(np.array_split(strange, 7)).reference, whole.reference)


def test_probabilities_are_as_sure_as_they_are_right(rng):
    """Of a model that sees less difference than there is, and of one that sees more."""
    for seen in (0.5, 1.0, 2.0):

        def said(truth, seen=seen):
            fits = np.asarray(truth)[:, None] == CLASSES
            return LEANING + seen * (fits + rng.normal(0, 0.7, fits.shape))

        many = np.repeat([0, 1, 2], 200)
        calibration = Calibration.measure(said(many), many, CLASSES)
        truth = rng.integers(0, 3, 3000)
        errors = []
        for exponent in (calibration.exponent, 1.0):
            p = replace(calibration, exponent=exponent).probabilities(said(truth))
            errors.append(calibration_error(p.max(axis=1), p.argmax(axis=1) == truth))
        assert errors[0] < max(0.08, errors[1] / 2), seen


def test_the_exponent_changes_no_label(rng, calibration):
    truth = rng.integers(0, 3, 500)
    plain = replace(calibration, exponent=1.0)
    assert calibration.exponent != 1.0
    logprobs = corpus(truth, rng)
    np.testing.assert_array_equal(
        calibration.probabilities(logprobs).argmax(1), plain.probabilities(logprobs).argmax(1)
    )


def test_the_calibration_error_is_how_far_confidence_and_accuracy_are_apart():
    assert calibration_error(np.array([0.75, 0.75, 0.75, 0.75]), np.array([True, True, True, False])) == 0
    assert calibration_error(np.array([1.0, 0.6]), np.array([False, True])) == pytest.approx((1.0 + 0.4) / 2)


def test_half_of_a_leaning_is_taken_out_where_nobody_knows_the_classes(rng):
    classes = np.array([0, 1])
    calibration = Calibration.leaning(np.tile([-0.1, -4.1], (20, 1)), classes)
    even = calibration.probabilities(np.array([[-0.1, -4.1], [-4.1, -0.1]]))
    assert even[0, 0] == pytest.approx(1 / (1 + np.exp(-2)), abs=0.01)
    assert even[1, 1] > 0.99
    assert calibration.shifted([np.zeros((9, 2))]) is calibration


def test_an_empty_corpus_shifts_nothing(calibration):
    assert calibration.shifted([]) is calibration


@given(st_numpy.arrays(np.float64, (5, 4), elements=st.floats(-60, 0)))
def test_probabilities_are_probabilities(logprobs):
    calibration = Calibration.measure(corpus(TRUTH, np.random.default_rng(1)), TRUTH, CLASSES)
    p = calibration.probabilities(logprobs)
    assert p.shape == (5, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p >= 0).all()


def test_softmax_survives_large_numbers():
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0]])), [[0.5, 0.5], [0.0, 1.0]])
    assert softmax(np.empty((0, 3))).shape == (0, 3)
