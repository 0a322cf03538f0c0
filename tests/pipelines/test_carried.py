"""Columns of the input beside the answers, and the formats that results are written in."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.corpus.reading import Reading
from pipelines.errors import CorpusError


def keeping(*names, **how):
    return Reading(keep=names, **how)


def test_columns_of_any_type_are_written_beside_the_answers_as_they_came(go, tmp_path, reviews, fake_engine, results):
    kept = {
        "when": [datetime(2026, 1, n + 1, tzinfo=UTC) for n in range(9)],
        "price": [Decimal(f"{n}.50") for n in range(9)],
        "tags": [["a"] * n for n in range(9)],
        "author": [{"name": f"diner {n}", "age": n} for n in range(9)],
        "none": [None] * 9,
        "raw": [bytes([n]) for n in range(9)],
    }
    rows = pa.Table.from_pylist(reviews(9))
    for name, values in kept.items():
        rows = rows.append_column(name, pa.array(values))
    pq.write_table(rows, tmp_path / "rows.parquet")
    go(tmp_path / "rows.parquet", fake_engine, reading=keeping(*kept, "author.name"))
    found = results().to_dict(as_series=False)
    assert {name: found[name] for name in kept} == kept
    assert found["author.name"] == [f"diner {n}" for n in range(9)]
    assert found["label"]
    assert results("sentiment_by_restaurant").columns[-1] != "raw"


def test_each_row_has_its_own_whatever_was_rejected_between_and_however_many_chunks_there_are(
    go, write_jsonl, reviews, fake_engine, results, monkeypatch
):
    monkeypatch.setattr("pipelines.corpus.reader.CHUNK", 4)
    monkeypatch.setattr("pipelines.output.results.ROWS", 3)
    rows = [{**row, "n": n} for n, row in enumerate(reviews(30))]
    rows[5]["text"] = rows[16]["text"] = None
    rows[20]["review_id"] = rows[2]["review_id"]
    go(write_jsonl(rows), fake_engine, reading=keeping("n"))
    assert dict(results().select("review_id", "n").iter_rows()) == {
        row["review_id"]: n for n, row in enumerate(rows) if n not in {5, 16, 20}
    }


def test_a_column_of_several_types_is_text(go, write_jsonl, reviews, fake_engine, results, monkeypatch):
    monkeypatch.setattr("pipelines.corpus.reader.CHUNK", 2)
    values = [1, 2, "three", None, 4.5, {"five": 5}, 6, 7]
    rows = [{**row, "n": value} for row, value in zip(reviews(8), values, strict=True)]
    go(write_jsonl(rows), fake_engine, reading=keeping("n"))
    assert results()["n"].to_list() == ["1", "2", "three", None, "4.5", '{"five": 5}', "6", "7"]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([1, 2, 3.5, None], [1.0, 2.0, 3.5, None]),
        ([2**60 + 1, 2, 3.5, 4], ["1152921504606846977", "2", "3.5", "4.0"]),
        (
            [{"n": 2**60 + 1}, {"n": 2}, {"n": 3.5}, None],
            ['{"n": 1152921504606846977}', '{"n": 2}', '{"n": 3.5}', None],
        ),
        ([{}, {}, {}, None], ["{}", "{}", "{}", None]),
        ([{"a": {}}, {"a": {}}, {"a": {}}, None], ['{"a": {}}', '{"a": {}}', '{"a": {}}', None]),
    ],
)
def test_a_column_is_text_where_no_type_holds_all_that_chunks_have(
    go, write_jsonl, reviews, fake_engine, results, monkeypatch, values, written
):
    monkeypatch.setattr("pipelines.corpus.reader.CHUNK", 2)
    rows = [{**row, "kept": value} for row, value in zip(reviews(4), values, strict=True)]
    for kind in ("jsonl", "csv", "parquet"):
        go(write_jsonl(rows), fake_engine, reading=keeping("kept"), format=kind)
    assert results()["kept"].to_list() == written


def test_a_column_that_is_not_there_cannot_be_kept(go, write_jsonl, reviews, fake_engine):
    with pytest.raises(CorpusError, match="has no column 'author'; it has: review_id, .*Keep one of these"):
        go(write_jsonl(reviews(3)), fake_engine, reading=keeping("author"))


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_the_other_formats_have_what_parquet_has(go, tmp_path, write_jsonl, reviews, fake_engine, results, kind):
    rows = [{**row, "tags": ["a", "b"], "note": 'line\nand "quote", 맛있어요'} for row in reviews(9)]
    go(write_jsonl(rows), fake_engine, reading=keeping("tags", "note"))
    parquet = results()
    go(write_jsonl(rows), fake_engine, reading=keeping("tags", "note"), format=kind)
    files = sorted(file.name for file in (tmp_path / "out" / "results").iterdir())
    assert files == [f"sentiment.{kind}", f"sentiment_by_restaurant.{kind}"]
    path = tmp_path / "out" / "results" / f"sentiment.{kind}"
    found = pl.read_csv(path) if kind == "csv" else pl.read_ndjson(path)
    assert found["note"].to_list() == parquet["note"].to_list()
    assert found["label"].to_list() == parquet["label"].to_list()
    tags = found["tags"].to_list()
    assert [json.loads(tag) for tag in tags] if kind == "csv" else tags == parquet["tags"].to_list()


KINDS = {
    "bytes": pa.array([b"\x00\xff", None, b"a"]),
    "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "within": pa.array([[b"a"], None, []]),
    "object": pa.array([{"binary": "a", "x": b"a"}, None, {"binary": "b", "x": b""}]),
    "took": pa.array([timedelta(seconds=90), None, timedelta(days=2)]),
    "day": pa.array([date(2026, 1, 1), None, date(2026, 1, 2)]),
    "hour": pa.array([time(1, 2), None, time(3)]),
    "price": pa.array([Decimal("1.50"), None, Decimal("2.25")]),
    "nothing": pa.nulls(3),
    "endless": pa.array([Decimal("1.5"), None, Decimal(2)], pa.decimal256(60, 2)),
    "great": pa.array([2**63, None, 1], pa.uint64()),
    "sure": pa.array([True, None, False]),
    "kind": pa.array(["a", None, "b"]).dictionary_encode(),
    "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_whatever_a_column_holds_has_a_form_in_every_format(go, tmp_path, reviews, fake_engine, kind, name):
    rows = pa.Table.from_pylist(reviews(3)).append_column(name, KINDS[name])
    pq.write_table(rows, tmp_path / "rows.parquet")
    go(tmp_path / "rows.parquet", fake_engine, reading=keeping(name), format=kind)
    path = tmp_path / "out" / "results" / f"sentiment.{kind}"
    read = {"parquet": pl.read_parquet, "jsonl": pl.read_ndjson, "csv": pl.read_csv}[kind](path)
    told = [value is not None for value in read[name]]
    assert told == ([False] * 3 if name == "nothing" else [True, False, True])


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_bytes_that_are_text_are_written_as_it(go, tmp_path, reviews, fake_engine, kind):
    """As older writers of Parquet have their strings."""
    rows = pa.Table.from_pylist(reviews(3)).append_column("city", pa.array(["서울".encode(), b"Ulm", b"\xff\x00"]))
    pq.write_table(rows, tmp_path / "rows.parquet")
    go(tmp_path / "rows.parquet", fake_engine, reading=keeping("city"), format=kind)
    path = tmp_path / "out" / "results" / f"sentiment.{kind}"
    found = pl.read_csv(path) if kind == "csv" else pl.read_ndjson(path)
    assert found["city"].to_list() == ["서울", "Ulm", "ff00"]


def test_a_table_without_rows_has_its_columns_in_csv_too(go, tmp_path, write_jsonl, fake_engine):
    class Babbling(fake_engine):
        def says(self, request):
            return "nothing of use"

    report, _ = go(write_jsonl([{"query_id": "q", "query": "noodles"}]), Babbling, "query-expansion", format="csv")
    assert report["rows"]["rejected"] == 1
    assert (tmp_path / "out" / "results" / "query-expansion.csv").read_text().startswith("query_id,")
