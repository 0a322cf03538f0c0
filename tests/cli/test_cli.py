"""The program as people use it: real processes, real vLLM, real signals."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import psutil
import pytest

from scheduling.policy import POLICIES

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "cli.main"]
ANCHORS = 48
SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


@pytest.fixture
def program(tmp_path, cache, tiny, monkeypatch):
    """Start the program in an empty folder, with the tests' cache and no settings of the user's."""
    monkeypatch.chdir(tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVIEWBATCH_")}
    environment |= {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT), "COLUMNS": "120"}

    def start(*arguments, **extra):
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | extra,
        )

    return start


@pytest.fixture
def run(program):
    """Run the program to its end; return its exit status, stdout and stderr."""

    def run(*arguments, given="", **extra):
        process = program(*arguments, **extra)
        out, err = process.communicate(given)
        assert "Traceback" not in err, err
        return process.returncode, out, err

    return run


def answered(folder: Path) -> int:
    """Count the durable answers of a run that may be going on."""
    if not (folder / "run.sqlite").exists():
        return 0
    db = sqlite3.connect(folder / "run.sqlite", timeout=30)
    try:
        return db.execute("SELECT count(*) FROM request WHERE state = 'answered'").fetchone()[0]
    except sqlite3.OperationalError:  # the schema is not there yet
        return 0
    finally:
        db.close()


def test_a_run_from_the_shell(run, program, write_jsonl, reviews, tmp_path):
    path = write_jsonl([*reviews(20), {"review_id": "bad"}])
    status, out, err = run("run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", "--json", *SMALL)
    assert status == 0, err
    report = json.loads(out)  # one line of JSON and nothing else: no log line of vLLM's went to stdout
    assert report["rows"]["answered"] == 20
    assert pl.read_parquet("out/results/sentiment.parquet").height == 20
    assert "\x1b" not in err
    assert "21 rows read: 0 answered before, 1 rejected, " in err
    assert "engine up in" in err
    assert str(Path("out/results/sentiment.parquet")) in err
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
    process.stderr = None
    out, _ = process.communicate()
    assert (process.returncode, json.loads(out)["rows"]["answered"]) == (0, 20)

    status, out, err = run("report", "out")
    assert (status, out) == (0, "")
    assert "20 answered + 1 rejected" in err
    status, out, err = run("report", "out", "--json")
    assert json.loads(out)["rows"]["answered"] == 20


def test_stdin_environment_and_toml(run, reviews, tmp_path):
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


def test_a_plan_says_what_a_run_will_do_and_the_run_says_how_it_went(run, write_jsonl, reviews, tmp_path):
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}  # in which nothing has been measured
    corpus = ["sentiment", "-i", write_jsonl([*distinct(300), {"review_id": "bad"}]), "--model", "tiny", *SMALL]
    status, out, err = run("plan", *corpus, "--json", **cache)
    assert status == 0, err
    plan = json.loads(out)
    assert (plan["requests"], plan["jobs"]["count"], plan["predicted"]) == (300 + ANCHORS, 7, None)
    assert "would reject" in err
    assert "too little has been measured" in err
    assert not Path("out").exists()
    status, out, err = run("run", *corpus, "-o", "out", "--json", "--sla", "1h", **cache)
    assert status == 0, err
    jobs = json.loads(out)["tasks"]["sentiment"]["jobs"]
    assert (jobs["promised"], jobs["met"], jobs["sla_attainment"]) == (7, 7, 1.0)
    assert "7 of 7 jobs complete after: mean" in err
    assert "goodput" in err

    status, out, err = run("plan", *corpus, "-o", "again", "--json", **cache)
    assert status == 0, err
    predicted = json.loads(out)["predicted"]
    assert predicted["low_s"] < predicted["makespan_s"] < predicted["high_s"]
    assert re.search(r"should take \d+:\d\d \(", err)
    status, out, err = run("run", *corpus, "-o", "again", "--policy", "cost", "--json", **cache)
    assert status == 0, err
    assert json.loads(out)["run"]["ordered_by"] == "cost"
    assert "in order of cost (cost: from what earlier runs of this model took on this machine)" in err
    assert re.search(r"planned \d+:\d\d \(\d+:\d\d to \d+:\d\d\), took \d+:\d\d: [+-]\d+%", err), err


OWN = """
name = "dishes"
unit = "restaurant"
instruction = "Which dishes are named?"
max_tokens = 40
output.dishes = { type = "array", items = { type = "string", maxLength = 8 }, maxItems = 2 }
"""


def test_several_tasks_in_one_pass_and_one_of_ones_own(run, write_jsonl):
    Path("mine.toml").write_text(OWN)
    names = ["sentiment", "summary", "strengths", "--task-file", "mine.toml"]
    command = [*names, "-i", write_jsonl(opinions(60)), "-o", "out", "--model", "tiny", *SMALL]
    status, out, err = run("plan", *command, "--json")
    assert status == 0, err
    plan = json.loads(out)
    assert (plan["jobs"]["count"], plan["rows"]["waiting"]) == (4 * 4, 60)
    assert plan["later"]["requests"] == 4  # the second stage of strengths
    status, out, err = run("run", *command, "--json")
    assert status == 0, err
    report = json.loads(out)
    assert report["rows"] == {"in": 60, "answered": 60, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}
    assert list(report["tasks"]) == ["sentiment", "summary", "strengths", "dishes"]
    assert report["tasks"]["strengths"]["ungrounded"] == 0
    for name in ("summary", "strengths", "dishes"):
        assert pl.read_parquet(f"out/results/{name}.parquet")["restaurant_id"].to_list() == ["x0", "x1", "x2", "x3"]
        assert f"{name}: " in err
    assert "strengths, each with evidence" in err
    status, out, err = run("report", "out")
    assert status == 0
    assert "seconds per request: p50 (p99)" in err
    Path("mine.toml").write_text(OWN.replace("array", "list"))
    status, _, err = run("run", *command)
    assert status == 1
    assert "mine.toml: output: dishes: type is 'list': one of string, integer" in err


def test_killed_between_stages_nothing_is_lost_and_nothing_is_asked_twice(program, run, write_jsonl):
    path = write_jsonl(opinions(120))
    command = ("run", "strengths", "summary", "-o", "out", "--model", "tiny", *SMALL, "--engine", "max_num_seqs=2")
    seen = {}
    for enough in (2, 6):
        seen = killed(program(*command, "-i", path), lambda enough=enough: answered(Path("out")) > enough, seen)
    status, out, err = run(*command, "-i", path, "--json")
    assert status == 0, err
    assert seen.items() <= stored(Path("out")).items()
    assert json.loads(out)["rows"]["answered"] == 120
    assert pl.read_parquet("out/results/strengths.parquet").height == 4
    assert pl.read_parquet("out/results/summary.parquet")["reviews_used"].sum() == 120


def test_policies_are_compared(run, write_jsonl):
    command = [
        "compare",
        "sentiment",
        "strengths",
        "-i",
        write_jsonl(distinct(100)),
        "--model",
        "tiny",
        "--repeat",
        "1",
        *SMALL,
    ]
    status, out, err = run(*command, "--json", "--sla", "1h", "--policies", "fifo,longest,auto")
    assert status == 0, err
    found = json.loads(out)
    assert list(found["policies"]) == ["fifo", "longest", "auto"]
    assert re.search(rf"auto \(({'|'.join(POLICIES)})\)", err)  # which of them depends on what was measured
    assert found["policies"]["fifo"]["sla_attainment"]["median"] == 1.0
    assert "longest against fifo: a job is complete after" in err
    assert "goodput" in err
    assert not Path("out").exists()


def test_a_run_that_reaches_its_deadline_ends_with_status_4_and_the_next_one_continues(run, program, write_jsonl):
    path, command = write_jsonl(distinct(3000)), ("run", "sentiment", "-o", "out", "--model", "tiny", *SMALL)
    slow = ("--engine", "max_num_seqs=2")
    process = program(*command, "-i", path, *slow)  # to learn how long it takes to begin
    began = time.monotonic()
    wait_for(lambda: answered(Path("out")) > 100, process)
    to_begin = time.monotonic() - began
    process.kill()
    process.communicate()
    kept = answered(Path("out"))
    status, out, err = run(*command, "-i", path, *slow, "--deadline", f"{to_begin + 1:.0f}s", "--json")
    assert status == 4, err
    report = json.loads(out)
    assert report["run"]["status"] == "deadline"
    assert "rows left: the same command continues" in err
    assert kept < answered(Path("out")) < 3000
    assert report["rows"]["answered"] + report["rows"]["waiting"] == 3000
    assert pl.read_parquet("out/results/sentiment.parquet").height == report["rows"]["answered"]
    status, out, err = run(*command, "-i", path, "--json")
    assert (status, json.loads(out)["rows"]["answered"]) == (0, 3000), err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["run", "sentiment"], 2, "no input: give one with -i"),
        (["run", "mood", "-i", "r.jsonl"], 2, "no task 'mood': it is one of sentiment"),
        (["run", "-i", "r.jsonl"], 2, "no task: name one or more of sentiment, summary, strengths, query-expansion"),
        (["run", "sentiment", "query-expansion", "-i", "r.jsonl"], 2, "read different inputs: run each by itself"),
        (["run", "query-expansion", "-i", "r.jsonl"], 1, "r.jsonl has no column 'query_id'; it has: review_id"),
        (["run", "query-expansion", "-i", "r.jsonl", "--max-expansions", "11"], 1, "setting max_expansions: "),
        (["run", "--task-file", "none.toml", "-i", "r.jsonl"], 1, "--task-file none.toml cannot be read: "),
        (["run", "sentiment", "-i", "none.jsonl"], 1, "no such file or folder: none.jsonl"),
        (["run", "sentiment", "-i", "r.jsonl", "--column", "text=Review"], 1, "r.jsonl has no column 'Review'; it has: "),
        (["run", "sentiment", "-i", "r.jsonl", "--column", "txt=Review"], 1, "setting columns: no column 'txt'"),
        (["run", "sentiment", "-i", "r.jsonl", "--column", "text"], 1, "--column text: NAME=VALUE expected"),
        (["run", "sentiment", "-i", "r.jsonl", "--policy", "lifo"], 1, "setting policy: no such policy"),
        (["run", "sentiment", "-i", "r.jsonl", "--limit", "0"], 1, "setting limit: "),
        (["run", "sentiment", "-i", "r.jsonl", "--format", "csv"], 1, "setting format: "),
        (["run", "sentiment", "-i", "r.jsonl", "--model", "no/where"], 1, "no model 'no/where'"),
        (["run", "sentiment", "-i", "r.jsonl", "--engine", "max_model_len=big"], 1, "setting engine: max_model_len is 'big'"),
        (["run", "sentiment", "-i", "r.jsonl", "--engine", "max_modl_len=5"], 1, "vLLM did not start: "),
        (["run", "sentiment", "-i", "r.jsonl", "--engine", "model=x"], 1, "--engine model is not to be set"),
        (["run", "sentiment", "-i", "r.jsonl", "--engine", "x=NaN"], 1, "setting engine: a value that JSON does not know"),
        (["run", "sentiment", "-i", "r" * 300], 1, "no such file or folder: rrr"),
        (["run", "sentiment", "-i", "empty.jsonl"], 1, "no rows in the input"),
        (["run", "sentiment", "-i", "r.jsonl", "-o", "r.jsonl"], 1, "cannot write to r.jsonl"),
        (["run", "sentiment", "-i", "r.jsonl", "--deadline", "soon"], 1, "setting deadline: a time of day such as 06:00"),
        (["run", "sentiment", "-i", "r.jsonl", "--sla", "5"], 1, "setting sla: a duration such as 90s, 10m or 1h30m expected"),
        (["plan", "mood", "-i", "r.jsonl"], 2, "no task 'mood'"),
        (["plan", "sentiment", "-i", "empty.jsonl"], 1, "no rows in the input"),
        (["plan", "sentiment", "-i", "r.jsonl", "--engine", "max_num_seqs=-2"], 1, "vLLM would not start: "),
        (["compare", "sentiment", "-i", "r.jsonl", "--policies", "fifo"], 2, "two or more different ones expected"),
        (["compare", "sentiment", "-i", "r.jsonl", "--policies", "fifo,lifo"], 1, "setting policy: no such policy"),
        (["report", "nowhere"], 1, "no run in nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_clear_line(run, arguments, status, message, write_jsonl, reviews):
    write_jsonl(reviews(3), "r.jsonl")
    Path("empty.jsonl").touch()
    extra = ["--model", "tiny"] if "-i" in arguments and "--model" not in arguments else []
    found, out, err = run(*arguments, *extra, HF_HUB_OFFLINE="1")
    assert found == status, err
    assert out == ""
    assert message in err
    assert [line for line in err.splitlines() if message in line]


@pytest.mark.parametrize("toml", ["polcy = 'fifo'", "limit = 'many'", "= 3", "[engine]\nmax_model_len = -1"])
def test_a_mistake_in_the_settings_file_is_named(run, toml, write_jsonl, reviews):
    Path("reviewbatch.toml").write_text(toml)
    status, out, err = run("run", "sentiment", "-i", write_jsonl(reviews(3)))
    assert (status, out) == (1, "")
    assert err.startswith(("error: setting ", "error: reviewbatch.toml cannot be read"))
    assert len(err.splitlines()) == 1


def test_a_switch_that_is_neither_true_nor_false(run, write_jsonl, reviews):
    status, _, err = run("run", "sentiment", "-i", write_jsonl(reviews(3)), VLLM_USE_PRIORITY_QUEUE="maybe")
    assert status == 1
    assert "VLLM_USE_PRIORITY_QUEUE is 'maybe': true or false expected" in err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_keeps_what_it_has_and_the_same_command_continues(
    program, run, write_jsonl, reviews, number, status
):
    path, command = write_jsonl(distinct(1200)), ("run", "sentiment", "-o", "out", "--model", "tiny", *SMALL)
    process = program(*command, "-i", path, "--engine", "max_num_seqs=2")
    wait_for(lambda: answered(Path("out")) > 60, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    assert "interrupted: every answer so far is kept" in err
    assert "Traceback" not in err
    kept = answered(Path("out"))
    assert 60 < kept < 1200 + ANCHORS
    found, out, err = run(*command, "-i", path, "--json")
    assert found == 0, err
    report = json.loads(out)
    assert report["tasks"]["sentiment"]["requests"] == 1200 + ANCHORS - kept
    assert report["rows"]["answered"] == 1200


def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_asked_twice(program, run, write_jsonl):
    """kill -9 while it reads, loads, works and writes, again and again; then once to the end."""
    rows = distinct(300)
    path, command = write_jsonl(rows), ("run", "sentiment", "-o", "out", "--model", "tiny", *SMALL)
    seen = {}
    for moment in (lambda: Path("out/run.sqlite").exists(), lambda: answered(Path("out")) > 0,
                   lambda: answered(Path("out")) > 120, lambda: Path("out/results").exists()):  # fmt: skip
        seen = killed(program(*command, "-i", path, "--engine", "max_num_seqs=4"), moment, seen)
    status, out, err = run(*command, "-i", path, "--json")
    assert status == 0, err
    assert seen.items() <= stored(Path("out")).items()
    assert json.loads(out)["rows"] == {"in": 300, "answered": 300, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}
    assert pl.read_parquet("out/results/sentiment.parquet")["review_id"].to_list() == [row["review_id"] for row in rows]
    assert not list(Path("out").rglob("*.tmp"))


def test_an_engine_process_that_is_killed_is_started_again(program, write_jsonl):
    """As on a GPU, where vLLM's engine is a process of its own: kill -9 that one and not the program."""
    path = write_jsonl(distinct(600))
    process = program(
        "run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", "--json", *SMALL, "--engine", "max_num_seqs=2",
        VLLM_ENABLE_V1_MULTIPROCESSING="1",
    )  # fmt: skip
    wait_for(lambda: answered(Path("out")) > 60, process)
    (engine,) = (child for child in psutil.Process(process.pid).children() if "EngineCore" in str(child.cmdline()))
    engine.kill()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "warning: vLLM's engine process died; starting it again" in err
    assert json.loads(out)["rows"]["answered"] == 600


def test_kill_takes_the_engine_process_along(program, write_jsonl):
    """An engine left behind would hold the GPU's memory, and the next run could not start."""
    process = program(
        "run", "sentiment", "-i", write_jsonl(distinct(600)), "-o", "out", "--model", "tiny", *SMALL,
        "--engine", "max_num_seqs=2", VLLM_ENABLE_V1_MULTIPROCESSING="1",
    )  # fmt: skip
    wait_for(lambda: answered(Path("out")) > 60, process)
    family = psutil.Process(process.pid).children(recursive=True)
    assert [child for child in family if "EngineCore" in str(child.cmdline())]
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


def test_kill_while_the_engine_is_loaded_takes_its_process_along(program, write_jsonl):
    process = program(
        "run", "sentiment", "-i", write_jsonl(distinct(60)), "-o", "out", "--model", "tiny", *SMALL,
        VLLM_ENABLE_V1_MULTIPROCESSING="1",
    )  # fmt: skip

    def engines():
        return [c for c in psutil.Process(process.pid).children() if "spawn_main" in str(c.cmdline())]

    wait_for(engines, process)
    time.sleep(2.5)  # the guard looks once a second
    family = psutil.Process(process.pid).children(recursive=True)
    assert answered(Path("out")) == 0
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_engine_process_as_well_rejects_nothing(program, run, write_jsonl, number):
    """As from a terminal, systemd or Slurm: vLLM's process then answers all that is in flight with nothing."""
    path = write_jsonl(distinct(1200))
    command = ("run", "sentiment", "-i", path, "-o", "out", "--model", "tiny", *SMALL, "--engine", "max_num_seqs=2")
    process = program(*command, VLLM_ENABLE_V1_MULTIPROCESSING="1")
    wait_for(lambda: answered(Path("out")) > 60, process)
    engine = next(c for c in psutil.Process(process.pid).children() if "EngineCore" in str(c.cmdline()))
    engine.send_signal(number)
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number, err
    report = json.loads(Path("out/report.json").read_text())
    assert report["run"]["status"] == "stopped"
    assert report["rows"]["rejected"] == 0
    assert 0 < report["rows"]["answered"] < 1200
    status, out, err = run(*command, "--json")
    assert (status, json.loads(out)["rows"]["answered"]) == (0, 1200), err


def test_two_runs_do_not_share_a_folder(program, run, write_jsonl):
    path, command = write_jsonl(distinct(5)), ("run", "sentiment", "-o", "out", "--model", "tiny", *SMALL)
    process = program(*command, "-i", path)
    wait_for(lambda: Path("out/run.sqlite").exists(), process)
    status, _, err = run(*command, "-i", path)
    assert status == 1
    assert err == "error: another run is working in out: wait for it, or choose another --output\n"
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "0<&-"])
def test_closed_streams_are_no_traceback(tmp_path, closed):
    command = f"{sys.executable} -m cli.main report nowhere {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_an_output_that_cannot_be_written_is_one_clear_line(run, write_jsonl, reviews):
    status, _, err = run("run", "sentiment", "-i", write_jsonl(reviews(3)), "-o", "/dev/full/out", "--model", "tiny")
    assert status == 1
    assert err.startswith("error: cannot write to /dev/full/out")


def test_help_comes_without_the_heavy_imports(run):
    status, out, _ = run("--help")
    assert status == 0
    assert "doctor" in out
    script = "import sys, cli.main; print(*sorted({'torch', 'vllm', 'transformers', 'polars', 'pyarrow', 'pydantic'} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""


def test_tasks_models_and_doctor(run):
    status, out, _ = run("tasks")
    assert status == 0
    for expected in ("p_negative", "praised", "compared_with", "expansions", "reviews of the restaurant"):
        assert expected in out
    status, out, _ = run("models")
    assert status == 0
    assert "smollm2-135m" in out
    assert "unpacked" in out  # tiny, by the other tests
    status, out, _ = run("doctor")
    assert status == 0
    assert "ready" in out


def distinct(n: int) -> list[dict]:
    return [{"review_id": f"r{i}", "restaurant_id": f"x{i % 7}", "text": f"visit {i} was fine"} for i in range(n)]


def opinions(n: int) -> list[dict]:
    """Return reviews of four restaurants that have something to quote."""
    things = ("soup", "bread", "staff", "garden", "queue")
    return [
        {
            "review_id": f"r{i}",
            "restaurant_id": f"x{i % 4}",
            "text": f"The {things[i % 5]} was fine on day {i}. So was the tea.",
        }
        for i in range(n)
    ]


def stored(folder: Path) -> dict:
    """Return every durable answer with the run that gave it."""
    db = sqlite3.connect(folder / "run.sqlite", timeout=30)
    try:
        return {
            key: rest
            for key, *rest in db.execute("SELECT key, answer, run, last_token FROM request WHERE state = 'answered'")
        }
    except sqlite3.OperationalError:
        return {}
    finally:
        db.close()


def killed(process: subprocess.Popen, moment, seen: dict) -> dict:
    """Kill a run at some moment; return its durable answers, which have to have those `seen` before among them."""
    wait_for(moment, process)
    process.kill()
    process.communicate()
    now = stored(Path("out"))
    assert seen.items() <= now.items(), "an answer was lost, or given twice"
    return now


def wait_for(condition, process: subprocess.Popen, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None or condition(), process.communicate()
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
