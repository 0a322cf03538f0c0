import os
import random
import shutil
import subprocess
import time

import pytest

from pipelines import files
from pipelines.models import fingerprint


@pytest.fixture
def copy(tiny, tmp_path, monkeypatch):
    """A model folder of the test's own, old enough for its files to be remembered."""
    monkeypatch.setattr(files, "SETTLED", 0.1)
    folder = shutil.copytree(tiny.folder, tmp_path / "model")
    (folder / "original").mkdir()
    (folder / "original" / "params.json").write_text("{}")
    time.sleep(0.2)
    return folder


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "digests"


@pytest.fixture
def read(monkeypatch):
    """The names of the files that were read."""
    read = []
    digest = fingerprint._digest
    monkeypatch.setattr(fingerprint, "_digest", lambda file: read.append(file.name) or digest(file))
    return read


def test_four_kib_zeroed_anywhere_are_noticed(copy, memory, often):
    weights = copy / "model.safetensors"
    whole, before = weights.read_bytes(), fingerprint.of(copy, memory)
    for _ in range(often(40, 2000)):
        at = random.randrange(4096, len(whole) - 4096)
        with weights.open("r+b") as stream:
            stream.seek(at)
            stream.write(bytes(4096))
        assert fingerprint.of(copy, memory) != before, at
        weights.write_bytes(whole)
        assert fingerprint.of(copy, memory) == before


@pytest.mark.parametrize("name", ["config.json", "original/params.json", "tokenizer.json"])
def test_so_is_any_other_file(copy, memory, name):
    before = fingerprint.of(copy, memory)
    (copy / name).write_text((copy / name).read_text() + " ")
    assert fingerprint.of(copy, memory) != before


def test_so_is_a_file_more_or_less_or_of_another_name(copy, memory):
    found = [fingerprint.of(copy, memory)]
    (copy / "original" / "more.json").write_text("{}")
    found.append(fingerprint.of(copy, memory))
    (copy / "original" / "more.json").rename(copy / "more.json")
    found.append(fingerprint.of(copy, memory))
    (copy / "config.json").unlink()
    found.append(fingerprint.of(copy, memory))
    assert len(set(found)) == 4


def test_what_a_hub_notes_for_itself_is_no_part_of_a_model(copy, memory):
    before = fingerprint.of(copy, memory)
    (copy / ".cache" / "huggingface").mkdir(parents=True)
    (copy / ".cache" / "huggingface" / "config.json.metadata").write_text("fetched today")
    assert fingerprint.of(copy, memory) == before


def test_it_can_be_had_with_sha256sum(copy, memory):
    files = "find . -type f -not -path '*/.*' -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum -z | sha256sum"
    theirs = subprocess.run(files, shell=True, cwd=copy, capture_output=True, text=True, check=True).stdout
    assert theirs.startswith(fingerprint.of(copy, memory))


def test_a_file_is_read_once_until_it_changes(copy, memory, read):
    before = fingerprint.of(copy, memory)
    assert "model.safetensors" in read
    read.clear()
    assert fingerprint.of(copy, memory) == before
    assert read == []
    # The same size and the same time, as `touch -r` makes it: its inode was written to all the same.
    looked = (copy / "config.json").stat()
    (copy / "config.json").write_text((copy / "config.json").read_text().replace("8192", "8193"))
    os.utime(copy / "config.json", ns=(looked.st_atime_ns, looked.st_mtime_ns))
    assert fingerprint.of(copy, memory) != before
    assert read == ["config.json"]


def test_what_was_written_a_moment_ago_is_read_again(copy, memory, read, monkeypatch):
    monkeypatch.setattr(files, "SETTLED", 60.0)
    (copy / "config.json").write_text("{}")
    fingerprint.of(copy, memory)
    read.clear()
    fingerprint.of(copy, memory)
    assert "config.json" in read


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"[]", b'{"config.json": 1}', b'{"config.json": [[1, 2], "x"]}', b"\xff"]
)
def test_a_memory_that_is_garbage_is_none(copy, memory, garbage, read):
    before = fingerprint.of(copy, memory)
    (kept,) = memory.iterdir()
    kept.write_bytes(garbage)
    read.clear()
    assert fingerprint.of(copy, memory) == before
    assert "model.safetensors" in read
    read.clear()
    assert fingerprint.of(copy, memory) == before
    assert not read


def test_a_memory_that_cannot_be_written_costs_time_and_nothing_else(copy, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    before = fingerprint.of(copy, tmp_path / "file")
    assert fingerprint.of(copy, tmp_path / "file") == before


def test_a_snapshot_of_a_hub_is_links_to_what_it_holds(copy, memory, tmp_path):
    snapshot, blobs = tmp_path / "snapshot", tmp_path / "blobs"
    shutil.copytree(copy, blobs)
    (snapshot / "original").mkdir(parents=True)
    for name in ("original/params.json", *(file.name for file in blobs.iterdir() if file.is_file())):
        (snapshot / name).symlink_to(blobs / name)
    before = fingerprint.of(snapshot, memory)
    assert before == fingerprint.of(copy, memory)
    (blobs / "config.json").write_text("{}")
    assert fingerprint.of(snapshot, memory) != before


def test_links_in_circles_and_to_nowhere_end(copy, memory):
    before = fingerprint.of(copy, memory)
    (copy / "original" / "back").symlink_to(copy)
    (copy / "self").symlink_to(copy)
    (copy / "nowhere").symlink_to(copy / "not there")
    os.mkfifo(copy / "pipe")
    assert fingerprint.of(copy, memory) == before
