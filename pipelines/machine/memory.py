"""The memory that an engine on a CPU takes, and the number format that fits it."""

from pipelines.models.shape import Shape

GIB = 1 << 30
KV_CACHE, LEAST_KV_CACHE = 4 * GIB, 1 * GIB
WORKING = 2 * GIB  # what vLLM needs besides weights and KV cache: its modules, and a step's activations


def fit(shape: Shape | None, dtype: str, context: int, free: int) -> tuple[str, int]:
    """Return the number format and the bytes of KV cache with which a model fits `free` bytes.

    That is `dtype` where there is room for it, and else bfloat16, slow as it may be. There is room if the longest
    sequence, of `context` tokens, fits the cache. Where nothing fits vLLM is left to say what is missing.
    """
    if shape is None:
        return dtype, KV_CACHE
    for way in (dtype, "bfloat16"):
        left = free - shape.weights(way) - WORKING
        if left >= max(LEAST_KV_CACHE, shape.kv_bytes(context, way)):
            return way, min(KV_CACHE, left)
    return "bfloat16", KV_CACHE
