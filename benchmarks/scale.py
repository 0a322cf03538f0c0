"""What a billion reviews would take on 1 to 1,000 replicas: measured here is the driver, the rest is arithmetic.

Measured in this run: the driver (rows read, tokenised and written down; requests handed out, answered and committed;
results written), with engines that make their answers up. Given, by default from benchmarks/results/cpu.md: the reviews a
second of one replica. Simulated: everything in the table. The arithmetic is held against a simulation of every request
where those are few enough.
"""

import argparse
import math
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from math import inf
from pathlib import Path
from typing import Any

import driver
import process

from scheduling.speed import Prediction

# "Prediction" in benchmarks/results/cpu.md: `sentiment` of 9,955 reviews with SmolLM2-135M on two cores, in 4:18.
ON_CPU = 9_955 / 258
START = 20.0  # seconds that an engine took to start there
FEW, MANY, TOGETHER = 8, 128, 2_000  # replicas, which answer so many requests a second together
REPLICAS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000)
NEAR = 0.05  # by how much the arithmetic may be off


@dataclass(frozen=True, slots=True)
class Driver:
    """Seconds of one driver for each review: before the first is asked, while engines work, and after the last.

    Of what comes before, `read` is reading alone, which every driver of several does for all reviews. Each replica above
    `FEW` costs `replica` seconds more a request.
    """

    read: float
    fill: float
    drive: float
    write: float
    replica: float

    def request(self, replicas: int) -> float:
        """Return the seconds that it takes to hand out a request, take its answer and commit it."""
        return self.drive + self.replica * max(0, replicas - FEW)


def measured(rows: int) -> Driver:
    """Measure the driver over a corpus of so many made-up reviews."""
    with tempfile.TemporaryDirectory() as folder:
        filled = Path(folder) / "filled"
        fill = driver.fill(filled, rows)
        read = driver.read(filled)
        full = drive(filled, "processes", [inf] * FEW)
        # What more replicas cost shows once all of them are full, and small ones soon are.
        pace = TOGETHER * full["tokens"] / full["requests"]
        few, many = (drive(filled, "threads", [pace / n] * n, "--sequences", 16) for n in (FEW, MANY))
    requests = full["requests"]
    more = (many["loop_s"] - few["loop_s"]) / requests / (MANY - FEW)
    return Driver(
        read=read / rows,
        fill=fill / rows,
        drive=full["processor_s"] / requests,
        write=full["write_s"] / rows,
        replica=max(0.0, more),
    )


def drive(filled: Path, kind: str, speeds: Sequence[float], *more: object) -> dict[str, Any]:
    said: dict[str, Any] = process.run("one_drive.py", filled, kind, *speeds, *more).said
    return said


def work(reviews: float, replicas: int, speed: float, request: float) -> tuple[float, str]:
    """Return how long the work takes once the engines are up, and what it is bound by.

    The engines work side by side, and the driver on one request at a time beside them: whichever takes longer.
    """
    engines = Prediction(reviews / speed, 0.0, 0.0, 0.0).over([1.0] * replicas, 1 / speed).makespan
    driven = reviews * request
    return (driven, "driver") if driven > engines else (engines, "engines")


def simulated(reviews: int, replicas: int, speed: float, request: float) -> float:
    """Return the same by going through every request: handed out one by one, each to whoever will be free first."""
    rng = random.Random(reviews)
    free = [0.0] * replicas
    heapify(free)
    handed = 0.0
    for _ in range(reviews):
        handed += request
        heapreplace(free, max(free[0], handed) + rng.uniform(0.5, 1.5) / speed)
    return max(free)


def validate(speed: float, driven: Driver) -> None:
    """Hold the arithmetic against the simulation. Raises AssertionError where they are too far apart."""
    limit = 1 / driven.drive / speed  # replicas that are as fast together as the driver
    numbers = [1, 7, 50, *(max(1, round(limit * part)) for part in (0.5, 0.8, 1.25, 2))]
    off = []
    for replicas in numbers:
        reviews = max(20_000, 200 * replicas)
        request = driven.request(replicas)
        off.append(work(reviews, replicas, speed, request)[0] / simulated(reviews, replicas, speed, request) - 1)
    assert max(map(abs, off)) <= NEAR, off
    print(f"against {len(off)} simulations of every request, with {min(numbers)} to {max(numbers):,} replicas: off by "
          f"{min(off):+.1%} to {max(off):+.1%}")  # fmt: skip


def drivers(reviews: float, replicas: int, speed: float, driven: Driver) -> int:
    """Return how many drivers keep the replicas busy, each with its share of them and of the reviews."""
    for number in range(1, replicas):
        each = math.ceil(replicas / number)
        if work(reviews / number, each, speed, driven.request(each))[1] == "engines":
            return number
    return replicas


def curve(reviews: float, speed: float, start: float, driven: Driver) -> None:
    """Print what it takes with more and more replicas: of one driver, and of as many as keep the replicas busy."""
    print(f"\n{reviews:,.0f} reviews, {speed:,.1f} a second and replica, which starts in {start:.0f} s; one driver reads them in "
          f"{reviews * driven.fill / 3600:,.1f} h before engines are started, and writes the results in "
          f"{reviews * driven.write / 3600:,.1f} h")  # fmt: skip
    print(f"{'':8} | {'one driver':^44} | {'as many as keep up':^32}")
    print(f"{'replicas':>8} | {'work, h':>8} {'replica-hours':>13} {'efficiency':>10} {'bound by':>10} | "
          f"{'drivers':>7} {'work, h':>8} {'in all, h':>15}")  # fmt: skip
    for replicas in REPLICAS:
        seconds, bound = work(reviews, replicas, speed, driven.request(replicas))
        paid = replicas * (start + seconds)
        number = drivers(reviews, replicas, speed, driven)
        shared = work(reviews, replicas, speed, 0.0)[0]
        whole = start + shared + reviews * (driven.read + (driven.fill - driven.read + driven.write) / number)
        print(f"{replicas:8,} | {seconds / 3600:8,.1f} {paid / 3600:13,.0f} {reviews / speed / paid:10.0%} {bound:>10} | "
              f"{number:7,} {shared / 3600:8,.1f} {whole / 3600:15,.1f}")  # fmt: skip


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--reviews", type=float, default=1e9)
parser.add_argument("--speed", type=float, nargs="+", default=[ON_CPU], help="reviews a second of one replica")
parser.add_argument("--start", type=float, default=START, help="seconds that an engine takes to start")
parser.add_argument("--rows", type=int, default=100_000, help="made-up reviews to measure the driver with")
given = parser.parse_args()
driven = measured(given.rows)
print(f"measured, {given.rows:,} made-up reviews, one process: {1 / driven.fill:,.0f} rows/s read and written down "
      f"({1 / driven.read:,.0f} only read), "
      f"{1 / driven.drive:,.0f} requests/s handed out, answered and committed with {FEW} replicas in processes of their own (by the "
      f"processor), {driven.replica * 1e6:.2f} us more a request for each further one, {1 / driven.write:,.0f} rows/s of "
      f"results written")  # fmt: skip
for speed in given.speed:
    validate(speed, driven)
    curve(given.reviews, speed, given.start, driven)
