from hypothesis import given
from hypothesis import strategies as st

from pipelines.comparable import MANY, Comparables


def test_those_of_the_same_category_and_city_come_first():
    places = [
        ("a", "thai", "Ulm"), ("b", "thai", "Ulm"), ("c", "thai", "Bonn"), ("d", "pizza", "Ulm"), ("e", None, None),
        ("f", "pizza", "Bonn"),
    ]  # fmt: skip
    assert Comparables(places).of("a") == ("b", "c", "d")
    assert set(Comparables(places).of("e")) < set("abcdf")


def test_one_restaurant_alone_has_nobody_to_be_compared_with():
    assert Comparables([("a", None, None)]).of("a") == ()


RESTAURANTS = st.lists(
    st.tuples(st.text(min_size=1), st.sampled_from(["thai", "pizza", None]), st.sampled_from(["Ulm", None])),
    unique_by=lambda place: place[0], min_size=1, max_size=30,
)  # fmt: skip


@given(RESTAURANTS)
def test_each_is_compared_with_as_many_others_as_there_are_and_always_the_same(places):
    for name, *_ in places:
        others = Comparables(places).of(name)
        assert len(others) == len(set(others)) == min(MANY, len(places) - 1)
        assert name not in others
        assert others == Comparables(places[::-1]).of(name)


def test_a_new_restaurant_changes_few_comparisons():
    places = [(f"r{n}", None, None) for n in range(200)]
    before, after = Comparables(places), Comparables([*places, ("new", None, None)])
    assert sum(before.of(name) != after.of(name) for name, *_ in places) == MANY
