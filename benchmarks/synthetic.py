"""A corpus of made-up reviews, of any size."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = (  # noqa: SIM905  forty lines otherwise
    "the food service staff table waiter soup noodles pizza bread dessert wine coffee price portion room music was were "
    "good great cold slow friendly rude cheap dear fresh stale again never always very quite not and but with for us we"
).split()


def write(path: Path, rows: int, restaurants: int | None = None) -> None:
    """Write `rows` reviews of 3 to 160 words, of so many restaurants: by default of one for a hundred rows."""
    rng = random.Random(rows)
    schema = pa.schema([("review_id", pa.string()), ("restaurant_id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 10_000):
            numbers = range(start, min(start + 10_000, rows))
            texts = [" ".join(rng.choices(WORDS, k=int(3 + rng.expovariate(1 / 30)))[:160]) for _ in numbers]
            ids = [f"r{n}" for n in numbers], [f"x{rng.randrange(restaurants or rows // 100 + 1)}" for _ in numbers]
            writer.write_table(pa.table([*ids, texts], schema=schema))
