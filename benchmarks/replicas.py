"""What it costs to drive an engine in another process, and what a second one gains, in turns with one in this process."""

import argparse
from statistics import median

import process

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--input", default="data-samples/reviews.parquet")
parser.add_argument("--limit", type=int, default=500)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--repeat", type=int, default=3)
given = parser.parse_args()

WAYS = {0: "in this process", 1: "one in another process", 2: "two in processes of their own"}
ratios: dict[int, list[float]] = {1: [], 2: []}
lost: dict[int, list[float]] = {way: [] for way in WAYS}
for turn in range(given.repeat):
    ways = [*WAYS] if turn % 2 == 0 else [*reversed(WAYS)]
    found = {
        way: process.run("one_run.py", given.input, given.limit, given.model, "--replicas", way).said for way in ways
    }
    for way, took in found.items():
        off = took["cached_tokens"] / max(took["expected_cached_tokens"], 1)
        print(
            f"{WAYS[way]}: {took['makespan_s']:.1f} s for {took['requests']:,} requests, "
            f"engines without work {took['lost']:.1%} of their time, cached tokens {off:.3f}x of those foreseen",
            flush=True,
        )
    for way, took in found.items():
        lost[way].append(took["lost"])
    for way, of in ratios.items():
        of.append(found[way]["makespan_s"] / found[0]["makespan_s"])
for way, of in ratios.items():
    print(f"{WAYS[way]} / {WAYS[0]}, makespan: {median(of):.2f}x, {', '.join(f'{ratio:.2f}' for ratio in of)}")
for way, of in lost.items():
    print(f"{WAYS[way]}: engines without work {median(of):.1%} of their time (at most 5 %)")
print("Two gain where each has a card of its own; here the engines and what drives them share the processors.")
