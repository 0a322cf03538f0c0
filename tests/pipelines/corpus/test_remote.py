import gzip
import io
import json
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import remote
from pipelines.corpus import reader, sources
from pipelines.corpus.reading import Reading
from pipelines.corpus.sources import Source
from pipelines.errors import CorpusError, RemoteError


def line(name):
    return json.dumps({"review_id": name, "restaurant_id": "x", "text": f"{name} was fine"}).encode() + b"\n"


def table(name):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([json.loads(line(name))]), file)
    return file.getvalue()


@pytest.fixture
def put():
    """Put files into the memory of this process, which is a remote place as any other."""
    memory = fsspec.filesystem("memory")

    def put(**files):
        for name, data in files.items():
            memory.pipe(name, data)

    yield put
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


@pytest.fixture
def bucket(put):
    put(**{
        "/b/in/b.jsonl": line("b"), "/b/in/a.parquet": table("a"), "/b/in/deep/c.jsonl.gz": gzip.compress(line("c") * 2),
        "/b/in/notes.txt": b"nothing", "/b/in/_tmp/d.jsonl": line("d"), "/b/in/.h/e.jsonl": line("e"), "/b/in/_f.jsonl": line("f"),
        "/b/top.csv": b"review_id,restaurant_id,text\nt,x,fine\n",
    })  # fmt: skip


def found(*inputs):
    return sources.find(inputs, output=Path("out"))


def names(*inputs):
    return [source.name for source in found(*inputs).sources]


def read(*inputs, **how):
    files, reading = found(*inputs).sources, Reading(**how)
    reader.check(files, reading)
    return [row for chunk in reader.read(files, reading) for row in chunk]


def ids(*inputs):
    return [row.id for row in read(*inputs)]


def test_a_file_is_read_wherever_it_lies(bucket):
    (row,) = read("memory://b/in/b.jsonl")
    assert (row.id, row.text, row.source, row.row) == ("b", "b was fine", "memory://b/in/b.jsonl", 1)
    assert ids("memory://b/in/a.parquet") == ["a"]
    assert ids("memory://b/in/deep/c.jsonl.gz") == ["c", "c"]
    assert ids("memory://b/top.csv", "memory://b/in/b.jsonl", "memory://b/top.csv") == ["t", "b"]


HIDDEN = [
    "memory:///b/in/.h/e.jsonl",
    "memory:///b/in/_f.jsonl",
    "memory:///b/in/_tmp/d.jsonl",
    "memory:///b/in/notes.txt",
]


@pytest.mark.parametrize("given", ["memory://b/in", "memory://b/in/", "memory:///b/in"])
def test_a_folder_gives_its_files_in_name_order_but_for_hidden_ones(bucket, given):
    assert names(given) == ["a.parquet", "b.jsonl", "deep/c.jsonl.gz"]
    assert found(given).passed_over == HIDDEN
    assert ids(given) == ["a", "b", "c", "c"]


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("memory://b/in/*", ["a.parquet", "b.jsonl"]), ("memory://b/in/*.jsonl", ["b.jsonl"]), ("memory://b/*", ["top.csv"]),
        ("memory://b/in/[ab].*", ["a.parquet", "b.jsonl"]), ("memory://b/in/?.jsonl", ["b.jsonl"]),
        ("memory://b/**/*.gz", ["in/deep/c.jsonl.gz"]), ("memory://b/in/d*/*", ["deep/c.jsonl.gz"]),
    ],
)  # fmt: skip
def test_a_glob_gives_the_files_that_it_fits(bucket, given, called):
    assert names(given) == called


@pytest.mark.parametrize(
    "given", ["memory://b/in/_tmp", "memory://b/in/_tmp/", "memory://b/in/_tmp/*", "memory://b/in/.h"]
)
def test_what_is_hidden_may_be_named(bucket, given):
    assert len(ids(given)) == 1


def test_folders_name_columns_there_too(put):
    put(**{"/h/restaurant_id=a%20b/p.jsonl": b'{"review_id": "r", "text": "t"}'})
    for given in (
        "memory://h",
        "memory://h/*/*",
        "memory://h/restaurant_id=a%20b/p.jsonl",
        "memory://h/restaurant_id=a%20b",
    ):
        (row,) = read(given)
        assert row.unit == "a b"


def test_two_files_that_are_called_alike_are_told_apart(put):
    put(**{"/one/a.csv": b"text\nt\n", "/two/a.csv": b"text\nt\n"})
    rows = read("memory://one", "memory://two", restaurant="x")
    assert [row.id for row in rows] == ["memory:///one/a.csv:1", "memory:///two/a.csv:1"]


@pytest.mark.parametrize(
    ("log", "kind"),
    [("_delta_log/0.json", "Delta"), ("metadata/v1.metadata.json", "Iceberg"), (".hoodie/hoodie.properties", "Hudi")],
)
@pytest.mark.parametrize("given", ["memory://t", "memory://t/", "memory://t/in"])
def test_a_table_that_has_a_log_is_refused(put, log, kind, given):
    put(**{f"/t/in/{log}": b"{}", "/t/in/p.jsonl": line("p")})
    with pytest.raises(CorpusError, match=f"^cannot read {given}: it is an? {kind} table, [^\n]*$"):
        found(given)


def test_metadata_of_another_kind_are_no_table(put):
    put(**{"/m/a.metadata.json": line("a"), "/m/metadata/b.json": line("b")})
    assert names("memory://m") == ["a.metadata.json", "metadata/b.json"]


def refused(act):
    """Return the one line of what is said."""
    with pytest.raises((CorpusError, RemoteError)) as error:
        act()
    (message,) = str(error.value).splitlines()
    return message


@pytest.mark.parametrize("name", ["none.jsonl", "none.parquet", "in/none", "in/b.jsonl/none"])
def test_a_file_that_is_not_there_is_told_in_one_line(bucket, name):
    assert refused(lambda: read(f"memory://b/{name}")).startswith(f"cannot get at memory://b/{name}: ")


def test_a_folder_or_glob_without_files_is_told(bucket):
    for given in ("memory://b/none*", "memory://b/in/*.txt"):
        assert refused(lambda given=given: found(given)).startswith(f"no reviews in {given}: no .parquet")


@pytest.mark.parametrize(
    "act", [found, remote.expand, remote.opened, lambda path: reader.check([Source(path)], Reading())]
)
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere://x/y.jsonl", "Protocol not known: nowhere"),
        ("S3X://b", "Protocol not known: S3X"),
        ("sftp://x/y", "the library for sftp:// is missing: "),
        ("cached://x", ""),
        ("zip://none.csv", ""),
        ("zip://a.csv::memory://none.zip", ""),
        ("github://x", ""),
        ("reference://x", ""),
        ("dir://x", ""),
    ],
)
def test_a_place_that_is_unknown_or_cannot_be_set_up_is_told_in_one_line(act, path, told):
    assert refused(lambda: act(path)).startswith(f"cannot get at {path}: {told}")


@pytest.mark.parametrize(
    ("scheme", "extra"), [("s3", "s3"), ("s3a", "s3"), ("gs", "gs"), ("gcs", "gs"), ("az", "az"), ("abfs", "az")]
)
def test_a_library_that_is_missing_is_named_with_the_extra_that_has_it(monkeypatch, scheme, extra):
    def missing(path):
        raise ImportError("Install it")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    message = (
        f"cannot get at {scheme}://b/x: the library for {scheme}:// is missing: pip install 'reviewbatch[{extra}]'"
    )
    assert refused(lambda: found(f"{scheme}://b/x")) == message


class Broken:
    """A place that can be reached now and then."""

    def __init__(self, error):
        self.error = error

    def isdir(self, path):
        raise self.error

    glob = isfile = isdir

    def open(self, path, mode):
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError("Access Denied\nrequest 5"), "Access Denied"),
        (RuntimeError(), "RuntimeError"),
        (TimeoutError("too slow"), "too slow"),
    ],
)
def test_a_place_that_cannot_be_reached_is_told_in_one_line(monkeypatch, error, told):
    monkeypatch.setattr(remote, "place", lambda path: (Broken(error), path))
    for path in ("s3://b/x", "s3://b/*.csv"):
        assert refused(lambda path=path: remote.expand(path)) == f"cannot get at {path}: {told}"
    assert refused(lambda: remote.opened("s3://b/x")) == f"cannot get at s3://b/x: {told}"


def test_nothing_is_listed_on_the_web(monkeypatch):
    monkeypatch.setattr(remote, "place", lambda path: (Broken(RuntimeError("asked")), path))
    assert remote.expand("https://x/a*.csv?b=[c]") is remote.expand("http://x/") is None


@pytest.mark.parametrize(
    ("path", "far"),
    [("s3://b/x", True), ("https://x", True), ("a/b.csv", False), ("C:/x", False), ("-", False), ("", False)],
)
def test_an_address_has_the_kind_of_its_place(path, far):
    assert remote.is_remote(path) is far


def test_of_a_file_that_is_not_there_it_is_said_that_it_is_not(bucket):
    message = refused(lambda: read("memory://b/none.jsonl"))
    assert any(word in message.lower() for word in ("no such", "not there", "not found", "does not exist"))


@pytest.mark.parametrize("given", ["memory://t/*.jsonl", "memory://t/p.jsonl", "memory://t/a=b"])
def test_a_part_of_a_table_is_refused_there_too(put, given):
    put(**{"/t/_delta_log/0.json": b"{}", "/t/p.jsonl": line("p"), "/t/a=b/p.jsonl": line("p")})
    with pytest.raises(CorpusError, match="Delta table"):
        found(given)


def test_a_name_there_may_have_what_a_glob_is_made_of(put):
    put(**{"/b/x[1].jsonl": line("a")})
    assert ids("memory://b/x[1].jsonl") == ["a"]


def test_what_an_underscore_hides_is_told_there_too(bucket):
    assert "memory:///b/in/_f.jsonl" in found("memory://b/in").passed_over


def test_a_connection_that_breaks_while_something_is_read_is_told_in_one_line(monkeypatch):
    class Breaks(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, into):
            raise RuntimeError("Response payload is not completed")

    monkeypatch.setattr(remote, "opened", lambda path: Breaks())
    assert "payload" in refused(lambda: list(reader.read([Source("https://x/a.jsonl")], Reading())))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("https://h/r.jsonl?X-Amz-Credential=CANARY&X-Amz-Signature=CANARY", "https://h/r.jsonl"),
        ("https://h/r.jsonl?page=2&sig=CANARY&sr=b", "https://h/r.jsonl?page=2&sr=b"),
        ("https://h/r.jsonl?access_token=CANARY&page=2", "https://h/r.jsonl?page=2"),
        ("https://me:CANARY@h:8080/r.jsonl", "https://h:8080/r.jsonl"),
        ("https://CANARY@h/r.jsonl", "https://h/r.jsonl"),
        ("s3://CANARY:CANARY@bucket/in/*.jsonl", "s3://bucket/in/*.jsonl"),
        ("s3://bucket/in/part-?", "s3://bucket/in/part-?"),
        ("abfs://container@account/in", "abfs://container@account/in"),
        ("https://h/r.jsonl?page=2&keyword=pho", "https://h/r.jsonl?page=2&keyword=pho"),
        ("in/r.jsonl?token=mine", "in/r.jsonl?token=mine"),
    ],
)
def test_an_address_is_told_without_what_opens_it(path, shown):
    assert remote.shown(path) == shown


def test_neither_does_a_library_tell_it():
    path = "s3://id:CANARY@bucket/r.jsonl"
    said = 'Invalid bucket name "id:CANARY@bucket" in s3://id:CANARY@bucket/r.jsonl : CANARY'
    assert remote.hidden(said, path) == 'Invalid bucket name "...@bucket" in s3://bucket/r.jsonl : ...'
    signed = "https://h/r.jsonl?X-Amz-Signature=CANARY"
    assert str(remote.unreachable(signed, ValueError(f"no CANARY at {signed}"))) == (
        "cannot get at https://h/r.jsonl: no ... at https://h/r.jsonl"
    )


def test_rows_and_rejects_are_of_addresses_without_what_opens_them(put):
    put(**{"/b/r.jsonl?token=CANARY": b'{"restaurant_id": "x", "text": "fine"}\n{"restaurant_id": "x"}\n'})
    row, reject = read("memory://b/r.jsonl?token=CANARY")
    assert (row.id, row.source, reject.source) == ("r.jsonl:1", "memory://b/r.jsonl", "memory://b/r.jsonl")
