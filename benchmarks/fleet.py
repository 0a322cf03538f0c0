"""What a fleet costs its driver, and how well it shares the work, with engines that make their answers up.

How many requests a second are handed out, answered and committed; whether memory grows with them; and how near replicas of
unequal speed come to the best makespan. On a machine that has other things to do trust the seconds of the processor, which
are shown beside those of the clock.
"""

import argparse
import tempfile
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import driver
import process

UNEQUAL = (1, 1, 1, 1, 2, 2, 4, 4)
UNIT = 8_000.0  # prompt tokens a second of the slowest of them
LEAST, LEAST_RAY, MOST = 5_000, 2_000, 1.05  # requests a second; how many times the best makespan


def drive(filled: Path, kind: str, speeds: Sequence[float], *more: object) -> dict[str, Any]:
    said: dict[str, Any] = process.run("one_drive.py", filled, kind, *speeds, *more).said
    return said


def throughput(filled: Path, kind: str, replicas: int, least: int) -> None:
    took = drive(filled, kind, [inf] * replicas)
    requests = took["requests"]
    print(
        f"{replicas} replicas in {kind}: {requests / took['seconds']:,.0f} requests/s by the clock, "
        f"{requests / took['processor_s']:,.0f} by the processor (at least {least:,}), {requests:,} requests; of "
        f"{took['processor_s'] / requests * 1e6:.0f} us each the loop has {took['loop_s'] / requests * 1e6:.0f}",
        flush=True,
    )


def memory(filled: Path) -> None:
    took = drive(filled, "threads", [inf] * 8)
    peaks = took["peaks"]
    print(
        f"{took['requests']:,} requests: peak {', '.join(f'{peak:,.0f}' for peak in peaks)} MiB after each tenth, "
        f"{peaks[-1] - peaks[0]:+,.0f} MiB from the first to the last; {took['requests'] / took['seconds']:,.0f} requests/s",
        flush=True,
    )


def makespan(filled: Path) -> None:
    speeds = [UNIT * speed for speed in UNEQUAL]
    took = drive(filled, "threads", speeds, "--sequences", 16)  # so that a step is short against the whole
    best = max(took["tokens"] / sum(speeds), took["longest"] / max(speeds))
    print(
        f"replicas {' '.join(map(str, UNEQUAL))} times as fast: {took['seconds']:.1f} s, and at best {best:.1f} s: "
        f"{took['seconds'] / best:.3f}x (at most {MOST}x)",
        flush=True,
    )


PARTS = ("throughput", "makespan", "memory")
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, default=50_000)
parser.add_argument("--many", type=int, default=1_000_000, help="rows for memory")
parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
given = parser.parse_args()
with tempfile.TemporaryDirectory() as folder:
    few, many = Path(folder) / "few", Path(folder) / "many"
    if {"throughput", "makespan"} & {*given.parts}:
        driver.fill(few, given.rows)
    if "throughput" in given.parts:
        throughput(few, "threads", 8, LEAST)
        throughput(few, "processes", 8, LEAST)
        throughput(few, "ray", 2, LEAST_RAY)
    if "makespan" in given.parts:
        makespan(few)
    if "memory" in given.parts:
        driver.fill(many, given.many)
        memory(many)
