import csv
import itertools
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from pipelines.corpus.reading import Reading
from pipelines.corpus.sources import find
from pipelines.errors import CorpusError
from pipelines.inspection import inspect

LOOKS = Reading()  # as it looks
SAMPLES = Path(__file__).parents[2] / "data-samples"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def seen(tmp_path, *paths, reading=LOOKS, limit=None):
    return inspect(paths, find(paths, output=tmp_path / "out"), reading, limit, emit=lambda _: None)


def command(seen):
    """Return the options of the command, each with its values."""
    words = shlex.split(seen["command"])
    return {(name, value) for name, value in itertools.pairwise(words) if name.startswith("-")}


def texts(n):
    return [f"The noodles were lovely and the service was number {i} of all." for i in range(n)]


def test_a_table_without_ids_and_with_names_of_its_own(tmp_path):
    with (tmp_path / "t.csv").open("w", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["", "Restaurant Name", "Review Title", "Review", "Rating", "City"])
        rows.writerows(
            [i, f"Cafe {i % 3}", "Fine", text, f"{i % 5 + 1} of 5", "Bonn"] for i, text in enumerate(texts(30))
        )
    found = seen(tmp_path, "t.csv")
    assert {column["name"]: column["is"] for column in found["columns"]} == {
        "": None, "Restaurant Name": "restaurant_id", "Review Title": None, "Review": "text", "Rating": "rating",
        "City": "city",
    }  # fmt: skip
    assert command(found) == {
        ("-i", "t.csv"), ("-o", "out"), ("--column", "text=Review"), ("--column", "rating=Rating"),
        ("--column", "restaurant_id=Restaurant Name"), ("--column", "city=City"),
    }  # fmt: skip
    assert found["files"] == {"count": 1, "formats": {"CSV": 1}}
    assert (found["rows"], found["usable"]) == (30, 30)
    assert found["restaurants"]["largest"] == {"Cafe 0": 10, "Cafe 1": 10, "Cafe 2": 10}
    assert found["ratings"] == {
        "scale": "1-5",
        "rows_with": 30,
        "rows_without": 0,
        "counts": dict.fromkeys([1.0, 2.0, 3.0, 4.0, 5.0], 6),
    }


@pytest.mark.parametrize(("twice", "is_id"), [(1, True), (2, True), (3, False)])
def test_ids_are_taken_for_ids_where_a_few_rows_are_there_twice(tmp_path, twice, is_id):
    rows = [{"id": n, "place": f"Cafe {n % 3}", "text": text} for n, text in enumerate(texts(200))]
    rows[-twice:] = rows[:twice]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = seen(tmp_path, "r.jsonl")
    assert (("--column", "review_id=id") in command(found)) == is_id
    assert found["rejects_by_reason"] == ({"duplicate-id": twice} if is_id else {})


@pytest.mark.parametrize("reading", [LOOKS, Reading(restaurant="우리집")])
def test_queries_are_queries(tmp_path, reading):
    shutil.copy(SAMPLES / "queries.jsonl", tmp_path)
    found = seen(tmp_path, "queries.jsonl", reading=reading)
    assert (found["rows_are"], found["usable"], found["assumed"]) == ("queries", 41, None)
    assert found["command"].startswith("reviewbatch run query-expansion -i queries.jsonl -o out")
    mine = Reading(columns={"text": "query"})
    assert seen(tmp_path, "queries.jsonl", reading=mine)["rows_are"] == "reviews"
    both = {"query_id": "q", "query": "soup", "text": texts(1)[0], "restaurant_id": "x"}
    (tmp_path / "both.jsonl").write_text(json.dumps(both))
    assert seen(tmp_path, "both.jsonl")["rows_are"] == "reviews"


def test_what_restaurant_somebody_says_it_is_takes_no_column(tmp_path):
    rows = [{"store": f"가게 {n % 3}", "text": text} for n, text in enumerate(texts(30))]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = seen(tmp_path, "r.jsonl", reading=Reading(restaurant="우리집", lang="ko"))
    assert command(found) == {("-i", "r.jsonl"), ("-o", "out"), ("--restaurant", "우리집"), ("--lang", "ko")}
    assert found["assumed"] is None
    assert found["languages"] == {"ko": 30}
    assert seen(tmp_path, "r.jsonl")["assumed"] is None


def test_places_with_their_reviews(tmp_path):
    places = [
        {
            "name": f"Place {n}",
            "stars": 4.4,
            "reviews": [{"name": "Ann", "snippet": text, "stars": 5} for text in texts(12)],
        }
        for n in range(3)
    ]
    (tmp_path / "places.json").write_text(json.dumps(places, indent=1))
    found = seen(tmp_path, "places.json")
    assert command(found) >= {
        ("--each", "reviews"), ("--column", "text=snippet"), ("--column", "restaurant_id=..name"), ("--column", "rating=stars"),
    }  # fmt: skip
    assert found["restaurants"]["count"] == 3
    assert found["ratings"]["counts"] == {5.0: 36}


def test_a_file_a_restaurant(tmp_path):
    (tmp_path / "maps").mkdir()
    for n in range(3):
        rows = [{"name": f"Diner {i % 4}", "text": text, "reviewId": f"{n}-{i}"} for i, text in enumerate(texts(10))]
        (tmp_path / "maps" / f"Place {n}.json").write_text(json.dumps(rows))
    (tmp_path / "maps" / "readme.txt").write_text("of 2024")
    found = seen(tmp_path, "maps")
    assert ("--restaurant-from", "file") in command(found)
    assert found["restaurants"]["largest"] == {"Place 0": 10, "Place 1": 10, "Place 2": 10}
    assert found["passed_over"] == {"files": 1, "first": ["maps/readme.txt"]}


def test_one_file_of_one_restaurant(tmp_path):
    (tmp_path / "Casa Lola.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts(30)))
    assert ("--restaurant", "Casa Lola") in command(seen(tmp_path, "Casa Lola.jsonl"))


def test_what_would_be_rejected_and_in_which_languages_reviews_are(tmp_path):
    rows = [{"review_id": str(i % 9), "restaurant_id": "x", "text": text} for i, text in enumerate(texts(10))]
    rows += [
        {"review_id": "k", "restaurant_id": "y", "text": "국물이 진하고 맛있어요."},
        {"review_id": "n", "restaurant_id": "y", "text": "nan"},
    ]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    found = seen(tmp_path, "r.jsonl")
    assert (found["rows"], found["usable"]) == (13, 10)
    assert found["rejects_by_reason"] == {"duplicate-id": 1, "no-text": 1, "malformed-json": 1}
    assert [(reject["row"], reject["reason"]) for reject in found["rejects"]] == [
        (12, "no-text"),
        (13, "malformed-json"),
    ]
    assert found["languages"] == {"en": 9, "ko": 1}
    assert found["characters"]["50"] == 1
    assert found["characters"]["100"] == 9


def test_what_somebody_says_comes_before_what_it_looks_like(tmp_path):
    rows = [{"id": i, "place": "p", "title": "Bad", "body": text} for i, text in enumerate(texts(30))]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = seen(tmp_path, "r.jsonl", reading=Reading(columns={"text": "title"}, restaurant="Lola"))
    assert command(found) >= {("--column", "text=title"), ("--restaurant", "Lola")}
    assert found["characters"]["50"] == 30


def test_nothing_that_looks_like_a_text_has_no_command(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"n": 1}\n{"n": 2}\n')
    found = seen(tmp_path, "r.jsonl")
    assert (found["missing"], found["command"]) == (["text"], None)


def test_files_without_records_are_said_to_be(tmp_path):
    (tmp_path / "r.jsonl").write_text("\n")
    with pytest.raises(CorpusError, match=r"^no records in r\.jsonl: the files are empty$"):
        seen(tmp_path, "r.jsonl")
    (tmp_path / "r.jsonl").write_text("{'text': 'a'}\n")
    with pytest.raises(CorpusError, match=r"^no records in r\.jsonl: r\.jsonl row 1: malformed-json, .*Python's way"):
        seen(tmp_path, "r.jsonl")


def lines(tmp_path, *rows):
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return seen(tmp_path, "r.jsonl")


def test_who_wrote_a_review_and_what_is_its_title_are_no_restaurant(tmp_path):
    rows = [
        {
            "text": text,
            "title": "Five stars",
            "review_name": "n",
            "reviewer": {"displayName": "A user"},
            "asin": f"B{i % 3}",
        }
        for i, text in enumerate(texts(30))
    ]
    assert ("--column", "restaurant_id=asin") in command(lines(tmp_path, *rows))
    for row in rows:
        del row["asin"]
    found = lines(tmp_path, *rows)
    assert ("--restaurant", "r") in command(found)
    assert found["assumed"] == {"restaurant": "r", "perhaps": ["title", "review_name", "reviewer.displayName"]}


def test_a_mean_is_no_rating_of_a_review(tmp_path):
    rows = [
        {"text": text, "store": f"s{i % 3}", "totalScore": 4.4, "rating": 4.4, "review_rating": i % 5 + 1}
        for i, text in enumerate(texts(30))
    ]
    assert ("--column", "rating=review_rating") in command(lines(tmp_path, *rows))


def test_a_column_that_is_called_as_ours_is_ours_whatever_it_holds(tmp_path):
    rows = [{"text": text, "restaurant_id": None if i % 3 else f"r{i}"} for i, text in enumerate(texts(30))]
    found = lines(tmp_path, *rows)
    assert found["assumed"] is None
    assert found["rejects_by_reason"] == {"no-restaurant-id": 20}


def dated(tmp_path, **columns):
    """Return the inspection of reviews that have such columns, each made of a number."""
    rows = [
        {"place": f"p{i % 3}", "body": text} | {name: of(i) for name, of in columns.items()}
        for i, text in enumerate(texts(30))
    ]
    return lines(tmp_path, *rows)


@pytest.mark.parametrize(
    ("columns", "kept"),
    [
        ({"date": lambda i: f"2024-05-{i + 1:02}"}, "date"),
        ({"visit no. 1": lambda i: f"2024/{i % 12 + 1}/3"}, "visit no. 1"),
        ({"createTime": lambda i: 1_700_000_000 + i}, "createTime"),
        ({"crawled_at": lambda i: f"2025-05-{i + 1:02}", "when": lambda i: f"2024. 5. {i + 1}."}, "when"),
        ({"opened": lambda i: "2001-01-01", "review_date": lambda i: f"5/{i + 1}/2024"}, "review_date"),
        ({"place_date": lambda i: f"2024-05-{i % 9 + 1:02}"}, "place_date"),
    ],
)
def test_the_likeliest_column_of_dates_is_kept(tmp_path, columns, kept):
    found = dated(tmp_path, **columns)
    assert found["date"] == kept
    assert {value for name, value in command(found) if name == "--keep"} == {kept}
    assert {column["name"] for column in found["columns"] if column["is"] == "date"} == {kept}
    assert ("--column", "restaurant_id=place") in command(found), "a date is no restaurant"


@pytest.mark.parametrize(
    "columns",
    [
        {"rating": lambda i: 20},
        {"number": lambda i: 20240503 + i},
        {"date": lambda i: "2 weeks ago"},
        {"deadline": lambda i: "2030-05-03"},
        {"user": lambda i: {"since": "2012-05-03"}},
        {"note": lambda i: "2024-05-03" if i else None},
    ],
)
def test_what_is_of_no_date_or_of_another_is_not_kept(tmp_path, columns):
    found = dated(tmp_path, **columns)
    assert found["date"] is None
    assert "--keep" not in found["command"]


def test_dates_are_those_of_reviews_and_of_all_files(tmp_path):
    places = [
        {
            "name": f"Place {n}",
            "date": "2001-01-01",
            "reviews": [{"snippet": text, "on": "2024-05-03"} for text in texts(9)],
        }
        for n in range(3)
    ]
    (tmp_path / "places.json").write_text(json.dumps(places))
    assert seen(tmp_path, "places.json")["date"] == "on"
    for n, more in enumerate([{"date": "2024-05-03"}, {"date": "2024-05-04"}, {}]):
        rows = [{"body": text, **more} for text in texts(9)]
        (tmp_path / f"Place {n}.json").write_text(json.dumps(rows))
    assert seen(tmp_path, "Place 0.json", "Place 1.json")["date"] == "date"
    assert seen(tmp_path, "Place 0.json", "Place 2.json")["date"] is None, "a run would refuse the second"


def test_a_few_records_with_lists_among_others_do_not_make_them_lists(tmp_path):
    rows = [
        {"text": text, "business_id": "b", "reviews": [{"text": text}] if i < 9 else None}
        for i, text in enumerate(texts(30))
    ]
    assert lines(tmp_path, *rows)["each"] is None


def test_objects_by_names_of_theirs_are_refused(tmp_path):
    for held in ({str(i): {"text": text} for i, text in enumerate(texts(9))}, {"text": dict(enumerate(texts(9)))}):
        (tmp_path / "r.json").write_text(json.dumps(held))
        with pytest.raises(CorpusError, match="9 others by names of theirs: write them as a list"):
            seen(tmp_path, "r.json")


def test_shards_are_called_after_no_restaurant(tmp_path):
    (tmp_path / "d").mkdir()
    for n in range(2):
        rows = "".join(json.dumps({"text": text}) + "\n" for text in texts(30))
        (tmp_path / "d" / f"train-0000{n}-of-00002.jsonl").write_text(rows)
    found = seen(tmp_path, "d")
    assert (found["missing"], found["command"]) == (["restaurant_id"], None)


def test_what_comes_through_a_pipe_is_not_inspected(tmp_path):
    with pytest.raises(CorpusError, match="write it to a file"):
        seen(tmp_path, "-")


@pytest.mark.parametrize("name", ["reviews.jsonl", "reviews.parquet", "export.csv", "places.json"])
def test_the_samples_hold_the_same_reviews_in_every_format(tmp_path, name):
    found = seen(tmp_path, str(SAMPLES / name))
    assert (found["usable"], found["rejects"]) == (202, [])
    assert (found["restaurants"]["count"], found["languages"]) == (12, {"en": 177, "ko": 25})
    assert found["ratings"]["scale"] == "1-5"
    assert found["ratings"]["counts"][5.0] == 73


def test_what_nobody_calls_a_text_has_to_be_as_long_as_one(tmp_path):
    found = lines(tmp_path, *({"code": f"A{i}", "n": i} for i in range(30)))
    assert "text" in found["missing"]
    assert ("--column", "text=code") in command(lines(tmp_path, *({"code": text, "place": "p"} for text in texts(30))))


def test_other_lists_are_named(tmp_path):
    (tmp_path / "r.json").write_text(
        json.dumps({"train": [{"text": t} for t in texts(9)], "test": [{"text": t} for t in texts(4)]})
    )
    found = seen(tmp_path, "r.json")
    assert (found["each"], found["other_lists"]) == ("train", ["test"])


def test_one_record_is_enough(tmp_path):
    found = lines(tmp_path, {"text": texts(1)[0], "restaurant_id": 7, "n": 5, "ok": True})
    assert (found["rows"], found["usable"], found["restaurants"]["count"]) == (1, 1, 1)


def test_every_field_is_described(tmp_path):
    page = (SAMPLES.parent / "docs" / "input.md").read_text().partition("| field | meaning |")[2].partition("\n\n")[0]
    named = [name for row in page.splitlines()[2:] for name in re.findall("`([a-z_]+)`", row.split("|")[1])]
    assert named == list(dict.fromkeys(named))
    assert set(named) == seen(tmp_path, str(SAMPLES / "reviews.jsonl")).keys()


def test_what_is_a_list_here_and_a_number_there_does_not_get_in_the_way(tmp_path):
    places = [
        {"place": f"Cafe {n}", "reviews": [{"text": text} for text in texts(4)], "id": n or [{"text": "no id"}]}
        for n in range(9)
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, places)))
    found = seen(tmp_path, "p.jsonl")
    assert (found["each"], found["rows"], found["usable"]) == ("reviews", 36, 36)
    assert found["other_lists"] == ["id"]
