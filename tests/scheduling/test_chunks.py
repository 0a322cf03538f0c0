from hypothesis import given
from hypothesis import strategies as st

from scheduling.chunks import chunks


def test_pieces_that_fit_stay_together():
    assert chunks([10, 20, 30], 60) == [slice(0, 3)]
    assert chunks([], 60) == []


def test_chunks_are_of_about_the_same_length():
    assert chunks([10] * 9, 60) == [slice(0, 5), slice(5, 9)]


def test_a_piece_longer_than_the_budget_is_a_chunk_by_itself():
    assert chunks([10, 99, 10], 50) == [slice(0, 1), slice(1, 2), slice(2, 3)]


@given(st.lists(st.integers(1, 100)), st.integers(1, 200), st.integers(1, 3))
def test_every_piece_is_in_one_chunk_and_no_chunk_is_above_the_budget(lengths, budget, least):
    cut = chunks(lengths, budget, least=least)
    assert [n for part in cut for n in range(len(lengths))[part]] == list(range(len(lengths)))
    for part in cut:
        pieces = lengths[part]
        assert sum(pieces) <= budget or len(pieces) <= least
    assert all(len(lengths[part]) >= least for part in cut[:-1])
    if least > 1 and len(lengths) > 1:
        assert len(cut) < len(lengths)  # so that merging ends
