"""Run every benchmark, one after the other; `make bench INPUT=reviews.parquet` for a corpus of your own."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
corpus = sys.argv[1:2] or ["data-samples/reviews.parquet"]
for script, *arguments in (
    ("help.py",),
    ("overhead.py", "--input", *corpus),
    ("million.py",),
):
    print(f"\n{script}", flush=True)
    subprocess.run([sys.executable, FOLDER / script, *arguments], check=True)
