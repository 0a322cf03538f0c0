"""Summaries held against those that people wrote of the same reviews, and against simple ones of the same length.

The input has a row for each restaurant: restaurant_id, review_id and text (lists), and summaries (a list of texts). Printed
are ROUGE-1, -2 and -L F1 (Lin, "ROUGE: a package for automatic evaluation of summaries", 2004), the mean over people.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import polars as pl
from rouge import SCORES, central, cut, sentences, tokens

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--styles", default="auto", help="written, quotes, or both with a comma between")
parser.add_argument("--restaurants", type=int, default=46)
parser.add_argument("--output", type=Path, help="keep the runs here")
given = parser.parse_args()

with TemporaryDirectory() as scratch:
    folder = given.output or Path(scratch)
    folder.mkdir(exist_ok=True)
    known = pl.read_parquet(given.input).head(given.restaurants)
    rows = known.select("restaurant_id", "review_id", "text").explode("review_id", "text")
    rows.with_columns(review_id=pl.concat_str("restaurant_id", pl.lit("/"), "review_id")).write_parquet(
        folder / "reviews.parquet"
    )
    said: dict[str, dict[str, str]] = {}
    for style in given.styles.split(","):
        command = ["run", "summary", "-i", folder / "reviews.parquet", "-o", folder / "out", "--model", given.model]
        command += ["--style", style, "--quiet"]
        subprocess.run([sys.executable, "-m", "cli.main", *map(str, command)], check=True)
        found = pl.read_parquet(folder / "out" / "results" / "summary.parquet")
        said[style] = dict(found.select("restaurant_id", "summary").iter_rows())
        print(f"{style}: {dict(found.group_by('style').len().iter_rows())}")
    people = {row["restaurant_id"]: row for row in known.iter_rows(named=True)}
    length = next(iter(said.values()))
    for name, row in people.items():
        words = len(length.get(name, "").split())
        first = [part[0] for text in row["text"] if (part := sentences([text]))]
        said.setdefault("first sentences", {})[name] = cut(first, words)
        # As many sentences, most central first, as have so many words.
        parts = sentences(row["text"])
        most = next((n for n in range(1, len(parts)) if len(" ".join(central(parts, n)).split()) >= words), len(parts))
        said.setdefault("central sentences", {})[name] = cut(central(parts, most), words)
    for kind, texts in said.items():
        scores = [
            [
                fmean(score(tokens(texts.get(name, "")), tokens(summary)) for summary in row["summaries"])
                for score in SCORES
            ]
            for name, row in people.items()
        ]
        figures = " / ".join(f"{fmean(column):.3f}" for column in zip(*scores, strict=True))
        print(f"{kind}: ROUGE-1/2/L {figures}, {fmean(len(text.split()) for text in texts.values()):.0f} words")
