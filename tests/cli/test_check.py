"""The examination, as a person asks for it and as a run does by itself."""

import json
import shutil
from pathlib import Path

SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


def test_a_model_is_examined_and_the_outcome_kept(run, tmp_path, cache):
    status, out, err = run("check", "--model", "tiny", *SMALL, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert (found["model"], found["writes"]) == ("tiny", False)
    assert "a thousand reviews take about: sentiment" in err
    assert "--style auto: summaries and strengths are made of quotes" in err
    (kept,) = (cache / "reviewbatch" / "examinations").glob(f"{found['fingerprint']}.json")
    assert json.loads(kept.read_text())["scores"] == found["scores"]
    status, out, _ = run("models")
    assert status == 0
    assert "examined here" in out


def test_a_model_that_nobody_knows_is_examined_once_when_its_style_matters(run, tmp_path, tiny, write_jsonl, opinions):
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    shutil.copytree(tiny.folder, "mine")
    Path("mine/generation_config.json").write_text("{}")  # another model than tiny
    corpus = ["-i", write_jsonl(opinions(8)), "--model", "mine", *SMALL]
    status, _, err = run("run", "sentiment", *corpus, "-o", "labels", **own)
    assert status == 0, err
    assert "examining" not in err
    status, _, err = run("run", "summary", *corpus, "-o", "written", "--style", "written", "--quiet", **own)
    assert status == 0, err
    assert not (tmp_path / "cache" / "reviewbatch" / "examinations").exists()
    status, out, err = run("run", "summary", *corpus, "-o", "auto", "--json", **own)
    assert status == 0, err
    assert "examining the model, once: labels" in err
    assert json.loads(out)["tasks"]["summary"]["labels"]["written"] == 0
    status, _, err = run("run", "summary", *corpus, "-o", "again", **own)
    assert status == 0, err
    assert "examining" not in err


def test_check_takes_no_corpus(run):
    status, _, err = run("check", "-i", "reviews.jsonl")
    assert status == 2
    assert "No such option" in err
