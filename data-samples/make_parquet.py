"""Write reviews.parquet from reviews.jsonl: the same rows, in the same order."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).resolve().parent
SCHEMA = pa.schema(
    {
        "review_id": pa.string(),
        "restaurant_id": pa.string(),
        "text": pa.string(),
        "rating": pa.int8(),
        "lang": pa.string(),
    }
)


def main() -> None:
    """Read every line, and write one Parquet file beside it."""
    with (FOLDER / "reviews.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    target = FOLDER / "reviews.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), target, compression="zstd")
    print(f"{len(rows)} rows written to {target}")


if __name__ == "__main__":
    main()
