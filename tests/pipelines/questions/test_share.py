from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from pipelines.corpus.reject import Reason, Reject
from pipelines.corpus.row import Row
from pipelines.corpus.shard import Shard
from pipelines.questions.peers import Peers
from pipelines.questions.restaurants import COMPARED
from pipelines.questions.share import Share

UNITS = "abcdefgh"


def row(id_: int, unit: str | None) -> Row | Reject:
    if unit is None:
        return Reject(source="f", row=id_, reason=Reason.NO_TEXT, detail="null")
    return Row(id=str(id_), unit=unit, text="good", source="f", row=id_, rating=float(id_))


ROWS = st.lists(st.builds(row, st.integers(0, 30), st.sampled_from([*UNITS, None])), max_size=60)


@given(ROWS, st.integers(1, 5), st.integers(1, 7))
def test_each_row_is_of_one_shard_and_numbered_as_in_one_run(rows, of, size):
    numbered = list(enumerate(rows))
    taken, units, shares = {}, {}, [Share(Shard(n, of), {}) for n in range(of)]
    for share in shares:
        for start in range(0, len(rows), size):
            part = share.take(numbered[start : start + size])
            for n, one in part.own:
                assert n not in taken
                taken[n] = one
                assert isinstance(one, Reject) or share.shard.has(one.unit)
            for unit, n in part.units.items():
                assert unit not in units
                units[unit] = n
            assert not part.compared
    expected, ids, ratings, order = {}, set(), [], {}
    for n, one in numbered:
        if isinstance(one, Row) and one.id not in ids:
            ids.add(one.id)
            ratings.append(one.rating)
            order.setdefault(one.unit, len(order))
            expected[n] = one
    assert {n: one for n, one in taken.items() if isinstance(one, Row)} == expected
    assert taken.keys() == set(range(len(rows)))
    assert all(
        taken[n].reason == Reason.DUPLICATE_ID for n, one in numbered if n not in expected and isinstance(one, Row)
    )
    assert units == order
    for share in shares:
        assert (share.units, share.rows, sorted(share.ratings.elements())) == (len(order), len(rows), sorted(ratings))
    assert len({share.read for share in shares}) == 1


def test_what_is_read_is_known_by_all_of_it():
    def read(*rows):
        share = Share(Shard(0, 2), {})
        share.take(list(enumerate(rows)))
        return share.read

    one, two = row(1, "a"), row(2, "b")
    assert len({read(one, two), read(two, one), read(one), read(one, row(2, "c")), read(one, row(2, None))}) == 5
    assert read(one, two) == read(one, two)


PLACES = st.dictionaries(
    st.text(min_size=1, max_size=3),
    st.tuples(st.sampled_from(["thai", "pizza", None]), st.sampled_from(["Ulm", "Bonn", None])),
    min_size=1, max_size=40,
)  # fmt: skip


@given(PLACES, st.integers(2, 5))
def test_a_shard_that_knows_its_own_and_those_it_needs_compares_as_if_it_knew_all(places, of):
    peers = Peers((unit, *place) for unit, place in places.items())
    for n in range(of):
        own = [unit for unit in places if Shard(n, of).has(unit)]
        needed = {unit: list(islice(peers.of(unit), COMPARED)) for unit in own}
        known = {*own, *(other for others in needed.values() for other in others)}
        some = Peers((unit, *places[unit]) for unit in known)
        assert {unit: list(islice(some.of(unit), COMPARED)) for unit in own} == needed
