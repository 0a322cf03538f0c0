"""Run every benchmark, one after the other; `make bench INPUT=reviews.parquet` for a corpus of your own.

Those about order need one with many reviews of each restaurant, and are left out without it.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
given = sys.argv[1:2]
corpus = given or ["data-samples/reviews.parquet"]
for script, *arguments in (
    ("help.py",),
    ("smoke.py",),
    ("heap.py",),
    ("overhead.py", "--input", *corpus),
    ("feeding.py", "--input", *corpus),
    *((script, *given) for script in ("policies.py", "prediction.py", "passes.py", "nights.py", "answers.py") if given),
    ("million.py",),
    ("damage.py",),
    ("fleet.py",),
    ("scale.py",),
):
    print(f"\n{script}", flush=True)
    subprocess.run([sys.executable, FOLDER / script, *arguments], check=True)
