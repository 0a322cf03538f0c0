"""The prefix cache, foreseen: which tokens of a prompt the engine will not have to compute."""

from array import array
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence


class PrefixCache:
    """What vLLM's prefix cache holds when prompts are computed in the order in which they are added.

    vLLM keeps whole KV blocks of `block_size` tokens, finds a block by its tokens and all that stand before it, always
    computes a prompt's last token, for it needs what comes after, and lets go of the block that was used longest
    ago when its `blocks` are full (Kwon et al., "Efficient memory management for large language model serving with
    PagedAttention", 2023; vLLM's `KVCacheManager`). A `block_size` of 0 means that there is no prefix cache.
    """

    def __init__(self, block_size: int, blocks: int) -> None:
        self._block_size = block_size
        self._blocks = blocks
        self._held = OrderedDict[int, None]()  # in the order of last use; a plain one searches long for its first

    def cached(self, prompt: Sequence[int]) -> int:
        """Return how many tokens at the start of the prompt are held."""
        held = 0
        for key in self._keys(prompt, len(prompt) - 1):
            if key not in self._held:
                break
            held += self._block_size
        return held

    def key(self, prompt: Sequence[int], tokens: int) -> int | None:
        """Return what the last whole block of a prompt's first `tokens` is known by, None when that is not one."""
        return next(iter(deque(self._keys(prompt, tokens), maxlen=1)), None)

    def __contains__(self, key: int | None) -> bool:
        return key in self._held

    def add(self, prompt: Sequence[int]) -> None:
        """Hold the prompt's blocks, and let go of those used longest ago."""
        for key in self._keys(prompt, len(prompt)):
            self._held[key] = None
            self._held.move_to_end(key)
        while len(self._held) > self._blocks:
            self._held.popitem(last=False)

    def _keys(self, prompt: Sequence[int], tokens: int) -> Iterator[int]:
        """Yield a key for each whole block of the first `tokens`: a hash of it and of all before it."""
        if not self._block_size:
            return
        packed, key = array("I", prompt), 0
        size, told = self._block_size * packed.itemsize, packed.tobytes()
        for start in range(0, tokens * packed.itemsize - size + 1, size):
            key = hash((key, told[start : start + size]))
            yield key
