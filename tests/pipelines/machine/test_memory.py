"""Which number format a model fits in, and how much is left for its KV cache."""

from dataclasses import replace

import pytest

from pipelines.machine.memory import GIB, KV_CACHE, LEAST_KV_CACHE, fit
from pipelines.models import catalog

QWEN = catalog.ALIASES["qwen2.5-1.5b"].shape  # 2.9 GiB in bfloat16, 5.8 in float32


@pytest.mark.parametrize(
    ("wanted", "free", "dtype", "cache"),
    [
        ("float32", 20.0, "float32", 4.0),
        ("float32", 10.0, "float32", 2.25),
        ("float32", 8.0, "bfloat16", 3.12),  # in float32 it would not fit; before, it ran in bfloat16
        ("bfloat16", 20.0, "bfloat16", 4.0),
        ("bfloat16", 3.0, "bfloat16", 4.0),  # nothing fits: vLLM says so
    ],
)
def test_the_format_is_the_one_wanted_as_long_as_it_fits(wanted, free, dtype, cache):
    found, left = fit(QWEN, wanted, 4096, int(free * GIB))
    assert (found, left / GIB) == (dtype, pytest.approx(cache, abs=0.01))


def test_the_longest_sequence_fits_the_cache():
    large = replace(QWEN, layers=100, kv_heads=16)  # 0.8 MiB a token in bfloat16
    assert fit(large, "float32", 1000, 20 * GIB)[0] == "float32"
    assert fit(large, "float32", 5000, 14 * GIB)[0] == "bfloat16"


@pytest.mark.parametrize("tenths", range(0, 300, 7))
def test_whatever_fitted_in_bfloat16_fits_now(tenths):
    """Before, it was bfloat16 with 4 GiB of KV cache, whatever there was."""
    free = tenths * GIB // 10
    dtype, cache = fit(QWEN, "float32", 32_768, free)
    if QWEN.weights("bfloat16") + KV_CACHE <= free:
        assert QWEN.weights(dtype) + cache <= free
        assert cache >= max(LEAST_KV_CACHE, QWEN.kv_bytes(32_768, dtype))


def test_of_a_model_that_nothing_is_known_of_the_format_is_the_one_wanted():
    assert fit(None, "float32", 4096, 0) == ("float32", KV_CACHE)
