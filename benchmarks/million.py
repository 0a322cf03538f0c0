"""Memory and time of everything but the engine, over corpora of growing size: it must not grow with them."""

import argparse
import random
import tempfile
from pathlib import Path

import process
import pyarrow as pa
import pyarrow.parquet as pq

WORDS = [
    "the",
    "food",
    "service",
    "staff",
    "table",
    "waiter",
    "soup",
    "noodles",
    "pizza",
    "bread",
    "dessert",
    "wine",
    "coffee",
    "price",
    "portion",
    "room",
    "music",
    "was",
    "were",
    "good",
    "great",
    "cold",
    "slow",
    "friendly",
    "rude",
    "cheap",
    "dear",
    "fresh",
    "stale",
    "again",
    "never",
    "always",
    "very",
    "quite",
    "not",
    "and",
    "but",
    "with",
    "for",
    "us",
    "we",
]


def write(path: Path, rows: int) -> None:
    """Write `rows` reviews of 3 to 160 words, of one restaurant in a hundred rows."""
    rng = random.Random(rows)
    schema = pa.schema([("review_id", pa.string()), ("restaurant_id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 10_000):
            numbers = range(start, min(start + 10_000, rows))
            texts = [" ".join(rng.choices(WORDS, k=int(3 + rng.expovariate(1 / 30)))[:160]) for _ in numbers]
            ids = [f"r{n}" for n in numbers], [f"x{rng.randrange(rows // 100 + 1)}" for _ in numbers]
            writer.write_table(pa.table([*ids, texts], schema=schema))


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
given = parser.parse_args()
with tempfile.TemporaryDirectory() as folder:
    for rows in given.rows:
        source = Path(folder) / f"{rows}.parquet"
        write(source, rows)
        done = process.run("one_plan.py", source)
        said = done.said
        print(
            f"{said['rows']:,} rows, {said['prompt_tokens']:,} prompt tokens, {said['jobs']:,} jobs: read, tokenised and "
            f"costed in {said['fill_s']:.1f} s, ordered in {said['order_s']:.2f} s, peak {done.peak_mib:,.0f} MiB (at most 1,536)",
            flush=True,
        )
