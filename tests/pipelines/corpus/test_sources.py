import os
from pathlib import Path

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
    return [source.path for source in sources.find(inputs, output=Path(out)).sources]


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
        ("out", "no reviews in out: no .parquet"),
        ("", "an input is empty"),
        ("none*", "no reviews in none"),
        ("[" * 100_000, "no such file or folder: "),
        ("a\0b", "no such file or folder: a"),
    ],
)
def test_what_cannot_be_read_is_named(folder, given, message):
    with pytest.raises(CorpusError, match=message.replace("*", r"\*")):
        find(given)


def found(*inputs, out="out"):
    return sources.find(inputs, output=Path(out))


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_what_a_run_writes_is_passed_over_without_a_word(folder):
    put(
        folder,
        *(f"out/{name}" for name in ("report.json", "report.html", "compare.html", "rejects.jsonl", "run.sqlite")),
        "out/results/a/b.csv",
    )
    put(folder, "out/shard-1-of-3/report.json", "out/shard-1-of-3/results/a.parquet", "out/shard-1.parquet")
    reviews = ["./in/a.parquet", "./in/b.jsonl", "./in/deep/c.ndjson.gz", "./out/shard-1.parquet", "./top.jsonl.zst"]
    assert find(".") == reviews
    assert not [name for name in found(".").passed_over if name.startswith("./out")]
    assert "./out/report.json" in find(".", out="elsewhere")


def test_what_is_passed_over_in_a_folder_is_told_but_for_what_is_hidden(folder):
    put(folder, "in/_SUCCESS", "in/_late.jsonl", "in/.git/a.json", "in/.env", "in/deep/readme.md")
    assert found("in").passed_over == [
        "in/.hidden.jsonl", "in/_late.jsonl", "in/_tmp/", "in/deep/readme.md", "in/notes.txt",
    ]  # fmt: skip
    assert find("in") == ["in/a.parquet", "in/b.jsonl", "in/deep/c.ndjson.gz"]


def test_what_is_passed_over_in_a_glob_is_told(folder):
    assert found("in/*").passed_over == ["in/_tmp/", "in/deep/", "in/notes.txt"]
    assert found("in/*.jsonl").passed_over == []


def test_a_file_that_is_named_may_be_called_anything(folder):
    assert find("in/notes.txt", "in/.hidden.jsonl", "in/_tmp/d.jsonl") == [
        "in/notes.txt", "in/.hidden.jsonl", "in/_tmp/d.jsonl",
    ]  # fmt: skip


def test_a_link_to_a_file_is_the_same_file(folder):
    (folder / "link.jsonl").symlink_to(folder / "in/b.jsonl")
    assert find("in/b.jsonl", "link.jsonl") == ["in/b.jsonl"]
    assert find("link.jsonl", "in/b.jsonl") == ["link.jsonl"]


def test_a_name_may_have_what_a_glob_is_made_of(folder):
    put(folder, "in/c[1].csv", "in/[x]/d?.csv")
    assert find("in/c[1].csv", "in/[x]/d?.csv", "in/[x]") == ["in/c[1].csv", "in/[x]/d?.csv"]


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("in", ["a.parquet", "b.jsonl", "deep/c.ndjson.gz"]), ("in/", ["a.parquet", "b.jsonl", "deep/c.ndjson.gz"]),
        ("./in", ["a.parquet", "b.jsonl", "deep/c.ndjson.gz"]), ("in/*", ["a.parquet", "b.jsonl"]), ("in/**/*.gz", ["deep/c.ndjson.gz"]),
        ("*/deep/*", ["in/deep/c.ndjson.gz"]), ("in/b.jsonl", ["b.jsonl"]), ("in/deep", ["c.ndjson.gz"]), ("-", ["-"]),
    ],
)  # fmt: skip
def test_a_file_is_called_what_it_is_below_its_input(folder, given, called):
    assert [source.name for source in found(given).sources] == called
    if given != "-":
        assert [source.name for source in found(str(folder / given)).sources] == called


def test_addresses_that_differ_in_what_signs_them_are_numbered():
    given = [f"https://example.org/a.jsonl?X-Amz-Signature={n}" for n in range(2)]
    found = sources.find(given, output=Path("out")).sources
    assert [source.called for source in found] == ["https://example.org/a.jsonl (1)", "https://example.org/a.jsonl (2)"]


def test_two_files_that_are_called_alike_are_told_apart_by_their_paths(folder):
    put(folder, "other/b.jsonl", "other/e.csv")
    assert [source.name for source in found("in", "other").sources] == [
        "a.parquet", "in/b.jsonl", "deep/c.ndjson.gz", "other/b.jsonl", "e.csv",
    ]  # fmt: skip
    assert len({source.name for source in found("in/b.jsonl", "other/b.jsonl").sources}) == 2


def test_a_path_that_tells_files_apart_is_no_name_of_a_third(folder):
    put(folder, "top/in/b.jsonl", "b.jsonl")
    assert len({source.name for source in found("top", "b.jsonl", "in/b.jsonl").sources}) == 3


@pytest.mark.parametrize(
    ("file", "partitions"),
    [
        ("restaurant_id=a%20b/part-0.parquet", {"restaurant_id": "a b"}),
        ("year=2024/restaurant_id=x/p.csv", {"year": "2024", "restaurant_id": "x"}),
        ("restaurant_id=__HIVE_DEFAULT_PARTITION__/p.csv", {"restaurant_id": None}), ("a=/p.csv", {"a": ""}), ("a=b=c/p.csv", {"a": "b=c"}),
        ("a%3Db=%EB%A7%9B%2F/p.csv", {"a=b": "맛/"}), ("a=%zz/p.csv", {"a": "%zz"}), ("a+b=c+d/p.csv", {"a+b": "c+d"}),
        ("plain/p.csv", {}), ("a/x=y.csv", {}), ("a=b/c/p.csv", {"a": "b"}), ("a=1/a=2/p.csv", {"a": "2"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("given", ["hive", "hive/**/*.*", "{file}"])
def test_folders_that_name_a_column_and_its_value(folder, file, partitions, given):
    put(folder, f"hive/{file}")
    (source,) = found(given.format(file=f"hive/{file}")).sources
    assert source.partitions == partitions


TABLES = {
    "Delta": ["_delta_log/0.json", "p.parquet", "deep/a=b/p.parquet"],
    "Iceberg": ["metadata/v1.metadata.json", "metadata/snap-1.avro", "p.parquet", "deep/a=b/p.parquet"],
    "Hudi": [".hoodie/hoodie.properties", "p.parquet", "deep/a=b/p.parquet"],
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(
    "given",
    ["t", "t/", ".", "t/p.parquet", "t/*.parquet", "t/deep", "t/deep/a=b/p.parquet", "**/*.parquet", "t/deep/*/*"],
)
def test_a_table_that_has_a_log_is_refused_from_above_and_below(folder, kind, given):
    put(folder, *(f"t/{name}" for name in TABLES[kind]))
    with pytest.raises(
        CorpusError, match=rf"cannot read [^\n]*t/?: it is an? {kind} table[^\n]*plain files$"
    ) as refused:
        find(given)
    assert len(str(refused.value).splitlines()) == 1


def test_a_folder_beside_a_table_or_with_metadata_of_another_kind_is_read(folder):
    put(folder, *(f"t/{name}" for name in TABLES["Iceberg"]), "u/metadata/a.json", "u/p.csv", "u/x.metadata.json")
    assert find("u", "in/b.jsonl") == ["u/metadata/a.json", "u/p.csv", "u/x.metadata.json", "in/b.jsonl"]


def test_a_folder_that_cannot_be_looked_into_is_told(folder, monkeypatch):
    def walk(top, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", "in/deep"))
        yield from ()

    monkeypatch.setattr(sources.os, "walk", walk)
    with pytest.raises(CorpusError, match="^cannot look into in/deep: Permission denied$"):
        find("in")


def test_a_name_that_is_no_text_is_shown_as_one(folder):
    path = os.fsdecode(b"in/x\xff=y\xff/\xfe.csv")
    put(folder, path)
    (source,) = found(os.fsdecode(b"in/x\xff=y\xff")).sources
    assert (source.name, source.shown, source.path) == ("\\xfe.csv", "in/x\\xff=y\\xff/\\xfe.csv", path)
