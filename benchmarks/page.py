"""What the report of a million reviews takes: seconds for its figures and its page, and the page's bytes. `python benchmarks/page.py [ROWS]`.

For scale: how often the ledger's requests could have been read one by one in that time.
"""

import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.ledger import history
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import RunStatus
from pipelines.output import report, times
from pipelines.output.page import page


def main(rows: int) -> None:
    """Make a ledger and results of so many reviews of a hundredth as many restaurants, and draw its page."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        make(out, rows)
        with history.opened(out) as (db, run):
            moments = [time.perf_counter()]
            for _ in db.execute("SELECT id, key, scheduled, first_token, last_token FROM request"):
                pass
            moments.append(time.perf_counter())
            took = times.read(db, run.number)
            moments.append(time.perf_counter())
            built = report.of(db, run, took)
            moments.append(time.perf_counter())
            drawn = page.render(out, db, built, took)
            moments.append(time.perf_counter())
        bare, read, figures, drawing = np.diff(moments).tolist()
        print(
            f"{rows:,} reviews: {read + figures + drawing:.1f} s: times {read:.1f} s, figures {figures:.1f} s, page {drawing:.1f} s, "
            f"{len(drawn) / 1e6:.2f} MB; {(read + figures + drawing) / bare:.1f} times as long as to read the requests ({bare:.1f} s)"
        )


def make(out: Path, rows: int) -> None:
    ledger = Ledger(out)
    ledger.begin({"model": "none", "device": "none"})
    ledger.note(RunStatus.DONE, makespan_s=rows / 100, plan_s=9.0, engine_start_s=20.0, steps=rows // 50, dry_steps=0,
                tasks={"mood": {"labels": {"good": rows // 2, "bad": rows - rows // 2}, "calibration": "anchors"}})  # fmt: skip
    ledger.close()
    rng = np.random.default_rng(1)
    places = rng.zipf(1.3, rows) % max(rows // 100, 1)
    ends = np.sort(rng.uniform(0, rows / 100, rows))
    with sqlite3.connect(out / "run.sqlite") as db:
        db.executemany("INSERT INTO item VALUES (?, ?, ?, 'f', ?, 'en', NULL, NULL, NULL, ?)",
                       ((n, f"r{n}", f"p{places[n]}", n, f"It was fine, number {n}. " * 10) for n in range(rows)))  # fmt: skip
        db.executemany(
            "INSERT INTO job VALUES (?, 'mood', ?, 0, NULL, 100, NULL)",
            ((int(n) + 1, f"p{n}") for n in np.unique(places)),
        )
        db.executemany("INSERT INTO ask VALUES ('mood', ?, ?, ?)", ((n, int(places[n]) + 1, n) for n in range(rows)))
        db.executemany(
            "INSERT INTO request (id, key, task, form, stage, state, attempts, run, job, arrival, admitted, queued, scheduled, first_token, "
            "last_token, prompt_tokens, expected_cached_tokens, cached_tokens, output_tokens, preemptions) "
            "VALUES (?1, ?2, 'mood', 'ask', 0, 'answered', 1, 1, ?3, 0, ?4, ?4, ?4, ?5, ?5, 100, 40, 40, 1, 0)",
            ((n, n.to_bytes(8), int(places[n]) + 1, max(float(ends[n]) - 1, 0), float(ends[n])) for n in range(rows)),
        )
    score = rng.uniform(-1, 1, rows)
    table = pl.DataFrame({
        "review_id": [f"r{n}" for n in range(rows)], "restaurant_id": [f"p{n}" for n in places],
        "label": np.where(score > 0, "good", "bad"), "confidence": rng.uniform(0.5, 1, rows), "score": score,
    })  # fmt: skip
    (out / "results").mkdir()
    table.write_parquet(out / "results" / "mood.parquet")
    by = table.group_by("restaurant_id", maintain_order=True)
    by.agg(pl.len().alias("reviews"), (pl.col("label") == "good").sum().alias("good"), (pl.col("label") == "bad").sum().alias("bad"),
           pl.col("score").mean().alias("mean_score")).write_parquet(out / "results" / "mood_by_restaurant.parquet")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
