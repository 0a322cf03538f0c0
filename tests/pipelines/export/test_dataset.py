"""The results of a run as a dataset."""

import polars as pl
import pytest
import yaml

from pipelines.corpus.reading import Reading
from pipelines.errors import ConfigError
from pipelines.export import dataset
from pipelines.ledger import history


@pytest.fixture
def write(tmp_path, known):
    """Write the results in `out` as a dataset; return the rows of each table, and the card's parts."""

    def write():
        folder = tmp_path / "dataset"
        folder.mkdir()
        with history.opened(tmp_path / "out") as (db, run):
            found = dataset.tables(tmp_path / "out")
            rows = dataset.write(folder, found, known, db=db, run=run, version="1.2.3")
        _, front, text = (folder / "README.md").read_text().split("---\n", 2)
        return rows, yaml.safe_load(front), text

    return write


@pytest.fixture
def rows(corpus):
    """Reviews with columns to keep."""
    return [{**row, "table": f"00{n}", "guests": n} for n, row in enumerate(corpus({"a": 40, "07": 9}, words=1))]


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_results_of_all_formats_become_the_same_tables(go, write, write_jsonl, rows, reading, results, tmp_path, kind):
    path, asked = write_jsonl(rows), ("sentiment", "summary")
    keeping = Reading(keep=["table", "guests"])
    go(path, reading, *asked, reading=keeping)
    names = ["points", "points_by_restaurant", "sentiment", "sentiment_by_restaurant", "summary"]
    expected = {name: results(name) for name in names}
    go(path, lambda: pytest.fail("there is nothing to ask"), *asked, reading=keeping, format=kind)
    assert write()[0] == {name: len(table) for name, table in expected.items()}
    for name, table in expected.items():
        found = pl.read_parquet(tmp_path / "dataset" / "data" / f"{name}.parquet")
        assert found.equals(table.cast(dict(found.schema))), name
        kept = [pl.String, pl.String if kind == "csv" else pl.Int64]  # CSV tells no types
        assert [found.schema[column] for column in ("table", "guests") if column in found.columns] in ([], kept)


def test_the_card_says_what_each_table_and_column_is(go, write, write_jsonl, rows, reading, results):
    rows[0] |= {"text": "국물이 정말 맛있어요."}
    go(write_jsonl(rows), reading, "sentiment", "summary", reading=Reading(keep=["guests"]))
    counts, front, text = write()
    assert front == {
        "language": ["en", "ko"],
        "size_categories": ["n<1K"],
        "tags": ["restaurants", "reviews", "reviewbatch"],
        "configs": [{"config_name": name, "data_files": f"data/{name}.parquet"} for name in counts],
    }
    assert "The model is `tiny`, asked by reviewbatch 1.2.3. Of 49 rows 49 were answered" in text
    assert "No licence is stated here." in text
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    assert [*sections] == list(counts)
    for name, section in sections.items():
        lines = section.split("|---|---|---|\n")[1].splitlines()
        assert [line.split("`")[1] for line in lines] == results(name).columns
        assert not [line for line in lines if line.endswith("|  |")]
    assert "| `guests` | `int64` | of the input, as it came |" in sections["sentiment"]
    assert "| `negative` | `int64` | how many of them are negative |" in sections["sentiment_by_restaurant"]


def test_a_table_without_rows_is_left_out(go, write, write_jsonl, corpus, fake_engine, tmp_path):
    go(write_jsonl(corpus({"a": 2})), fake_engine, "points", format="jsonl")
    counts, front, text = write()
    assert counts["points"] == 0
    assert [config["config_name"] for config in front["configs"]] == ["points_by_restaurant"]
    assert "## points\n" not in text
    assert not (tmp_path / "dataset" / "data" / "points.parquet").exists()


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no results in"):
        dataset.tables(tmp_path)
