"""Two nights: what a corpus that has grown by 1 % takes against the first time, the engine up.

New reviews are taken from half of the restaurants, so that half of the digests change. The model's work is what the loop
took (`makespan_s`); reading, planning and writing the results are stated with it.
"""

import argparse
import json
import subprocess
import sys
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


def night(corpus: Path, output: Path) -> dict[str, Any]:
    command = ["-m", "cli.main", "run", "summary", "strengths", "-i", corpus, "-o", output, "--model", given.model]
    command += ["--style", given.style, "--json", "--quiet"]
    done = subprocess.run([sys.executable, *map(str, command)], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


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
    first = night(corpus, output)
    tonight.write_parquet(corpus)
    second = night(corpus, output)
    print(f"{tonight.height:,} reviews of {len(names)} restaurants, {len(late)} of them new on the second night")
    for name, report in (("first", first), ("second", second)):
        tasks = {task: f"{figures['requests']:,}" for task, figures in report["tasks"].items()}
        run = report["run"]
        print(
            f"{name} night: {run['makespan_s'] or 0:.1f} s of work, {run['plan_s']:.1f} s of reading; requests {tasks}"
        )
    ratio = (second["run"]["makespan_s"] or 0) / first["run"]["makespan_s"]
    print(f"the second night's work is {ratio:.1%} of the first's, engine up")
