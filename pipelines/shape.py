"""The shape of a model: what decides whether it fits a card, and over how many it can be split."""

from dataclasses import dataclass

VOCABULARY_BLOCK = 64  # vLLM rounds the vocabulary up to a multiple of this before it splits it


@dataclass(frozen=True, slots=True)
class Shape:
    """A dense transformer in bfloat16. `head_size` is in elements, `context` in tokens."""

    weights_bytes: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocabulary: int
    context: int

    def kv_bytes(self, tokens: int) -> int:
        """Return what keys and values of so many tokens take, two bytes an element."""
        return 2 * 2 * self.layers * self.kv_heads * self.head_size * tokens

    def splits(self, cards: int) -> list[int]:
        """Return each `tensor_parallel_size` that vLLM takes for this model on so many cards.

        Attention heads, the inner layers and the vocabulary have to come out even; heads of keys and values are shared
        out, or, when there are more cards than heads, repeated equally often.
        """
        vocabulary = -(-self.vocabulary // VOCABULARY_BLOCK) * VOCABULARY_BLOCK
        return [
            n
            for n in range(1, cards + 1)
            if not any(whole % n for whole in (self.heads, self.intermediate, vocabulary))
            and max(n, self.kv_heads) % min(n, self.kv_heads) == 0
        ]
