import gzip
import io
import json
import os
import threading
from datetime import UTC, datetime
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.corpus import reader
from pipelines.corpus.reading import Reading
from pipelines.corpus.row import Reject, Row
from pipelines.corpus.sources import Source
from pipelines.errors import CorpusError

GOOD = {"review_id": "a", "restaurant_id": "x", "text": "Fine."}


def read(*paths, limit=None, emit=lambda _: None, columns=MappingProxyType({}), **how):
    files, reading = [Source(str(path)) for path in paths], Reading(columns=columns, **how)
    reader.check(files, reading, limit)
    return [row for chunk in reader.read(files, reading, limit, emit) for row in chunk]


def lines(tmp_path, *raw: bytes):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(raw))
    return path


def test_reads_jsonl_and_parquet_alike(tmp_path, write_jsonl):
    rows = [GOOD, {**GOOD, "review_id": "b", "text": "맛있어요 🙂"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    for path in (write_jsonl(rows), tmp_path / "rows.parquet"):
        assert read(path) == [
            Row(id="a", unit="x", text="Fine.", source=str(path), row=1),
            Row(id="b", unit="x", text="맛있어요 🙂", source=str(path), row=2),
        ]


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.ndjson.zst"])
def test_reads_packed_jsonl(tmp_path, name):
    line = (json.dumps(GOOD) + "\n").encode()
    with pa.CompressedOutputStream(str(tmp_path / name), "gzip" if name.endswith("gz") else "zstd") as file:
        file.write(line * 3)
    assert len(read(tmp_path / name)) == 3


def test_the_case_of_a_name_does_not_matter(tmp_path):
    (tmp_path / "ROWS.JSONL.GZ").write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    assert read(tmp_path / "ROWS.JSONL.GZ")[0].text == "Fine."


def test_a_file_name_that_is_no_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/x\xff.jsonl"
    with open(path, "wb") as file:
        file.write(json.dumps(GOOD).encode())
    (row,) = read(os.fsdecode(path))
    assert row.source.endswith("x\\xff.jsonl")
    row.source.encode()


def test_reads_every_member_of_a_gzip_file(tmp_path):
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(json.dumps(GOOD).encode() + b"\n") * 2)
    assert len(read(tmp_path / "rows.jsonl.gz")) == 2


def test_reads_stdin(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(json.dumps(GOOD).encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    assert read("-") == [Row(id="a", unit="x", text="Fine.", source="-", row=1)]


def test_a_line_may_be_longer_than_a_block_and_the_last_needs_no_newline(tmp_path):
    long = {**GOOD, "text": "long " * 700_000}
    rows = read(lines(tmp_path, json.dumps(GOOD).encode(), json.dumps(long).encode(), json.dumps(GOOD).encode()))
    assert [len(row.text) for row in rows] == [5, 3_500_000, 5]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"review_id": "a", "restaurant_id": "x", "te', "malformed-json"),
        (b"[1, 2]", "malformed-json"),
        (b'"text"', "malformed-json"),
        (b"[" * 100_000, "malformed-json"),
        (b'{"review_id": ' + b"1" * 5000 + b"}", "malformed-json"),
        (b'{"review_id": "a", "restaurant_id": "x", "text": "\xff\xfe"}', "invalid-utf8"),
        (b'{"review_id": "a", "restaurant_id": "x", "text": "\\ud83d"}', "invalid-utf8"),
        (b'{"review_id": "\\udead", "restaurant_id": "x", "text": "t"}', "invalid-utf8"),
        (b'{"review_id": "a", "restaurant_id": "x", "text": null}', "no-text"),
        (b'{"review_id": "a", "restaurant_id": "x"}', "no-text"),
        (b'{"review_id": "a", "restaurant_id": "x", "text": " \\n\\t\\u3000"}', "no-text"),
        (b'{"review_id": "a", "restaurant_id": "x", "text": 5}', "text-not-a-string"),
        (b'{"review_id": "a", "restaurant_id": "x", "text": ["t"]}', "text-not-a-string"),
        (b'{"review_id": null, "restaurant_id": "x", "text": "t"}', "no-review-id"),
        (b'{"review_id": "", "restaurant_id": "x", "text": "t"}', "no-review-id"),
        (b'{"review_id": true, "restaurant_id": "x", "text": "t"}', "no-review-id"),
        (b'{"review_id": 1.5, "restaurant_id": "x", "text": "t"}', "no-review-id"),
        (b'{"review_id": "a", "restaurant_id": {}, "text": "t"}', "no-restaurant-id"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_and_the_others_go_on(tmp_path, line, reason):
    good = json.dumps(GOOD).encode()
    first, bad, last = read(lines(tmp_path, good, line, b"", good))
    assert isinstance(first, Row)
    assert isinstance(bad, Reject)
    assert (bad.reason, bad.row) == (reason, 2)
    assert last.row == 4


def test_numbers_serve_as_ids(write_jsonl):
    (row,) = read(write_jsonl([{"review_id": 12, "restaurant_id": 3.0, "text": "t"}]))
    assert (row.id, row.unit) == ("12", "3")


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path):
    assert read(lines(tmp_path, b"\xef\xbb\xbf" + json.dumps(GOOD).encode()))[0].id == "a"


def test_one_bad_string_in_a_parquet_file_costs_one_row(tmp_path):
    binary = pa.array([b"fine", b"\xff\xfe", None], pa.binary())
    table = pa.table({"review_id": ["a", "b", "c"], "restaurant_id": ["x"] * 3, "text": binary})
    pq.write_table(table, tmp_path / "bytes.parquet")
    # The same bytes, declared to be text: Parquet does not check.
    text = pa.StringArray.from_buffers(3, binary.buffers()[1], binary.buffers()[2], binary.buffers()[0])
    pq.write_table(table.set_column(2, "text", text), tmp_path / "text.parquet")
    for name in ("bytes.parquet", "text.parquet"):
        good, bad, null = read(tmp_path / name)
        assert good.text == "fine"
        assert (bad.reason, bad.row, bad.id) == ("invalid-utf8", 2, "b")
        assert null.reason == "no-text"


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_parquet_text_of_any_kind(tmp_path, kind):
    pq.write_table(
        pa.table({"review_id": ["a"], "restaurant_id": ["x"], "text": pa.array(["t"]).cast(kind)}),
        tmp_path / "t.parquet",
    )
    assert read(tmp_path / "t.parquet")[0].text == "t"


def test_columns_may_have_other_names(write_jsonl):
    path = write_jsonl([{"Id": "a", "Place": "x", "Review.Text": "t"}])
    (row,) = read(path, columns={"review_id": "Id", "restaurant_id": "Place", "text": "Review.Text"})
    assert row.text == "t"


def test_a_missing_column_is_named_with_what_was_found(tmp_path, write_jsonl):
    rows = [{"review_id": "a", "restaurant_id": "x", "Review": "t"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    for path in (write_jsonl(rows), tmp_path / "t.parquet"):
        with pytest.raises(
            CorpusError, match=r"no column 'text'; it has: review_id, restaurant_id, Review.*--column text="
        ):
            read(path)


def test_a_parquet_column_of_numbers_is_no_text(tmp_path):
    pq.write_table(pa.table({"review_id": ["a"], "restaurant_id": ["x"], "text": [1]}), tmp_path / "t.parquet")
    with pytest.raises(CorpusError, match="column 'text' of .* holds int64, not text"):
        read(tmp_path / "t.parquet")


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl.gz", "t.jsonl.zst"])
def test_a_file_that_is_not_what_its_name_says(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(CorpusError, match=f"cannot read .*{name}: [^\n]+$"):
        read(tmp_path / name)


def test_a_truncated_gzip_file_is_unreadable(tmp_path):
    whole = gzip.compress("".join(json.dumps({**GOOD, "review_id": str(i)}) + "\n" for i in range(9999)).encode())
    (tmp_path / "t.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorpusError, match="cannot read"):
        read(tmp_path / "t.jsonl.gz")


def test_a_missing_column_is_named_also_when_only_some_rows_are_read(write_jsonl):
    with pytest.raises(CorpusError, match="no column 'text'"):
        read(write_jsonl([{"review_id": "a", "restaurant_id": "x"}] * 9), limit=5)


def test_parquet_ids_of_another_kind_and_columns_of_one_name(tmp_path):
    times = pa.array([1], pa.timestamp("ns"))
    pq.write_table(pa.table({"review_id": times, "restaurant_id": ["x"], "text": ["t"]}), tmp_path / "t.parquet")
    with pytest.raises(
        CorpusError, match="column 'review_id' of .* holds timestamp.ns., not text, whole numbers or UUIDs"
    ):
        read(tmp_path / "t.parquet")
    twice = pa.Table.from_arrays([pa.array(["a"])] * 4, names=["review_id", "restaurant_id", "text", "text"])
    pq.write_table(twice, tmp_path / "t.parquet")
    with pytest.raises(CorpusError, match="more than one column 'text'"):
        read(tmp_path / "t.parquet")


def test_a_column_that_only_later_rows_have_is_there_unless_they_are_not_read(write_jsonl):
    late = [{"review_id": "a", "restaurant_id": "x"}] * 9 + [GOOD]
    assert [row.reason for row in read(write_jsonl(late))[:-1]] == ["no-text"] * 9
    with pytest.raises(CorpusError, match="no column 'text'"):
        read(write_jsonl(late), limit=5)


def stdin(monkeypatch, *rows):
    class Stdin:
        buffer = io.BytesIO(b"".join(json.dumps(row).encode() + b"\n" for row in rows))

    monkeypatch.setattr("sys.stdin", Stdin)


def test_stdin_is_refused_by_its_first_rows(monkeypatch):
    stdin(monkeypatch, *[{"review_id": "a", "restaurant_id": "x"}] * (reader.CHUNK + 1))
    with pytest.raises(CorpusError, match="no column 'text'; it has: review_id, restaurant_id"):
        next(reader.read([Source("-")], Reading()))


def test_a_column_that_was_named_may_come_late_on_stdin_but_has_to_come(monkeypatch):
    due = {**GOOD, "due": "2026-01-01"}
    stdin(monkeypatch, *[GOOD] * (reader.CHUNK + 1), due)
    assert len(read("-", columns={"deadline": "due"})) == reader.CHUNK + 2
    stdin(monkeypatch, *[GOOD] * (reader.CHUNK + 1))
    with pytest.raises(CorpusError, match="no column 'due'; it has: review_id"):
        read("-", columns={"deadline": "due"})
    stdin(monkeypatch, *[GOOD] * 9, due)
    with pytest.raises(CorpusError, match="no column 'due'"):
        read("-", limit=5, columns={"deadline": "due"})


def test_a_pipe_with_a_name_is_read_once(tmp_path):
    path = tmp_path / "rows.jsonl"
    os.mkfifo(path)
    line = json.dumps(GOOD).encode() + b"\n"
    writer = threading.Thread(target=lambda: path.write_bytes(line * 9))
    writer.start()
    assert len(read(path)) == 9
    writer.join()


def test_limit_stops_reading(tmp_path, write_jsonl):
    files = [Source(str(write_jsonl([GOOD] * 9))), Source(str(tmp_path / "never-opened.jsonl"))]
    assert [len(chunk) for chunk in reader.read(files, Reading(), 5)] == [5]


def test_a_deadline_is_a_timestamp_or_iso_8601_text_in_local_time_unless_it_says_otherwise(tmp_path, write_jsonl):
    local, utc = datetime(2026, 3, 1, 6, 0), datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
    given = {
        "2026-03-01T06:00": local, "2026-03-01 06:00:00+00:00": utc, "2026-03-01T06:00:00Z": utc,
        "2026-03-01": datetime(2026, 3, 1), "": None, None: None,
    }  # fmt: skip
    rows = [{**GOOD, "deadline": text} for text in given]
    expected = [moment and moment.timestamp() for moment in given.values()]
    assert [review.deadline for review in read(write_jsonl(rows))] == expected
    for kind, moments in (
        (pa.timestamp("ns", "UTC"), [utc, None]), (pa.timestamp("ms"), [local, None]), (pa.date32(), [local.date(), None]),
    ):  # fmt: skip
        table = pa.table({**{name: [value] * 2 for name, value in GOOD.items()}, "deadline": pa.array(moments, kind)})
        pq.write_table(table, tmp_path / "rows.parquet")
        first, second = read(tmp_path / "rows.parquet")
        midnight = datetime(2026, 3, 1)
        assert first.deadline == {pa.date32(): midnight, pa.timestamp("ms"): local}.get(kind, utc).timestamp()
        assert second.deadline is None


@pytest.mark.parametrize("deadline", ["soon", "2026-13-01", 7, [1]])
def test_a_deadline_that_is_none_rejects_its_row_alone(write_jsonl, deadline):
    good, bad = read(write_jsonl([GOOD, {**GOOD, "review_id": "b", "deadline": deadline}]))
    assert good.deadline is None
    assert (bad.reason, bad.id) == ("bad-deadline", "b")
    assert repr(deadline) in bad.detail


def test_a_deadline_column_may_be_missing_unless_it_is_named(tmp_path, write_jsonl):
    pq.write_table(pa.Table.from_pylist([GOOD]), tmp_path / "rows.parquet")
    for path in (write_jsonl([GOOD]), tmp_path / "rows.parquet"):
        assert read(path)[0].deadline is None
        with pytest.raises(CorpusError, match="has no column 'due'"):
            read(path, columns={"deadline": "due"})
    pq.write_table(pa.Table.from_pylist([{**GOOD, "deadline": 5}]), tmp_path / "rows.parquet")
    with pytest.raises(CorpusError, match="'deadline' of .* holds int64, not timestamps or ISO 8601 text"):
        read(tmp_path / "rows.parquet")


def test_a_deadline_beyond_pythons_years_rejects_its_row_alone(tmp_path):
    moments = pa.array([2**62, 1_700_000_000_000_000], pa.timestamp("us", "UTC"))
    table = pa.table(
        {**{name: [value] * 2 for name, value in {**GOOD, "review_id": "ab"}.items()}, "deadline": moments}
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    beyond, good = read(tmp_path / "rows.parquet")
    assert (beyond.reason, beyond.detail[:20]) == ("bad-deadline", "4611686018427387904 ")
    assert good.deadline == 1_700_000_000.0


def test_files_that_call_a_column_otherwise_are_to_be_run_alone(tmp_path, write_jsonl):
    ours = write_jsonl([GOOD])
    theirs = write_jsonl([{"review_id": "b", "restaurant_id": "x", "body": "Good."}], "b.jsonl")
    with pytest.raises(CorpusError, match="b.jsonl has no column 'text'; .* is run alone, with an -o of its own$"):
        read(ours, theirs)
    with pytest.raises(
        CorpusError, match="reviews.jsonl has no column 'body'; .* is run alone, with an -o of its own$"
    ):
        read(theirs, ours, columns={"text": "body"})
    with pytest.raises(CorpusError, match="--column text=THEIRS$"):
        read(theirs, ours)


def test_a_column_of_csv_that_is_there_twice_is_refused_if_it_is_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("restaurant_id,text,note,note\nx,Fine.,a,b\n")
    assert read(path)[0].text == "Fine."
    path.write_text("restaurant_id,text,text\nx,Fine.,b\n")
    with pytest.raises(CorpusError, match="more than one column 'text'"):
        read(path)


@pytest.mark.parametrize("encoding", ["cp949", "utf-16-le"])
def test_a_header_in_another_encoding_is_an_error(tmp_path, encoding):
    (tmp_path / "t.csv").write_bytes("가게,리뷰\nx,맛있어요\n".encode(encoding))
    with pytest.raises(CorpusError, match="iconv"):
        read(tmp_path / "t.csv", columns={"restaurant_id": "가게", "text": "리뷰"})


def test_json_is_json_under_the_name_of_a_table_and_null_as_databases_write_it_is_no_text(tmp_path):
    (tmp_path / "t.csv").write_text(
        json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "review_id": "b", "text": "\\N"}) + "\n"
    )
    good, none = read(tmp_path / "t.csv")
    assert good.text == "Fine."
    assert none.reason == "no-text"
