import inspect
import re
import time
from dataclasses import fields
from typing import get_type_hints

import pytest

from cli import chosen_tasks, loading, preparation, settings, values
from cli.main import app
from pipelines.config import Config
from pipelines.corpus.reading import Reading
from pipelines.errors import ConfigError, ReviewbatchError


@pytest.fixture(autouse=True)
def nothing_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("REVIEWBATCH_MODEL", "VLLM_USE_PRIORITY_QUEUE", "VLLM_PRIORITY_BY_PREFILL_COST"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_options_win_over_environment_over_file_over_defaults(nothing_set, monkeypatch):
    assert loading.load().model is None
    (nothing_set / "reviewbatch.toml").write_text('model = "file"\nformat = "jsonl"')
    assert loading.load().model == "file"
    monkeypatch.setenv("REVIEWBATCH_MODEL", "environment")
    assert loading.load(model=None).model == "environment"
    chosen = loading.load(model="option")
    assert (chosen.model, chosen.format) == ("option", "jsonl")


def test_a_share_of_rejects_is_counted_exactly():
    for of_a_thousand in range(1, 1000):
        most = values.allowed(f"{of_a_thousand / 10}%")
        assert not most.exceeded(of_a_thousand, 1000)
        assert most.exceeded(of_a_thousand + 1, 1000)


def test_switches_choose_the_policy_unless_one_is_named(monkeypatch):
    assert loading.load().policy == "prefill"
    monkeypatch.setenv("VLLM_PRIORITY_BY_PREFILL_COST", "FALSE")
    assert loading.load().policy == "task"
    monkeypatch.setenv("VLLM_USE_PRIORITY_QUEUE", "0")
    assert loading.load().policy == "fifo"
    assert loading.load(policy="prefill").policy == "prefill"
    monkeypatch.setenv("REVIEWBATCH_POLICY", "task")
    assert loading.load().policy == "task"


@pytest.mark.parametrize(
    ("value", "expected"), [("a.parquet", ["a.parquet"]), ('["a", "b"]', ["a", "b"]), ("x,y.jsonl", ["x,y.jsonl"])]
)
def test_inputs_in_the_environment_are_one_path_or_json(monkeypatch, value, expected):
    monkeypatch.setenv("REVIEWBATCH_INPUT", value)
    assert loading.load().input == expected


def test_tables_in_the_environment_are_json(monkeypatch):
    monkeypatch.setenv("REVIEWBATCH_COLUMNS", '{"text": "Review"}')
    assert loading.load().columns == {"text": "Review"}
    monkeypatch.setenv("REVIEWBATCH_COLUMNS", "text=Review")
    with pytest.raises(ConfigError, match="columns"):
        loading.load()


def test_engine_values_are_read_as_json_where_they_are():
    given = ["max_num_seqs=8", "enforce_eager=false", "dtype=float16", 'x={"a": [1]}', "y=a=b"]
    assert loading.load(engine=given).engine == {
        "max_num_seqs": 8, "enforce_eager": False, "dtype": "float16", "x": {"a": [1]}, "y": "a=b",
    }  # fmt: skip


def test_an_sla_is_for_all_tasks_or_for_each(nothing_set):
    assert loading.load(sla="10m").sla == {"*": 600.0}
    assert loading.load().sla == {}
    (nothing_set / "reviewbatch.toml").write_text('[sla]\nsentiment = "1h30m"')
    assert loading.load().sla == {"sentiment": 5400.0}
    assert loading.load(sla="90s").sla == {"*": 90.0}


def test_times_may_stand_in_the_environment(monkeypatch):
    monkeypatch.setenv("REVIEWBATCH_SLA", '{"sentiment": "2m"}')
    monkeypatch.setenv("REVIEWBATCH_MAX_WAIT", "30s")
    monkeypatch.setenv("REVIEWBATCH_DEADLINE", "45m")
    before, chosen = time.time(), loading.load()
    assert chosen.sla == {"sentiment": 120.0}
    assert chosen.max_wait == 30.0
    assert before + 2700 <= chosen.deadline <= time.time() + 2700


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sla": "10"}, "setting sla: a duration such as 90s, 10m or 1h30m expected, found '10'"),
        ({"max_wait": "soon"}, "setting max_wait: a duration such as"),
        ({"deadline": "25:00"}, "setting deadline: a time of day such as 06:00, or a duration such as"),
        ({"objective": "speed"}, "setting objective: no such objective: it is one of completion, makespan, sla"),
        ({"policy": "best"}, "setting policy: no such policy: it is one of prefill, fifo, task, hybrid, cost, longest, auto"),
        ({"ageing": -1.0}, "setting ageing: "),
        ({"ageing": float("inf")}, "setting ageing: "),
        ({"feed": "drip"}, "setting feed: "),
        ({"lang": "korean!"}, "setting lang: a code such as en or ko expected, found 'korean!'"),
        ({"lang": "korean"}, "setting lang: a code such as en or ko expected, found 'korean'"),
        ({"sla": "9" * 400 + "h"}, "setting sla: a duration of at most a year expected"),
        ({"limit": int("9" * 23)}, "setting limit: a number of at most 18 digits expected"),
        ({"limit": "9" * 23}, "setting limit: a whole number above 0, of at most 18 digits, expected"),
        ({"replicas": "9" * 5000}, "setting replicas: a whole number above 0, or auto, expected"),
        ({"ageing": 10**5000}, "setting ageing: a number of at most 18 digits expected"),
        ({"engine": ["x=" + "[" * 5000]}, "setting engine: nested too deeply"),
        ({"engine": ["x=" + "[" * 500 + "]" * 500]}, "setting engine: nested too deeply"),
        ({"engine": ["x=" + "9" * 23]}, "setting engine: a number of at most 18 digits expected"),
        ({"engine": ["x=\udcff"]}, "setting engine: text in UTF-8 expected"),
        ({"sla": '{"a":' * 5000}, "setting sla: nested too deeply"),
        ({"output": "caf\udce9"}, "setting output: text in UTF-8 expected"),
        ({"feed": "\udce9"}, "setting feed: text in UTF-8 expected"),
        ({"input": ["\ud800"]}, "setting input: text in UTF-8 expected"),
        ({"task_file": ["a\0b"]}, "setting task_file: text without a zero byte (NUL) expected"),
        ({"columns": ["text=\udcff"]}, "setting columns: text in UTF-8 expected"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named_with_what_was_expected(given, message):
    with pytest.raises(ConfigError) as error:
        loading.load(**given)
    assert message in str(error.value)


def test_a_file_to_read_may_be_called_what_is_no_text():
    assert loading.load(input=["caf\udce9.jsonl"]).input == ["caf\udce9.jsonl"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limit = " + "9" * 5000, "reviewbatch.toml cannot be read: a number has thousands of digits"),
        ("limit = " + "9" * 23, "reviewbatch.toml: setting limit: a number of at most 18 digits expected"),
        ("input = " + "[" * 900, "reviewbatch.toml cannot be read: nested too deeply"),
        ("engine." + "a." * 200 + "b = 1", "reviewbatch.toml: setting engine: nested too deeply"),
        ("engine." + "a." * 2000 + "b = 1", "reviewbatch.toml cannot be read: nested too deeply"),
        ('task_file = "a\\u0000b"', "reviewbatch.toml: setting task_file: text without a zero byte (NUL) expected"),
    ],
)
def test_what_no_setting_can_be_is_refused_in_the_file(nothing_set, text, message):
    (nothing_set / "reviewbatch.toml").write_text(text)
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        loading.load()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("INPUT", "[" * 5000, "setting input: nested too deeply"),
        ("INPUT", '["a\\u0000"]', "setting input: text without a zero byte (NUL) expected"),
        ("ENGINE", '{"a":' * 5000, "setting engine: nested too deeply"),
        ("COLUMNS", '{"text": "\\udcff"}', "setting columns: text in UTF-8 expected"),
        ("FORMAT", "\udcff", "setting format: text in UTF-8 expected"),
        ("LIMIT", "9" * 23, "setting limit: a whole number above 0, of at most 18 digits, expected"),
    ],
)
def test_what_no_setting_can_be_is_refused_in_the_environment(monkeypatch, name, value, message):
    monkeypatch.setenv(f"REVIEWBATCH_{name}", value)
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        loading.load()


def test_a_setting_that_is_none_is_named_wherever_it_stands(monkeypatch, nothing_set):
    (nothing_set / "reviewbatch.toml").write_text('modle = "tiny"')
    with pytest.raises(ConfigError, match="setting modle: no such key, did you mean model?"):
        loading.load()
    monkeypatch.setenv("REVIEWBATCH_MODLE", "tiny")
    with pytest.raises(ConfigError, match="environment variable REVIEWBATCH_MODLE: no such setting"):
        loading.load()


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        ({"sla": '{"mood": "1m"}'}, ["sentiment"], "setting sla: no such task 'mood': it is one of sentiment, points, summary"),
        ({"columns": ["query=q"]}, ["summary"], "no column 'query' for summary: it is one of review_id, restaurant_id"),
        ({"columns": ["text=t"]}, ["query-expansion"], "no column 'text' for query-expansion: it is one of query_id"),
        ({}, ["mood"], "no task 'mood': it is one of sentiment, points, summary, strengths, query-expansion, or a file"),
        ({}, [], "no task: name one or more of sentiment, points, summary"),
        ({}, ["sentiment", "query-expansion"], "sentiment (with review_id) and query-expansion (with query_id) read"),
    ],
)  # fmt: skip
def test_tasks_and_settings_that_do_not_go_together(given, names, message):
    chosen = loading.load(input=["x.jsonl"], **given)
    with pytest.raises(ReviewbatchError) as error:
        preparation.sources(chosen_tasks.named(names, chosen), chosen)
    assert message in str(error.value)


def test_an_sla_is_for_the_tasks_that_have_none_of_their_own():
    chosen = loading.load(sla='{"*": "1m", "summary": "1h"}')
    assert preparation.slas(chosen_tasks.named(["sentiment", "summary"], chosen), chosen) == {
        "sentiment": 60.0, "summary": 3600.0,
    }  # fmt: skip


def test_a_task_named_twice_is_asked_once():
    assert [task.name for task in chosen_tasks.named(["summary", "summary"], loading.load())] == ["summary"]


def test_a_setting_is_declared_once_and_used_by_its_name():
    declared = {field.name: field for field in fields(settings.Settings)}
    for name, hint in get_type_hints(settings.Settings, include_extras=True).items():
        assert [part for part in hint.__metadata__ if isinstance(part, settings.Option)], f"{name} is no option"
    # What the program makes of settings, see `configure`.
    made = {"tasks", "sources", "passed_over", "reading", "model", "arguments", "sla"}
    for field in fields(Config):
        if field.init and field.name not in made:
            other = declared[field.name]
            assert (field.default, field.default_factory) == (other.default, other.default_factory), field.name
    before = {"input", "output", "model", "task_file", "aspects", "style", "single_stage", "max_expansions", "max_rejects",
              "engine", "sla", "rating_scale", "replicas", "ray", "reproducible"}  # fmt: skip
    used = {field.name for kind in (Config, Reading) for field in fields(kind)} | before
    assert declared.keys() <= used, "a setting that nobody uses"
    commands = [command.callback for command in app.registered_commands]
    shared = [set(inspect.signature(command).parameters) & declared.keys() for command in commands]
    assert max(shared, key=len) == declared.keys()
