import pytest

from cli import settings
from pipelines.errors import ConfigError


@pytest.fixture(autouse=True)
def nothing_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("REVIEWBATCH_MODEL", "VLLM_USE_PRIORITY_QUEUE", "VLLM_PRIORITY_BY_PREFILL_COST"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_options_win_over_environment_over_file_over_defaults(nothing_set, monkeypatch):
    assert settings.load({}).model is None
    (nothing_set / "reviewbatch.toml").write_text('model = "file"\nformat = "jsonl"')
    assert settings.load({}).model == "file"
    monkeypatch.setenv("REVIEWBATCH_MODEL", "environment")
    assert settings.load({"model": None}).model == "environment"
    chosen = settings.load({"model": "option"})
    assert (chosen.model, chosen.format) == ("option", "jsonl")


def test_switches_choose_the_policy_unless_one_is_named(monkeypatch):
    assert settings.load({}).policy == "prefill"
    monkeypatch.setenv("VLLM_PRIORITY_BY_PREFILL_COST", "FALSE")
    assert settings.load({}).policy == "task"
    monkeypatch.setenv("VLLM_USE_PRIORITY_QUEUE", "0")
    assert settings.load({}).policy == "fifo"
    assert settings.load({"policy": "prefill"}).policy == "prefill"
    monkeypatch.setenv("REVIEWBATCH_POLICY", "task")
    assert settings.load({}).policy == "task"


@pytest.mark.parametrize(
    ("value", "expected"), [("a.parquet", ["a.parquet"]), ('["a", "b"]', ["a", "b"]), ("x,y.jsonl", ["x,y.jsonl"])]
)
def test_inputs_in_the_environment_are_one_path_or_json(monkeypatch, value, expected):
    monkeypatch.setenv("REVIEWBATCH_INPUT", value)
    assert settings.load({}).input == expected


def test_tables_in_the_environment_are_json(monkeypatch):
    monkeypatch.setenv("REVIEWBATCH_COLUMNS", '{"text": "Review"}')
    assert settings.load({}).columns == {"text": "Review"}
    monkeypatch.setenv("REVIEWBATCH_COLUMNS", "text=Review")
    with pytest.raises(ConfigError, match="columns"):
        settings.load({})


def test_engine_values_are_read_as_json_where_they_are():
    given = ["max_num_seqs=8", "enforce_eager=false", "dtype=float16", 'x={"a": [1]}', "y=a=b"]
    assert settings.pairs(given, "--engine", decode=True) == {
        "max_num_seqs": 8, "enforce_eager": False, "dtype": "float16", "x": {"a": [1]}, "y": "a=b",
    }  # fmt: skip
