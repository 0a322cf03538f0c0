import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.scaling import Bound, Scaling, numbers
from scheduling.speed import Prediction

ALONE = Prediction(90.0, 10.0, 3.0, 0.25)


def scaling(*, requests=1000, longest=0.0, start=None):
    return Scaling(alone=ALONE, requests=requests, longest=longest, start=start)


def simulated(pieces, speeds):
    """Give each piece in turn to whoever would be done with it first; return when the last is done."""
    free = [0.0] * len(speeds)
    for piece in pieces:
        n = min(range(len(speeds)), key=lambda n: free[n] + piece / speeds[n])
        free[n] += piece / speeds[n]
    return max(free)


@given(
    st.lists(st.floats(0.01, 10.0), min_size=1, max_size=200), st.lists(st.floats(0.5, 4.0), min_size=1, max_size=12)
)
def test_no_schedule_is_shorter_than_what_is_predicted(pieces, speeds):
    alone = Prediction(sum(pieces), 0.0, 0.0, 0.0)
    assert simulated(pieces, speeds) >= alone.over(speeds, max(pieces)).makespan * (1 - 1e-9)


@given(st.lists(st.floats(0.01, 10.0), min_size=1, max_size=200), st.integers(1, 12))
def test_on_replicas_that_are_alike_one_is_longer_by_less_than_the_longest_request(pieces, n):
    took, longest = simulated(pieces, [1.0] * n), max(pieces)
    assert took <= sum(pieces) / n + longest * (1 - 1 / n) + 1e-9
    assert took < 2 * Prediction(sum(pieces), 0.0, 0.0, 0.0).over([1.0] * n, longest).makespan + 1e-9


def test_replicas_of_unequal_speed_share_the_work_by_their_speeds():
    assert ALONE.over([1.0, 1.0, 2.0], 4.0).makespan == pytest.approx(100.0 / 4)
    assert ALONE.over([1.0, 1.0, 2.0], 60.0).makespan == pytest.approx(60.0 / 2)  # on the fastest
    figures = ALONE.over([1.0] * 4, 4.0).figures()
    assert (figures["prefill_s"], figures["decode_s"]) == (22.5, 2.5)
    assert (figures["low_s"], figures["high_s"]) == pytest.approx((25.0 * 0.75, 25.0 * 1.25))


def test_one_replica_takes_what_it_was_predicted_to_take():
    assert ALONE.over([1.0], 500.0).makespan == ALONE.makespan  # no request takes longer than all of them


def test_what_the_time_is_bound_by():
    assert [scaling(longest=20.0).bound(n) for n in (1, 4, 5, 6)] == ["work", "work", "work", "request"]
    assert [scaling(longest=20.0, start=30.0).bound(n) for n in (1, 2, 4, 8)] == ["work", "work", "start", "start"]


def test_more_replicas_than_are_enough_do_not_pay():
    assert scaling(longest=15.0).enough == (7, Bound.REQUEST)
    assert scaling(longest=15.0, start=40.0).enough == (3, Bound.START)
    assert scaling(requests=5).enough == (5, Bound.REQUEST)
    assert scaling(start=500.0).enough == (1, Bound.START)


@given(st.floats(0.1, 200.0), st.none() | st.floats(0.1, 200.0), st.integers(1, 500))
def test_with_as_many_as_are_enough_the_time_is_bound_by_what_they_do_not_shorten(longest, start, requests):
    found = scaling(longest=longest, start=start, requests=requests)
    enough, bound = found.enough
    assert 1 <= enough <= requests
    undivided = start if bound == Bound.START else max(longest, ALONE.makespan / requests)
    assert found.on(enough).makespan <= max(undivided, found.on(10**6).makespan) * (1 + 1e-9)
    assert enough == 1 or ALONE.makespan / (enough - 1) > undivided * (1 - 1e-9)


@pytest.mark.parametrize("replicas", [1, 2, 3, 8, 12, 100])
def test_it_is_worth_a_look_up_to_twice_as_many(replicas):
    looked_at = numbers(replicas)
    assert {1, 2, 4, 8, replicas} <= set(looked_at)
    assert replicas < 5 or 2 * replicas >= looked_at[-1] > replicas
    assert all(n == replicas or math.log2(n).is_integer() for n in looked_at)
