"""Label quality on a corpus with labels: macro-F1 and calibration under every calibration, from one pass of the model.

The input needs the columns review_id, restaurant_id, text and label (positive, neutral, negative). Labels are
compared with at the end; the program never sees them.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipelines.tasks.calibration import calibration_error

LABELS = ("positive", "neutral", "negative")
BINS = 10

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--output", type=Path, help="keep the run here")
given = parser.parse_args()


def f1(table: pl.DataFrame, label: str) -> float:
    right = ((pl.col("label") == label) & (pl.col("truth") == label)).sum()
    said, true = (pl.col("label") == label).sum(), (pl.col("truth") == label).sum()
    return table.select(2 * right / (said + true)).item() or 0.0


def reliability(table: pl.DataFrame) -> None:
    """Print, for bins of confidence, how many rows are in each, how sure of them the model is, and how many are right."""
    bins = (pl.col("confidence") * BINS).floor().clip(0, BINS - 1).cast(pl.Int64)
    curve = table.group_by(bin=bins).agg(pl.len(), pl.col("confidence").mean(), pl.col("right").mean()).sort("bin")
    for n, rows, confidence, right in curve.iter_rows():
        print(f"    {n / BINS:.1f} to {(n + 1) / BINS:.1f}: {rows:6,} rows, {confidence:.2f} sure, {right:.2f} right")


truth = pl.read_parquet(given.input, columns=["review_id", "label"]).select(
    pl.col("review_id").cast(pl.String), truth="label"
)
with TemporaryDirectory() as scratch:
    output = given.output or Path(scratch)
    for calibration in ("anchors", "corpus", "raw"):
        command = ["-m", "cli.main", "run", "sentiment", "-i", given.input, "-o", output, "--model", given.model]
        subprocess.run([sys.executable, *command, "--calibration", calibration, "--quiet"], check=True)
        table = pl.read_parquet(output / "results" / "sentiment.parquet").join(truth, on="review_id")
        table = table.with_columns(right=pl.col("label") == pl.col("truth"))
        scores = [f1(table, label) for label in LABELS]
        binary = table.filter(pl.col("truth") != "neutral").select(
            ((pl.col("p_positive") > pl.col("p_negative")) == (pl.col("truth") == "positive")).mean()
        )
        known = table.drop_nulls("truth")
        error = calibration_error(known["confidence"].to_numpy(), known["right"].to_numpy())
        print(
            f"{calibration}: macro-F1 {sum(scores) / 3:.3f} over {table.height:,} rows ("
            + ", ".join(f"{label} {score:.3f}" for label, score in zip(LABELS, scores, strict=True))
            + f"); positive against negative {binary.item():.3f} right; expected calibration error {error:.3f}",
            flush=True,
        )
        reliability(known)
