import os
import threading

import pytest

from pipelines.errors import LedgerError
from pipelines.files import replacing
from pipelines.ledger.lock import hold

WRITTEN = (
    ".lock", "engine.log", "run.sqlite", "run.sqlite-wal", "rejects.jsonl", "report.json", "report.html", "metrics.prom",
    ".report.json.tmp",
)  # fmt: skip


@pytest.fixture
def precious(tmp_path):
    """A file that nobody may write to, elsewhere."""
    path = tmp_path / "precious"
    path.write_text("precious")
    yield path
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("dangling", [False, True])
def test_no_link_is_written_through(tmp_path, precious, name, dangling):
    link = tmp_path / "out" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "nowhere" if dangling else precious)
    with pytest.raises(LedgerError, match=rf"^{link} is a link, and a run writes to none: remove it, or [^\n]*$"):
        hold(tmp_path / "out")
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_of_results_elsewhere_is_none_of_ours(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results").symlink_to(tmp_path / "theirs")
    with pytest.raises(LedgerError, match="results is a link"):
        hold(tmp_path / "out")


def test_links_of_others_and_a_folder_that_is_one_are_fine(tmp_path, precious):
    folder = tmp_path / "large-disk"
    folder.mkdir()
    (tmp_path / "out").symlink_to(folder)
    (folder / "reviews.jsonl").symlink_to(precious)
    hold(tmp_path / "out").close()


def test_what_a_killed_run_has_left_half_written_goes(tmp_path):
    (tmp_path / "results").mkdir()
    for name in (".report.json.1.tmp", "results/.sentiment.tmp", "results/sentiment.parquet"):
        (tmp_path / name).touch()
    hold(tmp_path).close()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        ".lock",
        "results/sentiment.parquet",
    ]


def test_a_table_takes_the_place_of_a_link(tmp_path, precious):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "sentiment.parquet").symlink_to(precious)
    hold(tmp_path).close()
    with replacing(tmp_path / "results" / "sentiment.parquet") as scratch:
        scratch.write_text("table")
    assert (tmp_path / "results" / "sentiment.parquet").read_text() == "table"


def test_a_link_where_a_scratch_file_was_is_not_written_through(tmp_path, precious):
    (tmp_path / f".report.json.{os.getpid()}-{threading.get_native_id()}.tmp").symlink_to(precious)
    with replacing(tmp_path / "report.json") as scratch:
        scratch.write_text("{}")
    assert (tmp_path / "report.json").read_text() == "{}"
    assert os.listdir(tmp_path) in (["precious", "report.json"], ["report.json", "precious"])
