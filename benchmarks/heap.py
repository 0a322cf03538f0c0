"""Ordering a corpus of jobs and draining the heap: the time, and how it grows."""

import argparse
import random
import time
from math import log2
from statistics import median

from scheduling.job import Job
from scheduling.policy import POLICIES
from scheduling.queue import JobQueue

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--jobs", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
parser.add_argument("--repeat", type=int, default=3)
given = parser.parse_args()

for n in given.jobs:
    rng = random.Random(n)
    jobs = [Job(id=i, task="sentiment", cost=rng.randrange(10**6), position=i) for i in range(n)]
    times = []
    for _ in range(given.repeat):
        began = time.perf_counter()
        queue = JobQueue(POLICIES["prefill"], jobs)
        while queue:
            queue.pop(0.0)
        times.append(time.perf_counter() - began)
    took = median(times)
    print(
        f"{n:,} jobs ordered and drained in {took:.2f} s (a million: at most 5 s), {took / (n * log2(n)) * 1e9:.0f} ns for each "
        f"n log n, median of {given.repeat}",
        flush=True,
    )
