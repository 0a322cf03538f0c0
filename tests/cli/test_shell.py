"""The program as people use it: what a command does and where its words go."""

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


def test_a_run_from_the_shell(run, program, write_jsonl, reviews):
    path = write_jsonl([*reviews(20), {"review_id": "bad"}])
    status, out, err = run("run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", "--json", *SMALL, fresh=True)
    assert status == 0, err
    report = json.loads(out)  # one line of JSON and nothing else: no log line of vLLM's went to stdout
    assert report["rows"]["answered"] == 20
    assert pl.read_parquet("out/results/sentiment.parquet").height == 20
    assert "\x1b" not in err
    assert "21 rows read: 1 rejected, " in err
    assert "engine up in" in err
    assert "answers  out/results: sentiment.parquet, sentiment_by_restaurant.parquet" in err
    assert "INFO" not in err
    assert "Initializing a V1 LLM engine" in Path("out/engine.log").read_text()

    # The same again: nothing is asked, no engine is started.
    status, out, err = run(
        "run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", "--quiet", "--max-rejects", "0", *SMALL
    )
    assert status == 3
    assert (out, err) == ("", "1 rows were rejected, more than --max-rejects 0: see out/rejects.jsonl\n")

    # Whoever reads along may go away.
    process = program("run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", "--json", *SMALL)
    process.stderr.close()
    (out,) = process.communicate()
    assert (process.returncode, json.loads(out)["rows"]["answered"]) == (0, 20)

    status, out, err = run("report", "out")
    assert (status, out) == (0, "")
    assert "20 answered + 1 rejected" in err
    status, out, err = run("report", "out", "--json")
    assert json.loads(out)["rows"]["answered"] == 20


def test_stdin_environment_and_toml(run, reviews):
    Path("reviewbatch.toml").write_text('output = "from-toml"\nmodel = "tiny"\n[columns]\ntext = "body"\n')
    given = "".join(json.dumps({**row, "body": row["text"], "text": None}) + "\n" for row in reviews(6))
    status, out, err = run(
        "run", "sentiment", "-i", "-", "--json", *SMALL, given=given,
        VLLM_USE_PRIORITY_QUEUE="false", REVIEWBATCH_FORMAT="jsonl",
    )  # fmt: skip
    assert status == 0, err
    assert json.loads(out)["run"]["policy"] == "fifo"
    assert Path("from-toml/results/sentiment.jsonl").exists()
    assert "VLLM_USE_PRIORITY_QUEUE" not in Path("from-toml/engine.log").read_text()


def order_of_jobs(folder: Path) -> list[str]:
    """Return the restaurants in the order in which the last run sent their first request."""
    db = sqlite3.connect(folder / "run.sqlite")
    try:
        rows = db.execute(
            "SELECT unit FROM request JOIN job ON job.id = request.job WHERE unit <> '' "
            "GROUP BY job.id ORDER BY min(scheduled), min(queued), min(request.id)"
        ).fetchall()
        return [unit for (unit,) in rows]
    finally:
        db.close()


@pytest.mark.parametrize(
    ("environment", "policy", "order"),
    [
        ({}, "prefill", ["small", "medium", "large"]),
        ({"VLLM_USE_PRIORITY_QUEUE": "false"}, "fifo", ["large", "small", "medium"]),
        ({"VLLM_PRIORITY_BY_PREFILL_COST": "false"}, "task", ["small", "medium", "large"]),
    ],
)
def test_the_environment_switches_change_who_goes_first(run, write_jsonl, environment, policy, order):
    sizes = {"large": 60, "small": 4, "medium": 20}
    rows = [
        {"review_id": f"{name}{i}", "restaurant_id": name, "text": f"{name} {i} was fine"}
        for name, size in sizes.items()
        for i in range(size)
    ]
    status, out, err = run(
        "run", "sentiment", "-i", write_jsonl(rows), "-o", "out", "--model", "tiny", "--json", *SMALL,
        "--engine", "max_num_seqs=2", **environment,
    )  # fmt: skip
    assert status == 0, err
    assert json.loads(out)["run"]["policy"] == policy
    assert order_of_jobs(Path("out")) == order


def test_generate_gives_the_same_answers_as_continuous_feeding(run, write_jsonl, reviews):
    tables = []
    for feed in ("continuous", "generate"):
        status, out, err = run(
            "run", "sentiment", "-i", write_jsonl(reviews(60)), "-o", feed, "--feed", feed, "--model", "tiny", "--json",
            *SMALL, "--engine", "dtype=float32",
        )  # fmt: skip
        assert status == 0, err
        assert json.loads(out)["run"]["feed"] == feed
        tables.append(pl.read_parquet(f"{feed}/results/sentiment.parquet"))
    first, second = tables
    assert first["review_id"].equals(second["review_id"])
    assert first["label"].equals(second["label"])
    assert (first["p_positive"] - second["p_positive"]).abs().max() < 1e-3  # the sums run in another order


OWN = """
name = "dishes"
unit = "restaurant"
instruction = "Which dishes are named?"
max_tokens = 40
output.dishes = { type = "array", items = { type = "string", maxLength = 8 }, maxItems = 2 }
"""


def test_several_tasks_in_one_pass_and_one_of_ones_own(run, write_jsonl, opinions):
    Path("mine.toml").write_text(OWN)
    names = ["sentiment", "summary", "strengths", "--task-file", "mine.toml"]
    command = [*names, "-i", write_jsonl(opinions(60)), "-o", "out", "--model", "tiny", *SMALL]
    status, out, err = run("plan", *command, "--json")
    assert status == 0, err
    plan = json.loads(out)
    assert (plan["jobs"]["count"], plan["rows"]["waiting"]) == (4 * 4, 60)
    assert plan["later"]["requests"] == 0  # a model of this size writes nothing
    status, out, err = run("run", *command, "--json")
    assert status == 0, err
    report = json.loads(out)
    assert report["rows"] == {"in": 60, "answered": 60, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}
    assert list(report["tasks"]) == ["sentiment", "summary", "strengths", "dishes"]
    assert report["tasks"]["summary"]["labels"] == {"written": 0, "quotes": 4}
    for name in ("summary", "strengths", "dishes"):
        assert pl.read_parquet(f"out/results/{name}.parquet")["restaurant_id"].to_list() == ["x0", "x1", "x2", "x3"]
        assert f"{name}: " in err
    assert re.search(r"restaurants 4, reviews used \d+, reviews total 60", err)
    assert re.search(r"strengths \d+, without \d+, restaurants 4, reviews used 60", err)
    status, out, err = run("report", "out")
    assert status == 0
    assert "of a request: half took less (99 in 100)" in err
    Path("mine.toml").write_text(OWN.replace("array", "list"))
    status, _, err = run("run", *command)
    assert status == 1
    assert "mine.toml: output: dishes: type is 'list': one of string, integer" in err


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "0<&-"])
def test_closed_streams_are_no_traceback(closed):
    command = f"{sys.executable} -m cli.main report nowhere {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_help_comes_without_the_heavy_imports(run):
    status, out, _ = run("--help")
    assert status == 0
    assert "doctor" in out
    script = "import sys, cli.main; print(*sorted({'torch', 'vllm', 'transformers', 'polars', 'pyarrow', 'pydantic'} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
