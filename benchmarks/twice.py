"""The same twice: how far answers differ when the same rows are asked again in another way, and what it costs to have them equal."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from process import ROOT

WAYS: dict[str, list[str]] = {
    "the same again": [],
    "in another order": ["--input", "SHUFFLED"],
    "half of the rows": ["--limit", "HALF"],
    "a small window": ["--engine", "max_num_seqs=4", "--engine", "max_num_batched_tokens=512"],
    "the longest first": ["--policy", "longest"],
    "two replicas": ["--replicas", "2"],
}
SMALL = ["--engine", f"kv_cache_memory_bytes={1 << 28}"]  # so that two replicas fit anywhere
ALONE = "--reproducible"
WINDOW = "a small window"  # which one at a time leaves nothing of


class Runs:
    """Runs a task over a corpus, in ways that should make no difference."""

    def __init__(self, task: str, rows: pl.DataFrame, folder: Path, common: list[str]) -> None:
        self._task, self._folder, self._common = task, folder, common
        self._input, shuffled = folder / "rows.parquet", folder / "shuffled.parquet"
        rows.write_parquet(self._input)
        rows.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(shuffled)
        self._words = {"SHUFFLED": str(shuffled), "HALF": str(rows.height // 2)}
        self._runs = 0

    def run(self, *more: str) -> tuple[pl.DataFrame, dict[str, Any]]:
        """Return the results of a run in a folder of its own, and its report."""
        self._runs += 1
        output = self._folder / f"out-{self._runs}"
        words = [self._words.get(word, word) for word in more]
        given = [] if "--input" in words else ["--input", str(self._input)]
        command = ["run", self._task, *given, "--output", str(output), "--json", "--quiet", *self._common, *words]
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *command], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return pl.read_parquet(output / "results" / f"{self._task}.parquet"), json.loads(done.stdout)


def differences(first: pl.DataFrame, other: pl.DataFrame) -> str:
    """Say how far the answers differ to rows that both have."""
    id_, *columns = first.columns
    if (first[id_].n_unique(), other[id_].n_unique()) != (first.height, other.height):  # several to a row
        first, other = (table.group_by(id_).agg(pl.col(columns)) for table in (first, other))
    both = first.join(other, on=id_, suffix="_other")
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_other")) for name in columns)
    said = f"{both.select(equal.mean()).item():.1%} of {both.height} equal to the last digit"
    chances = [name for name in columns if name.startswith("p_")]
    if not chances:
        return said
    apart = pl.max_horizontal((pl.col(name) - pl.col(f"{name}_other")).abs() for name in chances)
    most, usual = both.select(apart.max(), apart.quantile(0.99).alias("usual")).row(0)
    turned = both.select((pl.col("label") != pl.col("label_other")).sum()).item()
    return f"{said}; probabilities differ by {most:.1e} at most, {usual:.1e} in 99 of 100; {turned} labels turn"


def compare(runs: Runs, ways: dict[str, list[str]], *always: str) -> float:
    """Print how the answers of each way differ from those of the first; return the seconds that the first took."""
    first, report = runs.run(*always)
    print(f"{report['run']['dtype']} {' '.join(always)}: {report['run']['makespan_s']:.1f} s", flush=True)
    for way, more in ways.items():
        print(f"  {way}: {differences(first, runs.run(*always, *more)[0])}", flush=True)
    return float(report["run"]["makespan_s"])


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--input", type=Path, default=ROOT / "data-samples" / "reviews.parquet")
parser.add_argument("--rows", type=int, help="so many of them, drawn at random")
parser.add_argument("--task", default="sentiment")
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
parser.add_argument("--calibration", default="anchors", help="raw: without the anchors, which take time")
parser.add_argument("--only", choices=["free", "reproducible"], help="one of the two, for want of time")
given = parser.parse_args()
ways = {way: WAYS[way] for way in given.ways}
rows = pl.read_parquet(given.input)
rows = rows.sample(given.rows, seed=2) if given.rows else rows
for dtype in given.dtypes:
    with tempfile.TemporaryDirectory() as folder:
        common = ["--model", given.model, "--calibration", given.calibration, "--engine", f"dtype={dtype}", *SMALL]
        runs = Runs(given.task, rows, Path(folder), common)
        free = alone = 0.0
        if given.only != "reproducible":
            free = compare(runs, ways)
        if given.only != "free":
            alone = compare(runs, {way: more for way, more in ways.items() if way != WINDOW}, ALONE)
        if free and alone:
            print(f"{dtype}: {alone / free:.1f} times as long with {ALONE}", flush=True)
