"""Two nights: what a corpus that has grown by 1 % takes against the first time, the engine up.

New reviews are taken from half of the restaurants, so that half of the digests change. The model's work is what the loop
took (`makespan_s`); reading the files is stated with it. The second night goes in two commands, so that what is asked about the
new reviews and what is written of their restaurants stand apart.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--style", default="auto")
parser.add_argument("--restaurants", type=int, default=12)
parser.add_argument("--reviews", type=int, default=100, help="of each restaurant at most")
given = parser.parse_args()


DIGESTS = ("summary", "strengths")


def run(tasks: Sequence[str], corpus: Path, output: Path) -> dict[str, Any]:
    command = ["-m", "cli.main", "run", *tasks, "-i", corpus, "-o", output, "--model", given.model]
    command += ["--style", given.style, "--json", "--quiet"]
    done = subprocess.run([sys.executable, *map(str, command)], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def work(name: str, report: dict[str, Any]) -> float:
    """Print what a run did, and return the seconds that its loop took."""
    tasks = ", ".join(f"{figures['requests']:,} of {task}" for task, figures in report["tasks"].items())
    seconds = report["run"]["makespan_s"] or 0.0
    print(f"{name}: {seconds:.1f} s of work, {report['run']['plan_s']:.1f} s of reading; requests: {tasks}", flush=True)
    return float(seconds)


with TemporaryDirectory() as scratch:
    reviews = pl.read_parquet(given.input)
    names = reviews["restaurant_id"].unique(maintain_order=True)[: given.restaurants].to_list()
    tonight = reviews.filter(pl.col("restaurant_id").is_in(names))
    tonight = tonight.group_by("restaurant_id", maintain_order=True).head(given.reviews)
    new = max(len(names) // 2, tonight.height // 100)
    each = -(-new // len(names[::2]))  # the last reviews of every other restaurant
    late = tonight.filter(pl.col("restaurant_id").is_in(names[::2])).group_by("restaurant_id").tail(each)["review_id"]
    corpus, output = Path(scratch) / "reviews.parquet", Path(scratch) / "out"
    tonight.filter(~pl.col("review_id").is_in(late.implode())).write_parquet(corpus)
    report = run(DIGESTS, corpus, output)
    first = work("first night", report)
    tonight.write_parquet(corpus)
    asked = work("second night, the new reviews", run([*report["tasks"].keys() - DIGESTS], corpus, output))
    written = work("second night, what they change", run(DIGESTS, corpus, output))
    print(f"{tonight.height:,} reviews of {len(names)} restaurants, {len(late)} of them new on the second night")
    print(
        f"the second night's work is {asked / first:.1%} of the first's, engine up, and writing {written / first:.1%}"
    )
