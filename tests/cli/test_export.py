"""A run's questions and answers, for others to take up."""

import json
import re
from contextlib import suppress
from pathlib import Path

import polars as pl

TASK = """
name = "dishes"
unit = "restaurant"
instruction = "The dishes that the reviews name:"
max_tokens = 20

[output.dishes]
type = "array"
items = { type = "string", maxLength = 12 }
maxItems = 2
"""
SMALL = ["--model", "tiny", "--quiet", "--engine", "kv_cache_memory_bytes=268435456"]
ANCHORS = 48
PAGE = Path(__file__).parents[2] / "docs" / "results.md"


def lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_what_was_asked_can_be_asked_of_a_hosted_model(run, write_jsonl, reviews):
    rows = reviews()
    rows[1]["text"] = '  "Salt &\npepper"\t\\ crème brûlée \U0001f36e  '
    path = write_jsonl(rows)
    Path("dishes.toml").write_text(TASK)
    own = ("--task-file", "dishes.toml")
    status, _, err = run("run", "sentiment", *own, "-i", path, "-o", "out", *SMALL)
    assert status == 0, err

    status, _, err = run("export", "out", "--as", "openai", "-t", "batch")
    assert (status, err) == (2, "error: 'dishes' is a task of your own: give its file again with --task-file\n")
    assert not Path("batch").exists()
    status, out, err = run("export", "out", "--as", "openai", "-t", "batch", "--model", "a-model", *own)
    assert (status, out) == (0, ""), err
    distinct = len({row["text"] for row in rows})
    assert err == (
        f"sentiment, stage 0: {distinct + ANCHORS} requests for {len(rows) + ANCHORS} rows, {ANCHORS} of them anchors\n"
        f"dishes, stage 0: 3 requests for {len(rows)} rows\n"
        "batch\n"
    )
    assert sorted(file.name for file in Path("batch").iterdir()) == ["requests-00000.jsonl", "rows.jsonl"]
    requests = {request["custom_id"]: request for request in lines("batch/requests-00000.jsonl")}
    assert len(requests) == distinct + ANCHORS + 3
    assert {(r["method"], r["url"], r["body"]["model"]) for r in requests.values()} == {
        ("POST", "/v1/chat/completions", "a-model")
    }
    texts = {row["review_id"]: " ".join(row["text"].split()) for row in rows}
    restaurants = {row["review_id"]: row["restaurant_id"] for row in rows}
    seen = []
    for row in lines("batch/rows.jsonl"):
        said = requests[row["custom_id"]]["body"]["messages"][-1]["content"]
        if row.get("anchor"):
            assert row["label"] in {"positive", "neutral", "negative"}
        elif row["task"] == "sentiment":
            assert said == f"Review: {texts[row['review_id']]}"
        else:
            assert f"- {texts[row['review_id']]}\n" in said
        if "review_id" in row:
            seen.append((row["task"], row["review_id"]))
            assert row["restaurant_id"] == restaurants[row["review_id"]]
    assert sorted(seen) == sorted((task, id_) for task in ("sentiment", "dishes") for id_ in texts)


def test_a_run_without_an_answer_has_asked_already(run, write_jsonl, reviews):
    Path("dishes.toml").write_text(TASK)
    own = ("--task-file", "dishes.toml")
    status, _, err = run("run", *own, "-i", write_jsonl(reviews()), "-o", "out", "--deadline", "0.01s", *SMALL)
    assert status == 4, err
    status, _, err = run("export", "out", "--as", "openai", "-t", "batch", *own)
    assert status == 0, err
    assert "dishes, stage 0: 3 requests for 12 rows\n" in err
    assert "dishes: 12 rows still waiting, and what a next stage asks is known once the one before is answered\n" in err
    assert lines("batch/requests-00000.jsonl")[0]["body"]["model"] == "gpt-4o-mini"


def test_results_become_a_dataset(run, write_jsonl, reviews):
    status, _, err = run("run", "sentiment", "-i", write_jsonl(reviews()), "-o", "out", "--format", "csv", *SMALL)
    assert status == 0, err
    status, out, err = run("export", "out", "--as", "dataset", "--to", "a/dataset")
    assert (status, out) == (0, "")
    assert err == "sentiment: 12 rows\nsentiment_by_restaurant: 3 rows\na/dataset\n"
    found = pl.read_parquet("a/dataset/data/sentiment.parquet")
    assert found["review_id"].to_list() == [f"r{n}" for n in range(12)]
    assert (found.schema["confidence"], found.schema["suspicious"]) == (pl.Float64, pl.Boolean)
    assert "data/sentiment_by_restaurant.parquet" in Path("a/dataset/README.md").read_text()

    again = ("export", "out", "--as", "dataset", "--to")
    assert run(*again, "a/dataset") == (1, "", "error: a/dataset is not empty: name a new folder\n")
    status, out, err = run(*again, "b", "--push", "somebody/reviews")
    assert (status, out) == (1, "")
    assert "error: cannot upload b to somebody/reviews: " in err
    assert "offline mode" in err
    assert sorted(file.name for file in Path().iterdir() if file.is_dir()) == ["a", "b", "out"]


def test_what_the_page_on_results_shows_works_as_far_as_it_is_installed(run, write_jsonl, opinions):
    path = write_jsonl(opinions(40))
    status, _, err = run(
        "run", "sentiment", "summary", "strengths", "--style", "quotes", "-i", path, "-o", "out", *SMALL
    )
    assert status == 0, err
    worked = 0
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        with suppress(ModuleNotFoundError):
            exec(block, {})
            worked += 1
    assert worked


def test_what_cannot_be_meant_is_one_line(run):
    to = ("-t", "x")
    assert run("export", "out", "--as", "openai", *to) == (1, "", "error: no run in out: it holds no run.sqlite\n")
    status, _, err = run("export", "out", "--as", "dataset", "--model", "a-model", *to)
    assert (status, err) == (2, "error: --model is the one that --as openai asks\n")
    status, _, err = run("export", "out", "--as", "openai", "--push", "a/b", *to)
    assert (status, err) == (2, "error: --push goes with --as dataset\n")
    status, _, err = run("export", "out", "--as", "spreadsheet", *to)
    assert status == 2
    assert "'openai', 'dataset'" in err
    assert not Path("x").exists()
