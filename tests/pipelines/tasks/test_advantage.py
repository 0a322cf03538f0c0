"""How sure it is that a share is higher here than there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tasks.advantage import sure

counts = st.integers(1, 60).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@pytest.mark.parametrize("shares", [(3, 3, 5, 48), (9, 12, 20, 48), (0, 5, 1, 50), (2, 8, 0, 32), (40, 41, 60, 64)])
def test_it_is_what_drawing_from_both_posteriors_says(shares):
    here, of_here, there, of_there = shares
    draw = np.random.default_rng(1)
    own = draw.beta(here + 0.5, of_here - here + 0.5, 400_000)
    others = draw.beta(there + 0.5, of_there - there + 0.5, 400_000)
    assert sure(*shares) == pytest.approx((own > others).mean(), abs=0.004)


@given(counts, counts)
def test_either_share_is_the_higher_one(here, there):
    assert sure(*here, *there) + sure(*there, *here) == pytest.approx(1.0)


@given(counts)
def test_equal_counts_say_nothing_and_one_more_review_that_says_so_says_more(here):
    count, total = here
    assert sure(count, total, count, total) == pytest.approx(0.5)
    assert sure(count + 1, total + 1, count, total) > 0.5


def test_three_reviews_of_which_one_says_so_are_not_enough():
    assert sure(1, 3, 10, 48) < 0.8
    assert sure(3, 3, 10, 48) > 0.95
