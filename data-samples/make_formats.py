"""Write what is in reviews.jsonl as people have it: Parquet, a CSV with names of its own, places with their reviews."""

import csv
import json
from itertools import groupby
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
STARS = 5


def main() -> None:
    """Read every line, and write three files beside it."""
    with (FOLDER / "reviews.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), FOLDER / "reviews.parquet", compression="zstd")
    with (FOLDER / "export.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(["Restaurant", "Rating", "Review"])
        table.writerows([row["restaurant_id"], f"{row['rating']} of {STARS}", row["text"]] for row in rows)
    rows.sort(key=lambda row: row["restaurant_id"])
    places = [
        {
            "name": restaurant,
            "reviews": [
                {
                    "author": {"name": "a diner"},
                    "stars": "★" * row["rating"] + "☆" * (STARS - row["rating"]),
                    "text": row["text"],
                }
                for row in reviews
            ],
        }
        for restaurant, reviews in groupby(rows, lambda row: row["restaurant_id"])
    ]
    (FOLDER / "places.json").write_text(json.dumps(places, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(rows)} rows written to reviews.parquet, export.csv and places.json")


if __name__ == "__main__":
    main()
