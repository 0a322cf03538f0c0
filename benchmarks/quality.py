"""Label quality on a corpus with labels: macro-F1 under every calibration, from one pass of the model.

The input needs the columns review_id, restaurant_id, text and label (positive, neutral, negative). Labels are
compared with at the end; the program never sees them.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

LABELS = ("positive", "neutral", "negative")

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--output", type=Path, help="keep the run here")
given = parser.parse_args()


def f1(table: pl.DataFrame, label: str) -> float:
    right = ((pl.col("label") == label) & (pl.col("truth") == label)).sum()
    said, true = (pl.col("label") == label).sum(), (pl.col("truth") == label).sum()
    return table.select(2 * right / (said + true)).item() or 0.0


truth = pl.read_parquet(given.input, columns=["review_id", "label"]).select(
    pl.col("review_id").cast(pl.String), truth="label"
)
with TemporaryDirectory() as scratch:
    output = given.output or Path(scratch)
    for calibration in ("anchors", "corpus", "raw"):
        command = ["-m", "cli.main", "run", "sentiment", "-i", given.input, "-o", output, "--model", given.model]
        subprocess.run([sys.executable, *command, "--calibration", calibration, "--quiet"], check=True)
        table = pl.read_parquet(output / "results" / "sentiment.parquet").join(truth, on="review_id")
        scores = [f1(table, label) for label in LABELS]
        binary = table.filter(pl.col("truth") != "neutral").select(
            ((pl.col("p_positive") > pl.col("p_negative")) == (pl.col("truth") == "positive")).mean()
        )
        print(
            f"{calibration}: macro-F1 {sum(scores) / 3:.3f} over {table.height:,} rows ("
            + ", ".join(f"{label} {score:.3f}" for label, score in zip(LABELS, scores, strict=True))
            + f"); positive against negative {binary.item():.3f} right",
            flush=True,
        )
