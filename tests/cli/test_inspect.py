"""From an unknown file to a first result in two commands."""

import json
import shlex
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES = Path(__file__).parents[2] / "data-samples"


def test_the_command_that_is_shown_runs(run):
    places = [
        {
            "title": f"Place {n}",
            "reviews": [
                {"content": f"Lovely food, visit {i}.", "score": "4/5", "on": f"2024. {i + 1}. 3."} for i in range(9)
            ],
        }
        for n in range(2)
    ]
    Path("places.json").write_text(json.dumps(places, indent=1))
    status, out, err = run("inspect", "places.json")
    assert status == 0, err
    assert "columns of the reviews in the lists 'reviews'" in err
    assert "'on' says when each review is of: it is kept" in err
    program, *arguments = shlex.split(out)
    assert program == "reviewbatch"
    status, _, err = run("plan", *arguments[1:], "--model", "tiny")
    assert status == 0, err
    status, _, err = run(*arguments, "--model", "tiny")
    assert status == 0, err
    found = pl.read_parquet("out/results/sentiment.parquet")
    assert found["restaurant_id"].to_list() == ["Place 0"] * 9 + ["Place 1"] * 9
    assert found["review_id"][0] == "places.json:1.1"
    assert found["on"][0] == "2024. 1. 3."
    assert "note: places.json has no review_id" in err
    assert "ratings are on a scale of 1-5; 0 rows without one" in err


def test_what_is_seen_is_data_too(run, write_jsonl, reviews):
    path = write_jsonl(reviews(9))
    status, out, err = run("inspect", path, "--json", "--quiet")
    assert (status, err) == (0, "")
    assert json.loads(out)["command"] == f"reviewbatch run sentiment -i {path} -o out"
    status, out, err = run("inspect", path, "--json")
    assert json.loads(out)["command"] in err, "the command is told, and stdout is one line of JSON"
    status, out, err = run("inspect", "nowhere.json")
    assert (status, out) == (1, "")
    assert err == "error: no such file or folder: nowhere.json\n"


def test_restaurants_that_are_alike_are_counted_as_people_would(run, write_jsonl):
    rows = [{"review_id": f"r{n}", "restaurant_id": "ab"[n % 2], "text": f"the soup was number {n}"} for n in range(8)]
    _, _, err = run("inspect", write_jsonl(rows))
    assert "2 restaurants with 4 reviews each; the largest: a 4, b 4" in err
    _, _, err = run("inspect", write_jsonl(rows[::2]))
    assert "1 restaurant with 4 reviews; the largest: a 4" in err


def test_two_columns_of_one_name_are_refused_as_a_run_refuses_them(run):
    twins = pa.table([["a", "b"], ["good", "bad"], ["x", "y"]], names=["review_id", "text", "text"])
    pq.write_table(twins, "twins.parquet")
    status, out, err = run("inspect", "twins.parquet")
    assert (status, out, err) == (1, "", "error: twins.parquet has more than one column 'text'\n")


def test_two_columns_of_one_name_that_nobody_needs_are_no_matter(run):
    columns = [["a", "b"], ["good", "bad"], ["x", "y"], ["x", "y"]]
    pq.write_table(pa.table(columns, names=["review_id", "text", "more", "more"]), "twins.parquet")
    status, out, err = run("inspect", "twins.parquet", "--json", "--quiet")
    assert (status, json.loads(out)["usable"]) == (0, 2), err


def test_no_column_is_squeezed_on_a_usual_terminal(run):
    status, _, err = run("inspect", SAMPLES / "export.csv", COLUMNS="80")
    assert status == 0, err
    assert "│ Restaurant │ text  │ 202 │ restaurant_id │ rolling-radish" in err
