"""A corpus of restaurants of very unequal size, cut out of one with many reviews of each."""

import argparse
import random
from pathlib import Path

import polars as pl


def arguments(description: str | None) -> argparse.Namespace:
    """Read the command line of a benchmark that uses such corpora."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("input", type=Path)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--restaurants", type=int, default=60)
    parser.add_argument("--most", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


def write(source: Path, target: Path, restaurants: int, most: int, seed: int = 0) -> pl.DataFrame:
    """Keep `most` reviews of the first restaurant, fewer and fewer of the others down to one, in random order.

    The sizes fall geometrically. Restaurants stay together, as they do in an export, and so come in an order
    that has nothing to do with their size.
    """
    rng = random.Random(seed)
    reviews = pl.read_parquet(source).with_columns(pl.col("restaurant_id").cast(pl.String))
    names = reviews["restaurant_id"].unique(maintain_order=True).to_list()
    rng.shuffle(names)
    sizes = [round(most ** (1 - n / (restaurants - 1))) for n in range(restaurants)]
    parts = [
        reviews.filter(pl.col("restaurant_id") == name).head(size)
        for name, size in zip(names[:restaurants], sizes, strict=True)
    ]
    rng.shuffle(parts)
    corpus = pl.concat(parts)
    corpus.write_parquet(target)
    return corpus
