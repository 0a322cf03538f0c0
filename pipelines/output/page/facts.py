"""The facts: settings and versions, as people read them."""

from collections.abc import Mapping, Sequence
from typing import Any

# What is shown of them, and how it is called.
SETTINGS = {
    "model": "model",
    "fingerprint": "checksum of the model",
    "device": "ran on",
    "vllm": "vLLM",
    "dtype": "number format",
    "context": "tokens a prompt may have",
    "policy": "order asked for",
    "ordered_by": "order it went by",
    "why": "why that one",
    "feed": "feed",
    "engine": "engine arguments",
    "sla": "time promised, s",
    "max_wait_s": "longest wait allowed, s",
    "ageing": "ageing",
    "lang": "language of all rows",
    "steps": "engine steps",
    "dry_steps": "of them with a free slot",
    "replicas": "replicas",
    "shard": "shard",
    "shards": "shards merged",
    "engine_restarts": "engine restarts",
}


def told(facts: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return what each is called, and its value, of those that are there."""
    return [
        (title, ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value))
        for name, title in SETTINGS.items()
        if (value := facts.get(name)) not in (None, "", {})
    ]
