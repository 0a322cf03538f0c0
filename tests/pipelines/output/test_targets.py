import errno
import os
import resource
from contextlib import contextmanager

import pytest

from pipelines.errors import LedgerError
from pipelines.output import targets


@contextmanager
def no_file_longer_than(length):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_is_made_and_nothing_is_left_in_it(tmp_path):
    for _ in range(2):
        targets.check(tmp_path / "a" / "out", targets.of_run(["sentiment"]))
        assert list((tmp_path / "a" / "out").iterdir()) == []


def test_what_a_run_has_written_is_no_obstacle(tmp_path):
    names = targets.of_run(["sentiment", "points"])
    (tmp_path / "results").mkdir()
    for name in names:
        (tmp_path / name).touch()
    assert {"rejects.jsonl", "run.sqlite", "results/points_by_restaurant.csv", "results/sentiment.parquet"} <= {*names}
    targets.check(tmp_path, names)
    targets.check(tmp_path, ["compare.html"])


@pytest.mark.parametrize(
    "name", ["rejects.jsonl", "report.json", "metrics.prom", "run.sqlite", "results/sentiment.parquet"]
)
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(
        LedgerError, match=f"^cannot write {tmp_path}/{name}: it is a folder, and a file is to be there"
    ):
        targets.check(tmp_path, targets.of_run(["sentiment"]))
    targets.check(tmp_path, ["compare.html"])  # which others need not mind


@pytest.mark.parametrize("name", ["out", "out/results", "out/deeper/results"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path, name):
    place = tmp_path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()
    with pytest.raises(LedgerError, match=f"^cannot write to {place}: it is a file, and a folder is to be there"):
        targets.check(place.parent if name.endswith("results") else place, targets.of_run(["sentiment"]))
    with pytest.raises(LedgerError, match=r"/within: Not a directory. Choose another folder$"):
        targets.check(place / "within")


def test_a_folder_that_takes_nothing_is_noticed_and_nothing_is_left_in_it(tmp_path):
    with (
        no_file_longer_than(targets.LITTLE // 2),
        pytest.raises(LedgerError, match=f"^cannot write to {tmp_path}: File too large"),
    ):
        targets.check(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_to_be_made_room_on(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LedgerError, match=r": No space left on device. Make room there$"):
        targets.check(tmp_path)
