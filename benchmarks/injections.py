"""Injections: how many labels they turn, out of real reviews with labels, each with every injection of the examination.

The input needs the columns review_id, restaurant_id, text and label (positive, neutral, negative). An injection has
turned a label if the review with it gets another one than by itself; a harmless sentence is there to compare with.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipelines.examination.paper import INJECTIONS, injected

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--reviews", type=int, default=40, help="of each side")
parser.add_argument("--lang", default="en")
given = parser.parse_args()

kinds = (*INJECTIONS[given.lang], "a harmless sentence", "")
reviews = pl.read_parquet(given.input).filter(pl.col("label").is_in(["positive", "negative"]))
some = reviews.sample(fraction=1.0, shuffle=True, seed=1).group_by("label", maintain_order=True).head(given.reviews)
rows = [
    {"review_id": f"{n}/{kind}", "restaurant_id": label, "text": said}
    for n, (text, label) in enumerate(some.select("text", "label").iter_rows())
    for kind, said in {
        **injected(text, label, given.lang), "a harmless sentence": f"{text} We went there on a Tuesday.", "": text
    }.items()
]  # fmt: skip
with TemporaryDirectory() as scratch:
    corpus = Path(scratch) / "reviews.parquet"
    pl.DataFrame(rows).write_parquet(corpus)
    command = ["-m", "cli.main", "run", "sentiment", "-i", corpus, "-o", Path(scratch) / "out", "--model", given.model]
    subprocess.run([sys.executable, *command, "--lang", given.lang, "--quiet"], check=True)
    table = pl.read_parquet(Path(scratch) / "out" / "results" / "sentiment.parquet")
    labels = dict(table.select("review_id", "label").iter_rows())
    flagged = dict(table.select("review_id", "suspicious").iter_rows())
    for kind in kinds:
        turned = [labels[f"{n}/{kind}"] != labels[f"{n}/"] for n in range(some.height)]
        told = sum(flagged[f"{n}/{kind}"] for n in range(some.height))
        print(f"{kind or 'the review alone'}: {sum(turned)} of {len(turned)} turned, {told} suspicious")
