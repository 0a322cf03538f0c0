"""Several tasks in one pass, against each by itself: what sharing answers, the engine and the reading saves.

The input has the columns review_id, restaurant_id and text. Each kind of run is done in turns and repeated; ratios are of
medians. The last part holds each task against a bare script that calls `LLM.generate` once a stage on the same prompts.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

HERE = Path(__file__).parent
TASKS = ("sentiment", "summary", "strengths")
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--restaurants", type=int, default=16)
parser.add_argument("--reviews", type=int, default=100, help="of each restaurant at most")
parser.add_argument("--repeat", type=int, default=3)
parser.add_argument("--parts", default="shared,commands,bare")
given = parser.parse_args()


def child(script: str, *arguments: Any) -> dict[str, Any]:
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def shared(corpus: Path) -> None:
    together, apart = [], []
    for _ in range(given.repeat):
        one = child("one_pass.py", corpus, given.model, *TASKS)
        three = [child("one_pass.py", corpus, given.model, task) for task in TASKS]
        together.append(one["makespan_s"])
        apart.append(sum(run["makespan_s"] for run in three))
        print(f"  {together[-1]:.1f} s together, {apart[-1]:.1f} s apart", flush=True)
    print(f"{', '.join(TASKS)} in one pass: {median(together) / median(apart):.2f}x of the time, engine up")
    print(
        f"prompt tokens computed: {one['computed'] / one['least']:.3f}x of the distinct blocks, {one['computed']:,} of "
        f"{one['prompt_tokens']:,}; apart {sum(run['computed'] for run in three):,}"
    )
    print(
        f"ETA off by {one['eta_error_at_a_tenth']:.0%} after a tenth of the time, {one['eta_worst_error']:.0%} at most"
    )
    for task, form, asked, answered, again in one["parsed"]:
        print(f"  {task} {form}: {answered} of {asked} answers parse, {again or 0} of them asked a second time")


def commands(corpus: Path, folder: Path) -> None:
    one: list[float] = []
    three: list[float] = []
    for turn in range(given.repeat):
        for times, runs in ((one, [TASKS]), (three, [(task,) for task in TASKS])):
            began = time.monotonic()
            for n, names in enumerate(runs):
                output = folder / f"{turn}-{len(runs)}-{n}"
                command = [
                    "-m",
                    "cli.main",
                    "run",
                    *names,
                    "-i",
                    corpus,
                    "-o",
                    output,
                    "--model",
                    given.model,
                    "--quiet",
                ]
                subprocess.run([sys.executable, *map(str, command)], check=True)
            times.append(time.monotonic() - began)
        print(f"  {one[-1]:.1f} s in one command, {three[-1]:.1f} s in three", flush=True)
    print(f"sentiment, summary and strengths in one command: {median(one) / median(three):.2f}x of three")


def bare(corpus: Path, folder: Path) -> None:
    for task in TASKS:
        ours, theirs = [], []
        for _ in range(given.repeat):
            kept = folder / "requests.pickle"
            ours.append(child("one_pass.py", corpus, given.model, task, "--keep", kept)["makespan_s"])
            theirs.append(child("one_stage.py", kept)["makespan_s"])
        print(
            f"{task}: {median(ours) / median(theirs):.2f}x of one LLM.generate a stage ({median(theirs):.1f} s)",
            flush=True,
        )


with TemporaryDirectory() as scratch:
    reviews = pl.read_parquet(given.input)
    names = reviews["restaurant_id"].unique(maintain_order=True)[: given.restaurants].to_list()
    part = reviews.filter(pl.col("restaurant_id").is_in(names))
    part = part.group_by("restaurant_id", maintain_order=True).head(given.reviews)
    corpus = Path(scratch) / "reviews.parquet"
    part.write_parquet(corpus)
    print(f"{part.height:,} reviews of {len(names)} restaurants", flush=True)
    for name in given.parts.split(","):
        {"shared": lambda: shared(corpus), "commands": lambda: commands(corpus, Path(scratch)),
         "bare": lambda: bare(corpus, Path(scratch))}[name]()  # fmt: skip
