"""How good written answers are: what parses, what is grounded, and ROUGE of summaries against simple baselines.

Of each restaurant every other review is held out. The summary of the rest is compared with each held-out review
(ROUGE-1, -2 and -L F1: Lin, "ROUGE: a package for automatic evaluation of summaries", 2004), and so are as many words of
the first sentences of the reviews, and of their most central sentences (TF-IDF). With --queries, expansions as well.
"""

import argparse
import json
import random
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import polars as pl

from pipelines.tasks.quotes import central

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--queries", type=Path)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--restaurants", type=int, default=24)
parser.add_argument("--reviews", type=int, default=100, help="of each restaurant at most")
parser.add_argument("--output", type=Path, help="keep the runs here")
given = parser.parse_args()
Tokens = Sequence[str]


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def f1(hits: int, said: int, true: int) -> float:
    return 2 * hits / (said + true) if hits else 0.0


def rouge_n(n: int) -> Callable[[Tokens, Tokens], float]:
    def score(said: Tokens, true: Tokens) -> float:
        first, second = (Counter(zip(*(text[k:] for k in range(n)), strict=False)) for text in (said, true))
        return f1((first & second).total(), first.total(), second.total())

    return score


def rouge_l(said: Tokens, true: Tokens) -> float:
    row = [0] * (len(true) + 1)
    for word in said:
        before = 0
        for n, other in enumerate(true, start=1):
            before, row[n] = row[n], before + 1 if word == other else max(row[n], row[n - 1])
    return f1(row[-1], len(said), len(true))


SCORES = (rouge_n(1), rouge_n(2), rouge_l)


def against(summary: str, held_out: Sequence[str]) -> list[float]:
    said = tokens(summary)
    return [fmean(score(said, tokens(text)) for text in held_out) for score in SCORES]


def sentences(texts: Sequence[str]) -> list[str]:
    return [
        part for text in texts for part in re.split(r"(?<=[.!?])\s+", " ".join(text.split())) if len(part.split()) > 2
    ]


def cut(parts: Sequence[str], words: int) -> str:
    return " ".join(" ".join(parts).split()[:words])


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
    report = json.loads((folder / "out" / "report.json").read_text())["tasks"]["strengths"]
    written = report["grounded"] + report["ungrounded"]
    print(
        f"strengths: {report['grounded']} of {written} grounded, {report['grounded'] / given.restaurants:.1f} a restaurant"
    )
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
