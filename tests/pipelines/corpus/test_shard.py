from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.corpus.seen import Seen
from pipelines.corpus.shard import Shard, place


@given(st.text(), st.integers(1, 50))
def test_every_restaurant_is_of_one_shard(unit, of):
    assert [Shard(n, of).has(unit) for n in range(of)].count(True) == 1


def test_shards_are_of_about_the_same_size_and_stay_the_same():
    sizes = Counter(n for unit in range(8000) for n in range(8) if Shard(n, 8).has(f"restaurant {unit}"))
    assert min(sizes.values()) > 900
    assert [n for n in range(8) if Shard(n, 8).has("Casa Lola")] == [place("Casa Lola") >> 61] == [4]


def test_a_shard_is_written_with_a_stroke():
    assert Shard.read(" 2/8") == Shard(2, 8)
    assert (str(Shard(2, 8)), Shard(2, 8).name) == ("2/8", "shard-2-of-8")


@pytest.mark.parametrize("text", ["8/8", "-1/8", "0/0", "1", "a/b", "1/2/3", "0.5/2", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ValueError, match="a shard's number from 0 and how many there are expected, such as 0/8, found"):
        Shard.read(text)


@given(st.lists(st.lists(st.sampled_from("abcdefghijklmnopqrst"), max_size=12), max_size=30))
def test_what_was_seen_is_known(chunks):
    seen, before = Seen(), set()
    for chunk in chunks:
        expected = []
        for text in chunk:
            expected.append(text not in before)
            before.add(text)
        assert seen.first(chunk) == expected


def test_there_are_few_runs_however_many_texts_there_are():
    seen = Seen()
    for n in range(300):
        assert all(seen.first([f"{n} {k}" for k in range(10)]))
    assert len(seen._runs) < 12
    assert not any(seen.first([f"{n} 3" for n in range(300)]))
