import csv
import io

import polars as pl
import pytest

from pipelines.output import tables

CELLS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "'=1", "''=1", "'", "'quoted'", "a=1", "-", "", None]


@pytest.fixture
def written(tmp_path):
    """Write cells as CSV; return the path."""

    def written(**columns):
        path = tmp_path / "table.csv"
        tables.shielded(pl.DataFrame(columns)).write_csv(path)
        return path

    return written


def test_no_cell_of_csv_is_a_formula_and_read_again_each_is_what_it_was(written):
    path = written(id=CELLS, score=[-1.5] * len(CELLS))
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["id", "score"]
    assert not [row for row in rows if row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert rows[0] == ["'=1+1", "-1.5"]
    assert [row[0] for row in rows][-5:] == ["'quoted'", "a=1", "'-", "", ""]
    read = tables.scan(path, {"score": pl.Float64()}).collect()
    assert read["id"].to_list() == CELLS
    assert read["score"].to_list() == [-1.5] * len(CELLS)


@pytest.mark.parametrize("name", ['so "so"', '""', '"', '"a"', '="a"', "a,b", "a\nb", " a "])
def test_a_column_is_called_what_it_was_and_has_its_type(tmp_path, name):
    path = tmp_path / "table.csv"
    tables.shielded(pl.DataFrame({name: ['["x"]', "[]"], f"{name} n": [1, 2]})).write_csv(path)
    read = tables.scan(path, {name: pl.List(pl.String()), f"{name} n": pl.Int64()}).collect()
    assert read.to_dict(as_series=False) == {name: [["x"], []], f"{name} n": [1, 2]}


def test_nor_is_the_name_of_a_column(written):
    path = written(**{"=cmd()": ["a"], "'=cmd()": ["b"], "text": ["c"]})
    assert next(csv.reader(io.StringIO(path.read_text()))) == ["'=cmd()", "''=cmd()", "text"]
    assert tables.scan(path, {}).collect().to_dict(as_series=False) == {
        "=cmd()": ["a"],
        "'=cmd()": ["b"],
        "text": ["c"],
    }
