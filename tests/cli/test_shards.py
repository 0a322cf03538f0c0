"""Runs that share a corpus and do not know of each other, and what is made of them."""

import json
from pathlib import Path

import pytest

from cli import loading
from pipelines.corpus.shard import Shard
from pipelines.errors import UsageError

TASK = 'name = "mood"\ninstruction = "How does it feel there?"\nlabels = ["calm", "busy"]\n'
SMALL = ["--model", "tiny", "--quiet", "--engine", "kv_cache_memory_bytes=268435456"]
ARRAY = "SLURM_ARRAY_TASK_"


def array(**told):
    return {f"{ARRAY}{name}": str(value) for name, value in told.items()}


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ID", "COUNT", "MIN", "MAX", "STEP"):
        monkeypatch.delenv(f"{ARRAY}{name}", raising=False)


def test_the_tasks_of_an_array_are_shards_whose_results_are_one(run, write_jsonl, opinions):
    path = write_jsonl([*opinions(40), {"review_id": "none", "restaurant_id": "x1"}])
    Path("mood.toml").write_text(TASK)
    asked = ["run", "strengths", "--task-file", "mood.toml", "-i", path, *SMALL]
    assert run(*asked, "-o", "one")[0] == 0
    for number in (7, 9):
        status, out, err = run(*asked, "--json", **array(ID=number, COUNT=2, MIN=7, MAX=9, STEP=2))
        assert status == 0, err
        assert json.loads(out)["run"]["shard"] == {"number": (number - 7) // 2, "of": 2}
    Path("mood.toml").unlink()  # what it said is written down
    status, out, err = run("merge", "out", "--json")
    assert status == 0, err
    report = json.loads(out)
    assert (report["run"]["shards"], report["run"]["status"]) == (2, "done")
    assert report["rows"] == {
        "in": 41, "answered": 40, "rejected": 1, "waiting": 0, "rejects_by_reason": {"no-text": 1},
    }  # fmt: skip
    assert err.startswith("merging 2 shards into out\n")
    assert "look at  out/report.html" in err
    names = sorted(file.name for file in Path("one/results").iterdir())
    assert sorted(file.name for file in Path("out/results").iterdir()) == names
    assert "mood_by_restaurant.parquet" in names
    assert Path("out/rejects.jsonl").read_text() == Path("one/rejects.jsonl").read_text()

    status, out, err = run("merge", *sorted(Path("out").glob("shard-*")), "-o", "elsewhere", "--quiet")
    assert (status, out, err) == (0, "", "")
    for name in names:
        assert Path("elsewhere/results", name).read_bytes() == Path("out/results", name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told", "status", "message"),
    [
        (["run", "sentiment", "--shard", "3/3"], {}, 2, "--shard: a shard's number from 0 and how many there are expected"),
        (["run", "sentiment", "--shard", "a"], {}, 2, "such as 0/8, found 'a'"),
        (["plan", "sentiment", "--shard", "1"], {}, 2, "such as 0/8, found '1'"),
        (["run", "sentiment"], {"REVIEWBATCH_SHARD": "x"}, 2, "such as 0/8, found 'x'"),
        (["run", "sentiment"], array(ID=5, COUNT=2, MIN=1, MAX=5, STEP=1), 2, "the 2 ids of the Slurm array up to 5 are not in a row"),
        (["run", "sentiment"], array(ID="five", COUNT=2), 2, "a variable SLURM_ARRAY_TASK_... is no number"),
        (["run", "strengths", "-i", "-", "--shard", "0/2"], {}, 2, "a shard that compares restaurants reads its input twice"),
        (["merge", "nowhere"], {}, 1, "no such folder: nowhere"),
        (["merge", "."], {}, 1, "no run in .: it holds no run.sqlite"),
        (["merge", "s3://bucket/out"], {}, 2, "s3://bucket/out is far away"),
        (["merge", "a/b", "c"], {}, 2, "the shards do not lie in one folder: say with -o where to write"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_clear_line(run, arguments, told, status, message):
    for name in ("a/b", "c"):
        Path(name).mkdir(parents=True)
    found, out, err = run(*arguments, **told)
    assert (found, out) == (status, ""), err
    assert err.startswith("error: ")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.usefixtures("at_home")
def test_the_shard_is_the_one_given_or_that_of_the_array(monkeypatch):
    assert loading.load(shard=None).shard is None
    for name, value in array(ID=3, COUNT=4).items():
        monkeypatch.setenv(name, value)
    assert loading.load(shard=None).shard == Shard(3, 4)
    assert loading.load().shard is None  # a command that has no such option
    monkeypatch.setenv(f"{ARRAY}MIN", "2")
    assert loading.load(shard=None).shard == Shard(1, 4)
    assert loading.load(shard="0/1").shard == Shard(0, 1)
    monkeypatch.setenv("REVIEWBATCH_SHARD", "5/6")
    assert loading.load(shard=None).shard == Shard(5, 6)
    monkeypatch.delenv("REVIEWBATCH_SHARD")
    monkeypatch.setenv(f"{ARRAY}ID", "6")
    with pytest.raises(UsageError, match="such as 0/8, found '4/4'"):
        loading.load(shard=None)


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("output", ["out", "out/"])
def test_a_shard_has_a_folder_of_its_own(output):
    assert loading.load(output=output).folder == Path("out")
    assert loading.load(output=output, shard="2/8").folder == Path("out/shard-2-of-8")
    assert loading.load(output="s3://bucket/out/", shard="2/8").address == "s3://bucket/out/shard-2-of-8"
