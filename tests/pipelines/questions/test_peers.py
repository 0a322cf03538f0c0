from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from pipelines.questions.peers import LOOKED_AT, Peers


def test_those_of_the_same_category_and_city_come_first():
    places = [
        ("a", "thai", "Ulm"), ("b", "thai", "Ulm"), ("c", "thai", "Bonn"), ("d", "pizza", "Ulm"), ("e", None, None),
        ("f", "pizza", "Bonn"),
    ]  # fmt: skip
    assert list(islice(Peers(places).of("a"), 3)) == ["b", "c", "d"]
    assert set(Peers(places).of("e")) == set("abcdf")


def test_one_restaurant_alone_has_nobody_to_be_compared_with():
    assert list(Peers([("a", None, None)]).of("a")) == []


RESTAURANTS = st.lists(
    st.tuples(st.text(min_size=1), st.sampled_from(["thai", "pizza", None]), st.sampled_from(["Ulm", None])),
    unique_by=lambda place: place[0], min_size=1, max_size=30,
)  # fmt: skip


@given(RESTAURANTS)
def test_each_is_compared_with_as_many_others_as_there_are_and_always_the_same(places):
    for name, *_ in places:
        others = list(Peers(places).of(name))
        assert len(others) == len(set(others)) >= min(LOOKED_AT, len(places) - 1)
        assert name not in others
        assert others == list(Peers(places[::-1]).of(name))


def test_a_new_restaurant_changes_few_comparisons():
    places = [(f"r{n}", None, None) for n in range(200)]
    before, after = Peers(places), Peers([*places, ("new", None, None)])
    changed = [name for name, *_ in places if list(islice(before.of(name), 3)) != list(islice(after.of(name), 3))]
    assert len(changed) == 3
