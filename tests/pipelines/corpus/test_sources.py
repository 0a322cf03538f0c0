import pytest

from pipelines.corpus import sources
from pipelines.errors import CorpusError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("in/b.jsonl", "in/a.parquet", "in/deep/c.ndjson.gz", "in/notes.txt", "in/.hidden.jsonl",
                 "in/_tmp/d.jsonl", "out/results/sentiment.parquet", "top.jsonl.zst"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def find(*inputs, out="out"):
    from pathlib import Path

    return sources.find(inputs, output=Path(out))


def test_a_folder_gives_its_files_in_name_order(folder):
    assert find("in") == ["in/a.parquet", "in/b.jsonl", "in/deep/c.ndjson.gz"]


def test_yesterdays_results_are_no_reviews(folder):
    assert find(".") == ["./in/a.parquet", "./in/b.jsonl", "./in/deep/c.ndjson.gz", "./top.jsonl.zst"]


def test_globs_and_files_and_stdin_each_once(folder):
    assert find("in/*", "./in/b.jsonl", "-", "-", "top.jsonl.zst") == [
        "in/a.parquet",
        "in/b.jsonl",
        "-",
        "top.jsonl.zst",
    ]
    assert find("**/*.gz") == ["in/deep/c.ndjson.gz"]
    assert find("in/_tmp/*") == ["in/_tmp/d.jsonl"]


def test_the_output_folder_may_be_the_input_folder(folder):
    assert set(find(".", out=".")) == {*find("."), "./out/results/sentiment.parquet"}
    (folder / "rejects.jsonl").touch()
    assert "./rejects.jsonl" not in find(".", out=".")


def test_links_are_followed_and_never_for_ever(folder, tmp_path):
    (folder / "in" / "again").symlink_to(folder / "in")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "e.jsonl").touch()
    (folder / "in" / "linked").symlink_to(folder / "elsewhere")
    assert find("in") == ["in/a.parquet", "in/b.jsonl", "in/deep/c.ndjson.gz", "in/linked/e.jsonl"]
    (folder / "in" / "gone.jsonl").symlink_to(folder / "nowhere")
    with pytest.raises(CorpusError, match="cannot read in/gone.jsonl: a link that leads nowhere"):
        find("in")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.jsonl", "no such file or folder: nowhere.jsonl"),
        ("in/notes.txt", "cannot read in/notes.txt: expected"),
        ("out", "no reviews in out: no .parquet"),
        ("", "an input is empty"),
        ("none*", "no reviews in none"),
    ],
)
def test_what_cannot_be_read_is_named(folder, given, message):
    with pytest.raises(CorpusError, match=message.replace("*", r"\*")):
        find(given)
