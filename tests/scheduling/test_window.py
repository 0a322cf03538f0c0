import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.window import Window


def test_admits_up_to_both_bounds():
    window = Window(max_requests=3, max_tokens=100)
    window.admit(1, 60)
    assert window.can_admit(40)
    assert not window.can_admit(41)
    window.admit(2, 20)
    window.admit(3, 0)
    assert not window.can_admit(0)


def test_a_request_larger_than_the_bound_goes_alone():
    window = Window(max_requests=3, max_tokens=100)
    assert window.can_admit(1000)
    window.admit(1, 1000)
    assert not window.can_admit(1)
    window.release(1)
    assert window.can_admit(1)


def test_releasing_what_was_not_in_flight_is_a_mistake():
    with pytest.raises(KeyError):
        Window(1, 1).release(7)


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 8), st.integers(1, 60))
def test_asking_first_never_breaks_a_bound_and_never_stalls(sizes, max_requests, max_tokens):
    window, in_flight, held = Window(max_requests, max_tokens), [], 0
    for number, size in enumerate(sizes):
        while not window.can_admit(size):
            freed, freed_size = in_flight.pop(0)
            window.release(freed)
            held -= freed_size
        window.admit(number, size)
        in_flight.append((number, size))
        held += size
        assert len(window) == len(in_flight) <= max_requests
        assert held <= max_tokens or len(in_flight) == 1
