"""What it costs to look for damage before a run goes on, held against reading its rows, and to recover what can be read.

`python benchmarks/damage.py [ROWS]`.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import driver

from pipelines.ledger import damage, database, digest
from pipelines.ledger.recovery import recover

WORDS = 28  # scored of each review, as by `sentiment`
FILES_HEAD = 100  # bytes at the beginning of the file, without which SQLite reads none of it


def main(rows: int) -> None:
    """Fill a ledger with so many rows, answer them, look for damage, then damage it and recover it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "out"
        reading = driver.fill(folder, rows)
        path = folder / database.NAME
        with closing(database.connect(path)) as db, database.transaction(db):
            rng = random.Random(rows)
            waiting = [id_ for (id_,) in db.execute("SELECT id FROM request")]
            told = ((json.dumps([rng.uniform(-20, 0) for _ in range(WORDS)]), id_) for id_ in waiting)
            db.executemany("UPDATE request SET state = 'answered', body = NULL, answer = ?, run = 1 WHERE id = ?", told)
            db.execute(f"UPDATE request SET digest = {digest.of_answer()}")
        with closing(database.read(path)) as db:
            assert not damage.find_any(db)
            parts = {
                "every page": seconds(lambda: db.execute("PRAGMA quick_check(1)").fetchone()),
                "the keys": seconds(lambda: db.execute("PRAGMA integrity_check(request)").fetchone()),
                "the answers": seconds(lambda: db.execute(f"SELECT 1 FROM request WHERE {damage.SPOILT}").fetchone()),
            }
            rows_s = seconds(lambda: digest.of_rows(db))
        looking, size = sum(parts.values()), path.stat().st_size
        with path.open("r+b") as file:
            file.write(bytes(FILES_HEAD))
        saving = seconds(lambda: recover(folder))
        print(
            f"{rows:,} rows, {size / 1e6:,.0f} MB: {looking:.1f} s ({', '.join(f'{part} {s:.1f} s' for part, s in parts.items())}), "
            f"{looking / reading:.3f} times as long as to read and ask ({reading:.1f} s); all rows sealed in {rows_s:.1f} s; "
            f"recovered in {saving:.1f} s"
        )


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
