"""A dataset as Hugging Face has them: the results of a run in Parquet, a configuration for each table, and a card."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import ConfigError
from pipelines.ledger import counts
from pipelines.ledger.history import Run
from pipelines.ledger.rows import Rows
from pipelines.output import tables as stored
from pipelines.output.tables import BY_RESTAURANT
from pipelines.tasks import Task
from pipelines.tasks.task import Column

# Of such a table, besides a column for each label.
ROLLED_UP = (
    Column("restaurant_id", pa.string(), "as in the input", "harbour-noodle"),
    Column("reviews", pa.int64(), "how many of its reviews were answered", 41),
    Column("mean_score", pa.float64(), "the mean of their scores", 0.79),
    Column("aspect", pa.string(), "what reviews speak of", "food"),
    Column("praised", pa.int64(), "how many reviews praise it", 9),
    Column("criticised", pa.int64(), "how many reviews criticise it", 3),
    Column("not_mentioned", pa.int64(), "how many reviews do neither", 30),
)
SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "n>1B")
TAGS = ("restaurants", "reviews", "reviewbatch")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the results, by its file."""

    path: Path

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.stem

    @property
    def task(self) -> str:
        """The name of the task whose answers it has."""
        return self.name.removesuffix(BY_RESTAURANT)

    def columns(self, task: Task) -> dict[str, Column]:
        """Return the columns that it may have by name, of its task; those that were kept of the input are others."""
        if self.name == task.name:
            return {column.name: column for column in task.columns}
        labels = (Column(label, pa.int64(), f"how many of them are {label}", 1) for label in task.labels)
        return {column.name: column for column in (*ROLLED_UP, *labels)}


def tables(output: Path) -> list[Table]:
    """Return the tables in an output folder, by name. Raises ConfigError when there are none."""
    paths = stored.found(output)
    if not paths:
        raise ConfigError(f"no results in {output}: a run writes them when it ends")
    return list(map(Table, paths))


def write(
    folder: Path, found: Sequence[Table], known: Mapping[str, Task], *, db: sqlite3.Connection, run: Run, version: str
) -> dict[str, int]:
    """Write tables and their card, and return how many rows each has; `datasets` cannot load one that has none.

    Their tasks are among the `known` ones, the `run` is the last of the ledger, and the `version` that of this program.
    """
    (folder / "data").mkdir()
    rows: dict[str, int] = {}
    sections: list[str] = []
    for table in found:
        task, path = known[table.task], folder / "data" / f"{table.name}.parquet"
        columns = table.columns(task)
        _convert(table.path, columns, path)
        rows[table.name] = pq.read_metadata(path).num_rows
        if rows[table.name]:
            sections += _section(table, task, columns, path)
        else:
            path.unlink()
    if not sections:
        raise ConfigError("none of the results has a row: there is nothing to write")
    card = [*_front_matter(rows, Rows(db).languages()), "", *_told(run, counts.rows(db), version), *sections]
    (folder / "README.md").write_text("\n".join(card) + "\n", encoding="utf-8")
    return rows


def _convert(source: Path, columns: Mapping[str, Column], target: Path) -> None:
    """Write a table as Parquet. Columns that the task does not have are text where the file tells no types."""
    if source.suffix == ".parquet":
        shutil.copyfile(source, target)
        return
    schema = pa.schema([(column.name, column.type) for column in columns.values()])
    stored.scan(source, stored.types_of(schema)).sink_parquet(target)


def _front_matter(rows: Mapping[str, int], languages: Iterable[str]) -> Iterator[str]:
    """Yield the lines that say to the hub and to `datasets` what there is; YAML reads JSON."""
    codes = sorted(code for code in languages if re.fullmatch("[a-z]{2,3}", code))
    yield "---"
    if codes:
        yield f"language: {json.dumps(codes)}"
    size = min(len(SIZES) - 1, max(0, len(str(sum(rows.values()))) - len("100")))
    yield f"size_categories: {json.dumps([SIZES[size]])}"
    yield f"tags: {json.dumps(TAGS)}"
    yield "configs:"
    for name in (name for name, number in rows.items() if number):
        yield f"- config_name: {json.dumps(name)}"
        yield f"  data_files: {json.dumps(f'data/{name}.parquet')}"
    yield "---"


def _told(run: Run, of_rows: Mapping[str, int], version: str) -> Iterator[str]:
    """Yield what there is to say of all tables."""
    model = Path(run.facts["model"])
    name = model.name if model.is_absolute() else str(model)  # where it lay is nobody's business
    yield "# What a language model answered about restaurant reviews"
    yield ""
    yield (
        f"The model is `{name}`, asked by reviewbatch {version}. Of {of_rows['in']:,} rows {of_rows['answered']:,} "
        f"were answered, {of_rows['rejected']:,} rejected, and {of_rows['waiting']:,} wait. Each table is a "
        "configuration with one split."
    )
    yield ""
    yield (
        "No licence is stated here. Reviews belong to those who wrote them, and some columns quote them: whoever "
        "publishes this must be allowed to."
    )


def _section(table: Table, task: Task, columns: Mapping[str, Column], path: Path) -> Iterator[str]:
    """Yield what there is to say of a table."""
    rows = pq.read_metadata(path).num_rows
    yield ""
    yield f"## {table.name}"
    yield ""
    yield f"{rows:,} rows: {task.about if table.name == task.name else f'{task.name}, by restaurant'}"
    yield ""
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for field in pq.read_schema(path):
        column = columns.get(field.name)
        kind = str(column.type if column else field.type).replace("item: ", "").replace("element: ", "")
        meaning = column.meaning if column else "of the input, as it came"
        yield "| `{}` | `{}` | {} |".format(*(cell.replace("|", "\\|") for cell in (field.name, kind, meaning)))
