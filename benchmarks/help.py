"""How long `reviewbatch --help` takes, beside an empty Python."""

import subprocess
import sys
import time
from statistics import median


def seconds(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


times = [(seconds(sys.executable, "-c", ""), seconds(sys.executable, "-m", "cli.main", "--help")) for _ in range(11)]
empty, ours = (median(column) for column in zip(*times, strict=True))
print(f"empty Python {empty:.3f} s, --help {ours:.3f} s (at most 0.5 s), median of {len(times)}")
