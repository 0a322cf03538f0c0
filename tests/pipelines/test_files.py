"""Files that appear whole or not at all."""

import os

import pytest

from pipelines.files import replacing


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    return path


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(path):
    def half() -> None:
        with replacing(path) as scratch:
            scratch.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_is_written_through_before_it_takes_the_place_of_another_and_the_place_after(path, monkeypatch):
    """A power cut may come in between."""
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append(os.readlink(f"/proc/self/fd/{fd}")), sync(fd)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replaced"), replace(*paths)))
    with replacing(path) as scratch:
        scratch.write_text("new")
    assert path.read_text() == "new"
    assert done == [str(scratch), "replaced", str(path.parent)]
