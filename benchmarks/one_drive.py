"""Drive made-up engines over a filled ledger, as a child of fleet.py: prints what it took as JSON."""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import driver
import made_up

from pipelines.engine.cluster import LOCAL, Cluster
from pipelines.engine.interface import Engine
from pipelines.engine.local import Local


@contextmanager
def replicas(kind: str, speeds: Sequence[float], sequences: int) -> Iterator[Sequence[Callable[..., Engine]]]:
    """Make the starts of replicas of some speeds: threads of this process, processes, or actors on Ray, which are alike."""
    if kind == "threads":
        yield [partial(made_up.start, speed, sequences) for speed in speeds]
        return
    start = partial(made_up.start, speeds[0], sequences)
    with closing(
        Local(start, [{}] * len(speeds)) if kind == "processes" else Cluster(start, len(speeds), LOCAL, cards=0)
    ) as on:
        yield on.starts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("filled", type=Path)
    parser.add_argument("kind", choices=["threads", "processes", "ray"])
    parser.add_argument("speeds", type=float, nargs="+", help="prompt tokens a second of each replica")
    parser.add_argument("--sequences", type=int, default=128, help="requests that each runs at once")
    given = parser.parse_args()
    with replicas(given.kind, given.speeds, given.sequences) as starts:
        print(json.dumps(asdict(driver.drive(given.filled, starts))))


if __name__ == "__main__":  # a replica in a process of its own imports this, too
    main()
