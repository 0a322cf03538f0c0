"""The shape of a model: what decides whether it fits a card, and over how many it can be split."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What reading a config raises that is another's, or broken.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, ZeroDivisionError)
VOCABULARY_BLOCK = 64  # vLLM rounds the vocabulary up to a multiple of this before it splits it


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A dense transformer. `weights_bytes` is for two bytes a number, `head_size` in numbers, `context` in tokens."""

    weights_bytes: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocabulary: int
    context: int

    def weights(self, dtype: str) -> int:
        """Return the bytes of the weights in a number format."""
        return self.weights_bytes * _times(dtype)

    def kv_bytes(self, tokens: int, dtype: str = "bfloat16") -> int:
        """Return what keys and values of so many tokens take in a number format."""
        return 2 * 2 * self.layers * self.kv_heads * self.head_size * tokens * _times(dtype)

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


def read(folder: Path) -> Shape | None:
    """Return the shape of the model in a folder, None where its files do not say, or its weights are quantised."""
    try:
        config, text = _config(folder)
        heads, kv_heads, head_size = _attention(text)
        files = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        stored = text.get("dtype") or text.get("torch_dtype") or config.get("torch_dtype") or "bfloat16"
        shape = Shape(
            weights_bytes=files // _times(stored),
            layers=int(text["num_hidden_layers"]),
            heads=heads,
            kv_heads=kv_heads,
            head_size=head_size,
            intermediate=int(text["intermediate_size"]),
            vocabulary=int(text["vocab_size"]),
            context=int(text["max_position_embeddings"]),
        )
    except UNREADABLE:
        return None
    return shape if files and "quantization_config" not in config else None


def parameters(folder: Path) -> int:
    """Return about how many parameters the model in a folder has, from its config, 0 where that does not say.

    Those of embeddings, attention and one set of inner layers: of a mixture of experts it is less than all.
    """
    try:
        _, text = _config(folder)
        heads, kv_heads, head_size = _attention(text)
        attention, inner = 2 * head_size * (heads + kv_heads), 3 * int(text["intermediate_size"])
        layers = int(text["num_hidden_layers"]) * (attention + inner)
        return int(text["hidden_size"]) * (int(text["vocab_size"]) + layers)
    except UNREADABLE:
        return 0


def _config(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a model's config, and the part of it that is about text."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config, config.get("text_config", config)


def _attention(text: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return the heads, those of keys and values, and the size of one."""
    heads = int(text["num_attention_heads"])
    head_size = int(text.get("head_dim") or text["hidden_size"] // heads)
    return heads, int(text.get("num_key_value_heads") or heads), head_size


def _times(dtype: str) -> int:
    return 2 if dtype == "float32" else 1
