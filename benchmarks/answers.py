"""How good written answers are: what parses, what is grounded, and ROUGE of summaries against simple baselines.

Of each restaurant every other review is held out. The summary of the rest is compared with each held-out review
(ROUGE-1, -2 and -L F1: Lin, "ROUGE: a package for automatic evaluation of summaries", 2004), and so are as many words of
the first sentences of the reviews, and of their most central sentences (TF-IDF). With --queries, expansions as well.
"""

import argparse
import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import polars as pl
from rouge import SCORES, central, cut, sentences, tokens

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--queries", type=Path)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--restaurants", type=int, default=24)
parser.add_argument("--reviews", type=int, default=100, help="of each restaurant at most")
parser.add_argument("--output", type=Path, help="keep the runs here")
given = parser.parse_args()


def against(summary: str, held_out: Sequence[str]) -> list[float]:
    said = tokens(summary)
    return [fmean(score(said, tokens(text)) for text in held_out) for score in SCORES]


def run(*arguments: object) -> None:
    command = [sys.executable, "-m", "cli.main", "run", *map(str, arguments), "--model", given.model, "--quiet"]
    subprocess.run(command, check=True)


def parsed(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "run.sqlite")) as db:
        for form, asked, answered, again in db.execute(
            "SELECT task || ' ' || form, count(*), sum(state = 'answered'), sum(attempts > 1) FROM request GROUP BY 1"
        ):
            print(f"{form}: {answered} of {asked} answers parse ({answered / asked:.1%}), {again} asked twice")


with TemporaryDirectory() as scratch:
    folder = given.output or Path(scratch)
    folder.mkdir(exist_ok=True)
    reviews = pl.read_parquet(given.input)
    names = reviews["restaurant_id"].unique(maintain_order=True).to_list()
    random.Random(1).shuffle(names)
    kept = reviews.filter(pl.col("restaurant_id").is_in(names[: given.restaurants]))
    kept = kept.with_columns(n=pl.int_range(pl.len()).over("restaurant_id")).filter(pl.col("n") < given.reviews)
    kept.filter(pl.col("n") % 2 == 0).drop("n").write_parquet(folder / "reviews.parquet")
    run("summary", "strengths", "-i", folder / "reviews.parquet", "-o", folder / "out")
    parsed(folder / "out")
    report = json.loads((folder / "out" / "report.json").read_text())["tasks"]
    print(f"summary: {report['summary']['labels']}")
    print(f"strengths: {report['strengths']['strengths']}, of {report['strengths']['without']} restaurants none")
    found: dict[str, list[list[float]]] = {"summary": [], "first sentences": [], "central sentences": []}
    for row in pl.read_parquet(folder / "out" / "results" / "summary.parquet").iter_rows(named=True):
        own = kept.filter(pl.col("restaurant_id") == row["restaurant_id"])
        read = own.filter(pl.col("n") % 2 == 0)["text"].to_list()
        held_out = own.filter(pl.col("n") % 2 == 1)["text"].to_list()
        words = len(row["summary"].split())
        first = [part[0] for text in read if (part := sentences([text]))]
        said = {"summary": row["summary"], "first sentences": cut(first, words),
                "central sentences": cut(central(sentences(read), 3), words)}  # fmt: skip
        for name, text in said.items():
            found[name].append(against(text, held_out))
    for name, scores in found.items():
        print(f"{name}: ROUGE-1/2/L " + " / ".join(f"{fmean(column):.3f}" for column in zip(*scores, strict=True)))
    if given.queries:
        run("query-expansion", "-i", given.queries, "-o", folder / "queries", "--limit", 300)
        parsed(folder / "queries")
        table = pl.read_parquet(folder / "queries" / "results" / "query-expansion.parquet")
        print(f"query-expansion: {fmean(table['expansions'].list.len()):.2f} distinct ones of 5 wanted a query")
