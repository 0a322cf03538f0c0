import bz2
import gzip
import io
import os

import pyarrow as pa
import pytest

from pipelines.corpus import opening
from pipelines.corpus.opening import Kind
from pipelines.errors import CorpusError

LINE = b'{"text": "a"}\n'


def packed(data: bytes, suffix: str) -> bytes:
    pack = {
        "": bytes,
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".zst": lambda data: pa.compress(data, "zstd", asbytes=True),
    }
    return pack[suffix](data)


@pytest.fixture
def unpacked(tmp_path):
    """Return what is read of a file that has certain bytes."""

    def unpacked(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        with opening.opened(str(path)) as stream:
            assert stream.head == stream.read(len(stream.head))
            return stream.head + stream.read()

    return unpacked


@pytest.mark.parametrize("size", [0, 1, opening.HEAD - 1, opening.HEAD, opening.HEAD + 1, 3 * opening.HEAD])
@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".zst", ".GZ"])
def test_a_file_is_unpacked_by_its_name_and_its_beginning_is_read_twice(unpacked, size, suffix):
    data = os.urandom(size)
    assert unpacked("x.jsonl" + suffix, packed(data, suffix.lower())) == data


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_packed_files_may_stand_behind_each_other_or_have_nothing_at_all(unpacked, suffix):
    assert unpacked("x" + suffix, packed(LINE, suffix) * 2 + packed(b"", suffix)) == LINE * 2
    assert unpacked("x" + suffix, b"") == b""


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_a_packed_file_that_was_cut_is_an_error(unpacked, suffix):
    with pytest.raises(OSError, match="Truncated|ended"):
        unpacked("x" + suffix, packed(os.urandom(1000), suffix)[:-20])


def test_the_beginning_of_what_comes_a_few_bytes_at_a_time():
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 7))

    stream = opening.Opened(Slow(LINE * 10_000))
    assert len(stream.head) == opening.HEAD
    assert io.BufferedReader(stream).read() == LINE * 10_000


def test_standard_input_is_opened_and_left_open(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(LINE)

    monkeypatch.setattr("sys.stdin", Stdin)
    with opening.opened("-") as stream:
        assert stream.read() == LINE
    del stream
    assert not Stdin.buffer.closed


def test_what_can_be_read_only_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "file.jsonl").touch()
    assert opening.is_stream("-")
    assert opening.is_stream(str(tmp_path / "pipe.jsonl"))
    assert not opening.is_stream(str(tmp_path / "file.jsonl"))
    assert not opening.is_stream(str(tmp_path / "none.jsonl"))
    assert not opening.is_stream("memory://x.jsonl")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.parquet", Kind.PARQUET), ("a.pq", Kind.PARQUET), ("A.PARQUET", Kind.PARQUET), ("a.csv", Kind.CSV), ("a.tsv", Kind.CSV),
        ("a.CSV.GZ", Kind.CSV), ("a.json", Kind.LINES), ("a.json.gz", Kind.LINES), ("a.jsonl.zst", Kind.LINES),
        ("in/a.b.ndjson.bz2", Kind.LINES), ("s3://bucket/in/a.csv.gz", Kind.CSV),
        ("a", None), ("a.gz", None), ("a.txt", None), ("a.json.txt", None), ("a.gz.json.xz", None), ("json", None), (".json", None),
        ("a.csv/b", None), ("-", None), ("", None), ("a.", None),
    ],
)  # fmt: skip
def test_a_name_tells_what_a_file_is_written_in(name, kind):
    assert opening.named_kind(name) is kind


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.json.gz", "a"), ("a.csv", "a"), ("a.b.CSV.bz2", "a.b"), ("in/a.parquet", "in/a"), ("a", "a"), ("a.gz", "a"), ("a.txt", "a.txt"),
        ("Joe's No. 5.json", "Joe's No. 5"), ("No. 5", "No. 5"), ("-", "-"), ("맛집.tsv", "맛집"),
    ],
)  # fmt: skip
def test_the_stem_of_a_name_says_nothing_of_how_a_file_is_written(name, stem):
    assert opening.stem(name) == stem


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.json", LINE, Kind.LINES), ("a.json", b"[" + LINE, Kind.VALUES), ("a.jsonl", b'{\n "text": "a"}', Kind.VALUES),
        ("a.json", b"\xef\xbb\xbf \n[", Kind.VALUES), ("a.json", b"text", Kind.LINES), ("a.json", b"\n", Kind.LINES),
        ("a.csv", LINE, Kind.LINES), ("a.csv", b"[1]", Kind.CSV), ("a.tsv.gz", b"text\n", Kind.CSV),
        ("a.parquet", b"PAR1", Kind.PARQUET), ("a", b"PAR1", Kind.PARQUET), ("a.json", b"PAR1", Kind.PARQUET),
        ("a.parquet", b"nothing of the kind", Kind.PARQUET),
        ("a", LINE, Kind.LINES), ("a.txt", b" \r\n\xef\xbb\xbf"[:3] + LINE, Kind.LINES), ("a.txt", b"\xef\xbb\xbf[", Kind.VALUES),
        ("-", b"[", Kind.VALUES), ("-", LINE, Kind.LINES), ("-", b"text", Kind.LINES), ("-", b"PAR1", Kind.PARQUET),
    ],
)  # fmt: skip
def test_a_beginning_tells_what_a_name_does_not(name, head, kind):
    assert opening.kind(name, head) is kind


@pytest.mark.parametrize("name", ["a.json", "a.jsonl.gz", "a.csv", "a.parquet", "a", "-"])
@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"PK\x03\x04\x14\0", "a zip archive or an Excel workbook: unpack it, or save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1", "an old Excel workbook: save the sheet as CSV"),
        ('[{"a": 1}]'.encode("utf-16"), "UTF-16, not UTF-8: convert it with `iconv -f UTF-16 -t UTF-8 THIS > OTHER`"),
        ('{"a": 1}'.encode("utf-16-le"), "UTF-16, not UTF-8"),
        ('{"a": 1}'.encode("utf-16-be"), "UTF-16, not UTF-8"),
        ("[1]".encode("utf-16-le"), "UTF-16, not UTF-8"),
        ("[1]".encode("utf-16-be"), "UTF-16, not UTF-8"),
        (b"\xfe\xff\0t\0e", "UTF-16, not UTF-8"),
        (b"Obj\x01\x04", "Avro: convert it to Parquet"),
        (b"SQLite format 3\0", "a database of SQLite: export the table as CSV"),
    ],
)
def test_what_is_of_another_kind_is_named_with_what_to_do(name, head, told):
    with pytest.raises(CorpusError) as refused:
        opening.kind(name, head)
    assert str(refused.value).startswith(f"cannot read {name}: it is {told}")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("head", "told"), [(b"ORC\x08\x03", "ORC: convert"), (b"ARROW1\0\0", "Arrow's own format: convert")]
)
def test_what_begins_like_another_kind_is_csv_where_it_is_called_so(head, told):
    with pytest.raises(CorpusError, match=told):
        opening.kind("a.orc", head)
    assert opening.kind("a.csv", head[:3] + b"HID,text\n") is Kind.CSV
    assert opening.kind("a.csv", b"ARROW1,text\n") is Kind.CSV


@pytest.mark.parametrize("head", [b"text\n", b"# {", b" "])
def test_what_neither_its_name_nor_its_beginning_tells_is_refused(head):
    with pytest.raises(CorpusError, match=r"cannot read a.txt: it is no .parquet, .csv, [^\n]*$"):
        opening.kind("a.txt", head)


def test_the_query_of_an_address_is_no_part_of_its_name():
    assert opening.named_kind("https://bucket.example/in/a.csv.gz?X-Amz-Expires=60&X-Amz-Signature=ab.c") is Kind.CSV


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_a_packed_file_under_the_name_of_another_is_told_or_read(unpacked, suffix):
    data = packed(LINE, suffix)
    try:
        opening.kind("a.json", data)
    except CorpusError:
        return
    assert unpacked("a.json", data) == LINE
