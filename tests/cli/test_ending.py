"""What a person sees when a run has ended."""

from pathlib import Path

import pytest
from rich.cells import cell_len

from cli.durations import lasted

SAMPLES = str(Path(__file__).parents[2] / "data-samples" / "reviews.parquet")


def test_a_run_ends_with_answers_to_read_the_page_and_what_to_type_next(run):
    status, _, err = run("run", "sentiment", "-i", SAMPLES, "--limit", "60", "--model", "tiny", COLUMNS="80")
    assert status == 0, err
    lines = [line.rstrip() for line in err.splitlines()]
    assert max(map(cell_len, lines)) <= 80
    assert Path(next(line for line in lines if line.startswith("look at")).split()[-1]).exists()
    assert lines[-1].split()[0] == "next"
    assert lines[-1].endswith("reviewbatch report out")
    read = [line for line in lines if line.startswith((" positive 0.", " neutral 0.", " negative 0."))]
    assert 1 <= len(read) <= 3
    assert all(len(line.split()) >= 6 for line in read)
    assert "60 rows = 60 answered" in lines
    assert "\x1b" not in err


def test_a_name_has_the_room_that_its_script_takes(run, write_jsonl, reviews):
    rows = [{**review, "restaurant_id": "강남면옥"} for review in reviews(5)]
    status, _, err = run("run", "sentiment", "-i", write_jsonl(rows), "--model", "tiny", COLUMNS="80")
    assert status == 0, err
    assert "강남면옥" in err


def test_what_was_rejected_is_said_with_where_it_is(run, write_jsonl, reviews):
    rows = [*reviews(5), {"review_id": "z", "restaurant_id": "x", "text": None}]
    status, _, err = run("run", "sentiment", "-i", write_jsonl(rows), "--model", "tiny", "--format", "csv")
    assert status == 0, err
    assert "6 rows = 5 answered + 1 rejected\nrejects: no-text 1\n" in err
    assert "rejects  out/rejects.jsonl" in err
    assert "answers  out/results: sentiment.csv, sentiment_by_restaurant.csv" in err


def test_every_kind_of_answer_can_be_read(run):
    arguments = ["-i", SAMPLES, "--limit", "30", "--model", "tiny"]
    for kind in ("parquet", "jsonl", "csv"):
        status, _, err = run("run", "sentiment", "summary", "strengths", *arguments, "--format", kind, COLUMNS="80")
        assert status == 0, err
        assert "summary: " in err
        assert max(map(cell_len, err.splitlines())) <= 80


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "never"), (0.0123, "12 ms"), (0.9996, "1,000 ms"), (2.34, "2.3 s"), (59.6, "1 min 0 s"), (725, "12 min 5 s"),
     (7260, "2 h 1 min"), (360_000, "100 h 0 min")],
)  # fmt: skip
def test_a_duration_is_said_in_the_units_of_people(seconds, said):
    assert lasted(seconds) == said
