import json
from dataclasses import replace

import pytest

from pipelines.measurements import KEPT, Measured, Measurements
from scheduling.speed import Slice, Work

RUN = Measured([Slice(1.0, 1000.0, 100.0, 0.0)] * 4, {"sentiment": (400, 0), "summary": (10, 500)}, 2.5)

TASKS = ("sentiment", "summary")


@pytest.fixture
def measurements(tmp_path):
    return Measurements(tmp_path / "measurements" / "m.jsonl")


def test_what_a_run_took_is_what_the_next_one_expects(measurements):
    assert measurements.speed(TASKS) is None
    measurements.add(RUN, pytest.fail)
    speed = measurements.speed(TASKS)
    assert speed.predict("sentiment", Work(4000, 400)).makespan == pytest.approx(4.0)
    assert speed.lengths == {"sentiment": 0.0, "summary": 50.0}
    assert speed.pace == pytest.approx(2.5 / 500)


def test_the_last_runs_count(measurements):
    measurements.add(RUN, pytest.fail)
    slow = Measured([Slice(3.0, 1000.0, 100.0, 0.0)] * 4, {"sentiment": (400, 0)}, 0.0)
    for _ in range(KEPT):
        measurements.add(slow, pytest.fail)
    assert measurements.speed(TASKS).predict("sentiment", Work(4000, 400)).makespan == pytest.approx(12.0)


def test_runs_of_the_same_tasks_say_most(measurements):
    measurements.add(RUN, pytest.fail)
    measurements.add(Measured([Slice(3.0, 1000.0, 100.0, 0.0)] * 4, {"sentiment": (400, 0)}, 0.0), pytest.fail)
    load = Work(4000, 400)
    assert measurements.speed(["sentiment"]).predict("sentiment", load).makespan == pytest.approx(12.0)
    assert measurements.speed(TASKS).predict("sentiment", load).makespan == pytest.approx(4.0)
    assert measurements.speed(["summary"]).predict("sentiment", load).makespan == pytest.approx(8.0)


def test_a_run_too_short_to_tell_adds_nothing(measurements, tmp_path):
    measurements.add(None, pytest.fail)
    assert not list(tmp_path.iterdir())


BROKEN = '{"slices": [[%s, 1000, 300, 0]], "tasks": {"sentiment": [%s, 0]}, "decode_s": %s}'


@pytest.mark.parametrize(
    "numbers",
    [
        ("NaN", 300, 0),
        (-5, 300, 0),
        ("Infinity", 300, 0),
        (1, "Infinity", 0),
        (1, 300, "NaN"),
        ("1" + "0" * 400, 300, 0),
    ],
)
def test_a_number_that_cannot_be_is_passed_over_with_its_line(measurements, numbers, tmp_path):
    measurements.add(RUN, pytest.fail)
    with (tmp_path / "measurements/m.jsonl").open("a") as file:
        file.write(BROKEN % numbers + "\n" + "[" * 5000 + "\n")
    assert measurements.speed(TASKS).predict("sentiment", Work(4000, 400)).makespan == pytest.approx(4.0)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "7",
        '{"slices": [[1, 2]], "tasks": {}, "decode_s": 0}',
        "\x00",
        '{"slices": [], "tasks": {}, "decode_s": 0, "speeds": [0, 2]}',
        '{"slices": [], "tasks": {}, "decode_s": 0, "speeds": 7}',
        '{"slices": 5}',
    ],
)
def test_a_line_that_says_something_else_is_passed_over(measurements, line, tmp_path):
    measurements.add(RUN, pytest.fail)
    with (tmp_path / "measurements/m.jsonl").open("a") as file:
        file.write(line + "\n")
    measurements.add(RUN, pytest.fail)
    assert measurements.speed(TASKS).predict("sentiment", Work(4000, 400)).makespan == pytest.approx(4.0)


def test_as_many_replicas_are_as_fast_as_they_were_the_last_time(measurements):
    assert measurements.speeds(2) == [1.0, 1.0]
    for speeds in ([0.5, 1.5], [0.8, 1.2], [1.0, 0.5, 1.5]):
        measurements.add(replace(RUN, speeds=speeds), pytest.fail)
    assert measurements.speeds(2) == [0.8, 1.2]
    assert measurements.speeds(4) == [1.0] * 4


def test_a_cache_that_cannot_be_written_costs_a_warning(tmp_path):
    (tmp_path / "file").touch()
    warnings = []
    Measurements(tmp_path / "file" / "m.jsonl").add(RUN, warnings.append)
    assert "could not be kept" in warnings[0]


def test_another_model_or_engine_has_measurements_of_its_own(tmp_path, tiny):
    paths = set()
    for engine in ({"device": "cpu"}, {"device": "gpu"}, {"device": "cpu", "arguments": {"max_num_seqs": 8}}):
        Measurements.of(tmp_path, tiny, **engine).add(RUN, pytest.fail)
        paths = set(tmp_path.iterdir())
    assert len(paths) == 3
    assert all(json.loads(path.read_text())["decode_s"] == 2.5 for path in paths)
