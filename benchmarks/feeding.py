"""What continuous feeding gains over one `LLM.generate` a batch, on answers of very different lengths, in turns."""

import argparse
from statistics import median

import process

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--input", default="data-samples/reviews.parquet")
parser.add_argument("--limit", type=int, default=300)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--repeat", type=int, default=3)
given = parser.parse_args()

ratios = []
for turn in range(given.repeat):
    feeds = ("generate", "continuous") if turn % 2 == 0 else ("continuous", "generate")
    found = {
        feed: process.run("one_feed.py", given.input, given.limit, given.model, feed, given.batch).said
        for feed in feeds
    }
    batched, fed = found["generate"], found["continuous"]
    ratios.append(fed["makespan_s"] / batched["makespan_s"])
    print(
        f"generate {batched['makespan_s']:.1f} s in {batched['steps']} batches, continuous {fed['makespan_s']:.1f} s in "
        f"{fed['steps']} steps, {fed['dry_steps']} of them dry: {ratios[-1]:.2f}x; {fed['requests']} requests, "
        f"{fed['output_tokens']:,} and {batched['output_tokens']:,} output tokens, the longest {fed['longest']}",
        flush=True,
    )
print(
    f"continuous / generate in batches of {given.batch}, makespan: {median(ratios):.2f}x (at most 0.85x), median of {given.repeat}"
)
