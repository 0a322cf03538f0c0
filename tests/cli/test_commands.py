"""The commands around `run`: what they say, and what it says afterwards."""

import json
import re
from pathlib import Path

from scheduling.policy import POLICIES

ANCHORS = 48
SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


def test_a_plan_says_what_a_run_will_do_and_the_run_says_how_it_went(run, write_jsonl, reviews, tmp_path, distinct):
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
    assert "in time: 7 of 7 jobs (100%)" in err
    status, _, err = run("report", "out")
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


def test_policies_are_compared(run, write_jsonl, distinct):
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
    Path("out").mkdir()
    Path("out/run.sqlite").write_text("of a run")
    status, out, err = run(*command, "--json", "--sla", "1h", "--policies", "fifo,longest,auto")
    assert status == 0, err
    found = json.loads(out)
    assert list(found["policies"]) == ["fifo", "longest", "auto"]
    assert re.search(rf"auto \(({'|'.join(POLICIES)})\)", err)  # which of them depends on what was measured
    assert found["policies"]["fifo"]["sla_attainment"]["median"] == 1.0
    assert "longest against fifo: half of the jobs were done after" in err
    assert "goodput" in err
    assert err.splitlines()[-1] == "look at out/compare.html"
    assert sorted(path.name for path in Path("out").iterdir()) == ["compare.html", "run.sqlite"]
    assert Path("out/run.sqlite").read_text() == "of a run"
    page = Path("out/compare.html").read_text()
    assert page.count("<svg") == 1
    assert all(f"{sentence}." in page for sentence in found["verdict"])


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
