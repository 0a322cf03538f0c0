from hypothesis import given
from hypothesis import strategies as st

from scheduling.prefix import PrefixCache

HEAD = list(range(100))


def test_what_begins_alike_is_found_in_whole_blocks():
    cache = PrefixCache(32, 100)
    assert cache.cached([*HEAD, 1]) == 0
    cache.add([*HEAD, 1])
    assert cache.cached([*HEAD, 2]) == 96
    assert cache.cached([*HEAD[:70], 5]) == 64
    assert cache.cached([5, *HEAD]) == 0


def test_the_last_token_is_always_computed():
    cache = PrefixCache(32, 100)
    cache.add(HEAD[:96])
    assert cache.cached(HEAD[:96]) == 64
    assert cache.cached(HEAD[:97]) == 96


def test_without_a_prefix_cache_nothing_is_found():
    cache = PrefixCache(0, 0)
    cache.add(HEAD)
    assert cache.cached(HEAD) == 0


def test_what_was_used_longest_ago_goes_first():
    cache = PrefixCache(4, 4)
    cache.add([1] * 4)
    cache.add([2] * 8)
    cache.add([1] * 4)
    cache.add([3] * 8)
    assert cache.cached([1] * 5) == 4
    assert cache.cached([2] * 9) == 0  # its first block is gone
    assert cache.cached([3] * 9) == 8


@given(st.lists(st.lists(st.integers(0, 2), max_size=12), max_size=12), st.integers(1, 4))
def test_with_room_for_all_it_is_the_longest_common_beginning(prompts, block_size):
    cache = PrefixCache(block_size, 10**6)
    seen = []
    for prompt in prompts:
        common = max((next((i for i, (a, b) in enumerate(zip(prompt, old, strict=False)) if a != b), min(len(prompt), len(old))) for old in seen), default=0)  # fmt: skip
        assert cache.cached(prompt) == max(0, min(common, len(prompt) - 1)) // block_size * block_size
        cache.add(prompt)
        seen.append(prompt)
