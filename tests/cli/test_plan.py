"""`plan` for several replicas."""

import json
from types import SimpleNamespace

import pytest

from cli import chosen_tasks, plan_tables, preparation
from cli.loading import load
from cli.screen import people
from pipelines.corpus.sources import find
from pipelines.engine import vllm_setup
from pipelines.engine.vllm_setup import Device
from pipelines.preview import sizing
from scheduling.speed import Prediction


def test_a_plan_for_several_replicas_says_what_each_has_to_do(run, write_jsonl, distinct):
    command = ("plan", "sentiment", "-i", write_jsonl(distinct(96)), "--model", "tiny", "--json")
    status, out, err = run(*command, "--replicas", "8")
    assert status == 0, err
    assert json.loads(out)["anchors"] == 48
    assert "144 requests to ask in 7 jobs, 48 of them anchors" in err
    replicas = json.loads(out)["replicas"]
    assert (replicas["count"], replicas["requests_each"], replicas["jobs_each"]) == (8, (96 + 48) / 8, 7 / 8)
    assert "8 replicas work at the same jobs together: 18 requests each, 0.875 jobs' worth" in err
    assert "replicas on processors share them" in err
    status, out, err = run(*command, "--replicas", "auto")
    assert status == 0, err
    assert json.loads(out)["replicas"]["count"] == 1
    assert "replicas" not in err


@pytest.mark.parametrize("hours", [0.07, 60, 400])
def test_the_table_fits_a_terminal_of_80_columns(capsys, monkeypatch, hours):
    monkeypatch.setattr(people, "_width", 80)
    alone = Prediction(0.9 * hours * 3600, 0.1 * hours * 3600, 3.0, 0.25)
    todo = SimpleNamespace(alone=alone, longest=(12.0, 7), costing=SimpleNamespace(speeds=[1.0] * 100), size=1000)
    plan_tables._replicas(sizing.figures(todo, 10_000, 41.0, {7: "Casa Lola\n" * 9}, apart=True))
    lines = capsys.readouterr().err.splitlines()
    table = [line for line in lines if line[:1] in "┏┃┡│└"]
    assert len(table) == 3 + 9 + 1  # a line for each number
    assert max(map(len, table)) <= 80
    assert not any("…" in line for line in table)
    assert lines[-1].startswith("more than ")


def test_replicas_that_share_processors_have_measurements_of_their_own(
    monkeypatch, tmp_path, tiny, write_jsonl, reviews
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = str(write_jsonl(reviews(3)))

    def measurements(replicas):
        chosen = load(input=[path], replicas=replicas)
        asked, found = chosen_tasks.named(["sentiment"], chosen), find([path], output=tmp_path)
        device = Device("cpu", "a processor", "0.32.0")
        return preparation.configure(asked, chosen, found, model=tiny, device=device)[1]._path

    assert len({measurements(replicas) for replicas in ("1", "2", "4")}) == 3
    assert measurements("auto") == measurements("1")
    monkeypatch.setattr(vllm_setup, "cards", lambda _: 1)
    assert len({measurements(replicas) for replicas in ("1", "2", "4")}) == 1
