"""What people read of a folder, in an object store: a real server on this machine."""

import contextlib
import json
import socket
import sqlite3
import subprocess
import sys
import time
from urllib.request import Request, urlopen

import fsspec
import polars as pl
import pytest

from pipelines import remote
from pipelines.corpus import reader
from pipelines.corpus.reading import Reading
from pipelines.corpus.sources import find
from pipelines.errors import RemoteError
from pipelines.events import Progress, Warned
from pipelines.output import mirror
from pipelines.output.mirror import Mirror


@pytest.fixture(scope="module")
def server():
    """A store that speaks S3, in a process of its own: what it imports must not be among what vLLM looks through."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urlopen(f"{url}/moto-api/"):
            break
        time.sleep(0.1)
    yield url
    process.kill()
    process.wait()


@pytest.fixture
def store(server, monkeypatch):
    """A bucket in the store."""
    urlopen(Request(f"{server}/moto-api/reset", method="POST")).close()  # it remembers the last test's bucket
    for name, value in {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    files = fsspec.filesystem("s3")
    files.mkdir("bucket")
    yield files
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def progress():
    return Progress(
        seconds=1, answers=1, all_answers=2, rejects=0, in_flight=1, prefilled=1, decoded=1, share=0.5, eta=None
    )


def test_rows_are_read_from_a_store_and_results_written_to_it(go, tmp_path, reviews, fake_engine, store):
    lines = "".join(json.dumps(row) + "\n" for row in reviews(9))
    store.pipe_file("bucket/in/a/reviews.jsonl", lines.encode())
    pl.DataFrame(reviews(12)[9:]).write_parquet(tmp_path / "b.parquet")
    store.put_file(str(tmp_path / "b.parquet"), "bucket/in/b.parquet")
    store.pipe_file("bucket/in/notes.txt", b"of 2024")
    found = find(["s3://bucket/in"], output=tmp_path)
    assert [source.name for source in found.sources] == ["a/reviews.jsonl", "b.parquet"]
    assert found.passed_over == ["s3://bucket/in/notes.txt"]
    far = Mirror(tmp_path / "out", "s3://bucket/out/")
    go(None, fake_engine, sources=found.sources, mirror=far)
    there = sorted(path.removeprefix("bucket/out/") for path in store.find("bucket/out"))
    assert there == [
        "metrics.prom", "rejects.jsonl", "report.html", "report.json", "results/sentiment.parquet",
        "results/sentiment_by_restaurant.parquet", "run.sqlite",
    ]  # fmt: skip
    store.get_file("bucket/out/run.sqlite", str(tmp_path / "copy.sqlite"))
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.sqlite")) as db:
        assert db.execute("SELECT count(DISTINCT seq) FROM outcome WHERE state = 'answered'").fetchone() == (12,)
    with store.open("bucket/out/results/sentiment.parquet") as file:
        assert pl.read_parquet(file.read()).height == 12
    # Results in another format take the place of these, and nobody else's.
    others = ("notes.txt", "archive/2024.parquet")
    for name in others:
        store.pipe_file(f"bucket/out/results/{name}", b"somebody's")
    go(None, fake_engine, sources=found.sources, mirror=far, format="csv")
    assert sorted(path.removeprefix("bucket/out/results/") for path in store.find("bucket/out/results")) == sorted(
        ["sentiment.csv", "sentiment_by_restaurant.csv", *others]
    )


def test_globs_and_single_files_of_a_store(store, reviews, tmp_path):
    for name in ("in/a.jsonl", "in/b.jsonl", "in/c.csv"):
        store.pipe_file(f"bucket/{name}", json.dumps(reviews(1)[0]).encode())
    assert [s.name for s in find(["s3://bucket/in/*.jsonl"], output=tmp_path).sources] == ["a.jsonl", "b.jsonl"]
    (one,) = find(["s3://bucket/in/a.jsonl"], output=tmp_path).sources
    ((row,),) = reader.read([one], Reading())
    assert (row.source, row.text) == ("s3://bucket/in/a.jsonl", reviews(1)[0]["text"])
    with pytest.raises(RemoteError, match="cannot get at s3://bucket/none.jsonl: "):
        list(reader.read(find(["s3://bucket/none.jsonl"], output=tmp_path).sources, Reading()))


def test_a_place_that_cannot_be_written_to_is_said_to_be_before_a_night_is_spent(store, tmp_path):
    with pytest.raises(RemoteError, match=r"^cannot get at s3://nobucket/out: .*\S$"):
        Mirror(tmp_path, "s3://nobucket/out")


def test_one_file_is_put_beside_what_is_there(store, tmp_path):
    store.pipe_file("bucket/out/results/sentiment.parquet", b"of a run elsewhere")
    (tmp_path / "compare.html").write_text("page")
    Mirror(tmp_path, "s3://bucket/out").put("compare.html")
    assert store.cat("bucket/out/compare.html") == b"page"
    assert store.cat("bucket/out/results/sentiment.parquet") == b"of a run elsewhere"


def test_meanwhile_it_is_written_now_and_then_and_a_failure_is_no_end(store, tmp_path, monkeypatch):
    monkeypatch.setattr(mirror, "EVERY", 0.0)
    far = Mirror(tmp_path, "s3://bucket/out")
    told, written = [], []

    def write():
        written.append(1)
        (tmp_path / "report.json").write_text(f"{len(written)}")

    emit = far.at_intervals(write, told.append)
    emit(progress())
    emit(progress())
    assert store.cat("bucket/out/report.json") == b"2"
    store.rm("bucket", recursive=True)
    emit(progress())
    assert isinstance(told[-1], Warned)
    assert "cannot get at s3://bucket/out" in told[-1].text
    assert len(told) == 4


def test_what_has_no_library_is_said_with_how_to_get_it(monkeypatch):
    def missing(_):
        raise ImportError("Install gcsfs to access GCS")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(RemoteError, match=r"the library for gs:// is missing: pip install 'reviewbatch\[gs\]'"):
        remote.place("gs://bucket/reviews.parquet")
