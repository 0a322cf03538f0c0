"""What cannot be done, in one clear line."""

import json
import re
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from cli import exit_status


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["run", "sentiment"], 2, "no input: give one with -i"),
        (["run", "mood", "-i", "r.jsonl"], 2, "no task 'mood': it is one of sentiment"),
        (["run", "-i", "r.jsonl"], 2, "no task: name one or more of sentiment, points, summary, strengths, query-expansion"),
        (["run", "sentiment", "query-expansion", "-i", "r.jsonl"], 2, "read different inputs: run each by itself"),
        (["run", "query-expansion", "-i", "r.jsonl"], 1, "r.jsonl has no column 'query'; it has: review_id"),
        (["run", "query-expansion", "-i", "r.jsonl", "--max-expansions", "11"], 1, "setting max_expansions: "),
        (["run", "--task-file", "none.toml", "-i", "r.jsonl"], 1, "--task-file none.toml cannot be read: "),
        (["run", "sentiment", "-i", "none.jsonl"], 1, "no such file or folder: none.jsonl"),
        (["run", "sentiment", "-i", "r.jsonl", "-o", ""], 1, "setting output: a folder expected, found nothing"),
        (["run", "summary", "-i", "r.jsonl", "--keep", "aspect"], 1, "--keep aspect: the results of points have a column"),
        (["run", "sentiment", "-i", "r.jsonl", "--column", "text=Review"], 1, "r.jsonl has no column 'Review'; it has: "),
        (["run", "sentiment", "-i", "r.jsonl", "--column", "txt=Review"], 1, "setting columns: no column 'txt'"),
        (["run", "sentiment", "-i", "r.jsonl", "--column", "text"], 1, "--column text: NAME=VALUE expected"),
        (["run", "sentiment", "-i", "r.jsonl", "--policy", "lifo"], 1, "setting policy: no such policy"),
        (["run", "sentiment", "-i", "r.jsonl", "--limit", "0"], 1, "setting limit: "),
        (["run", "sentiment", "-i", "r.jsonl", "--format", "xls"], 1, "setting format: "),
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
        (["compare", "sentiment", "-i", "r.jsonl", "-o", "empty.jsonl"], 1, "cannot write to empty.jsonl: it is a file"),
        (["compare", "sentiment", "-i", "r.jsonl", "-o", "x://a"], 1, "cannot get at x://a: "),
        (["report", "nowhere"], 1, "no run in nowhere"),
        (["run", "sentiment", "-i", "r.jsonl", "-o", "caf\udce9"], 1, "setting output: text in UTF-8 expected"),
        (["run", "sentiment", "-i", "r.jsonl", "--limit", "9" * 23], 1, "setting limit: a number of at most 18 digits"),
        (["run", "sentiment", "-i", "r.jsonl", "--limit", "9" * 5000], 2, "Invalid value for '--limit'"),
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


def test_an_input_that_lacks_a_column_costs_the_last_run_nothing(run, write_jsonl, reviews):
    good = write_jsonl(reviews(9), "good.jsonl")
    assert run("run", "sentiment", "-i", good, "--model", "tiny", "-o", "out")[0] == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file() and path.stat().st_size}
    bad = write_jsonl([{"review_id": str(n), "restaurant_id": "x"} for n in range(5000)], "bad.jsonl")
    for more in ([], ["--limit", "2"], ["--limit", "4500"]):
        status, _, err = run("run", "sentiment", "-i", good, "-i", bad, "--model", "tiny", "-o", "out", *more)
        assert (status, "bad.jsonl has no column 'text'; it has: review_id, restaurant_id" in err) == (1, True), err
        assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("toml", ["polcy = 'fifo'", "limit = 'many'", "= 3", "[engine]\nmax_model_len = -1"])
def test_a_mistake_in_the_settings_file_is_named(run, toml, write_jsonl, reviews):
    Path("reviewbatch.toml").write_text(toml)
    status, out, err = run("run", "sentiment", "-i", write_jsonl(reviews(3)))
    assert (status, out) == (1, "")
    assert err.startswith(("error: reviewbatch.toml: setting ", "error: reviewbatch.toml cannot be read"))
    assert len(err.splitlines()) == 1


def test_a_switch_that_is_neither_true_nor_false(run, write_jsonl, reviews):
    status, _, err = run("run", "sentiment", "-i", write_jsonl(reviews(3)), VLLM_USE_PRIORITY_QUEUE="maybe")
    assert status == 1
    assert "VLLM_USE_PRIORITY_QUEUE is 'maybe': true or false expected" in err


def test_an_output_that_cannot_be_written_is_one_clear_line(run, write_jsonl, reviews):
    status, _, err = run("run", "sentiment", "-i", write_jsonl(reviews(3)), "-o", "/dev/full/out", "--model", "tiny")
    assert status == 1
    assert err.startswith("error: cannot write to /dev/full/out")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("results", Path.touch),
        ("results/sentiment.parquet", Path.mkdir),
        ("rejects.jsonl", Path.mkdir),
        ("engine.log", Path.mkdir),
    ],
)
def test_what_cannot_be_written_is_noticed_before_any_work(run, write_jsonl, reviews, name, make):
    place = Path("out") / name
    place.parent.mkdir(parents=True)
    make(place)
    status, out, err = run("run", "sentiment", "-i", write_jsonl(reviews(3)), "--model", "tiny", "-o", "out")
    assert (status, out) == (1, "")
    assert re.fullmatch(f"error: cannot write (to )?out/{name}: it is a (file|folder), .* Remove it, or .*\n", err), err
    assert not Path("out/run.sqlite").exists()


def test_a_library_that_gives_up_is_no_bug_of_ours():
    said = exit_status.of_error(pl.exceptions.PanicException("LazyLock instance has previously been poisoned"))
    assert said == (exit_status.CANNOT, "error: not enough memory, or open files, to go on")


def test_a_column_is_not_kept_that_is_called_as_one_of_what_a_task_is_made_of(run, write_jsonl, reviews):
    path = write_jsonl([{**row, "label": "x"} for row in reviews(3)])
    command = ("run", "summary", "--style", "quotes", "-i", path, "--keep", "label", "--model", "tiny")
    said = "error: --keep label: the results of sentiment have a column of that name\n"
    assert run(*command) == (1, "", said)


def test_where_there_is_too_little_memory_it_is_said():
    for error in (MemoryError(), pa.ArrowMemoryError("malloc of size 4096 failed")):
        assert exit_status.of_error(error) == (exit_status.CANNOT, "error: not enough memory to go on")


ROWS = [{"review_id": str(n), "restaurant_id": "x", "text": f"Good noodles {n}."} for n in range(3)]


OF_NO_USE = [
    ("r.jsonl", "\n".join(map(json.dumps, ROWS)).encode("utf-16"), r"it is UTF-16, not UTF-8"),
    ("r.jsonl", "\n".join(map(repr, ROWS)).encode(), r"\(3 malformed-json\), .* row 1: .*Python's way to write a dict"),
    ("r.jsonl", b'{"restaurant_id": "x", "text": null}', r"\(1 no-text\), .* text is null"),
    ("r.jsonl", b'{"restaurant_id": true, "text": "t"}', r"\(1 no-restaurant-id\), .* restaurant_id is bool"),
    ("r.csv", "restaurant_id,text\n가게,맛있어요\n".encode("cp949"), r"\(1 invalid-utf8\), .*iconv -f CP949"),
    ("r.csv", b"PK\x03\x04 and so on", r"a zip archive or an Excel workbook"),
    ("r.json", b"[1, 2", r"\(3 malformed-json\), .*expected an object, found int"),
]  # fmt: skip


def test_an_input_without_a_row_of_use_is_one_line_with_the_cause_and_earlier_results_stay(run, write_jsonl, reviews):
    assert run("run", "sentiment", "-i", write_jsonl(reviews(9), "good.jsonl"), "--model", "tiny", "-o", "out")[0] == 0
    before = Path("out/results/sentiment.parquet").read_bytes()
    for name, content, cause in OF_NO_USE:
        Path(name).write_bytes(content)
        status, out, err = run("run", "sentiment", "-i", name, "--model", "tiny", "-o", "out", "--quiet")
        assert (status, out) == (1, "")
        assert re.fullmatch(f"error: .*{cause}.*\n", err), err
        assert Path("out/results/sentiment.parquet").read_bytes() == before
