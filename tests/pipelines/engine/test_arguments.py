import pytest

from pipelines.engine import arguments
from pipelines.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "x"}, "--engine model is not to be set"),
        ({"hf_token": "x"}, "set HF_TOKEN in the environment"),
        ({"load_format": "auto"}, "--engine load_format is 'auto': weights are read as safetensors alone"),
        ({"load_format": "pt"}, "it is one of safetensors, "),
        ({"load_format": ["pt"]}, "--engine load_format is "),
    ],
)
def test_some_are_nobodys_to_set(given, message):
    with pytest.raises(ConfigError, match=message):
        arguments.check(given)


def test_others_are_anybodys():
    arguments.check({"max_num_seqs": 8, "load_format": "fastsafetensors", "trust_remote_code": True})


@pytest.mark.parametrize(
    "given",
    [
        {"trust_remote_code": True},
        {"Trust-Remote-Code": 1},
        {"hf_overrides": {"text_config": {"trust_remote_code": "yes"}}},
        {"speculative_config": {"model": "mine.Proposer"}},
        {"logits_processors": ["mine:Processor"]},
        {"worker_extension_cls": "mine"},
        {"kv_transfer_config": {"kv_connector_module_path": "mine"}},
        {"reasoning_parser_plugin": "mine"},
        {"what_comes_next_year": ["x", {"y": "mine.Thing"}]},
        {"file": "/srv/mine.py"},
    ],
)
def test_what_runs_code_is_known_by_its_name_or_its_value_however_deep(given):
    assert arguments.running_code({"max_num_seqs": 8, **given}) == list(given)


def test_what_runs_none_is_not_taken_for_it():
    given = {
        "trust_remote_code": False, "worker_cls": "", "dtype": "half", "max_model_len": 4096, "quantization": "compressed-tensors",
        "gpu_memory_utilization": 0.8, "attention_backend": "FLASH_ATTN", "distributed_executor_backend": "mp",
        "hf_overrides": {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "speculative_config": {"model": "Qwen/Qwen2.5-0.5B"},
        "compilation_config": {"mode": 3, "cudagraph_capture_sizes": [1, 2, 4]}, "revision": "v1.0", "download_dir": "/srv/models",
    }  # fmt: skip
    assert arguments.running_code(given) == []
