"""How near a predicted makespan is: a first run leaves its measurements behind, a second one on other reviews uses them."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import process
import uneven

given = uneven.arguments(__doc__)

errors = []
with TemporaryDirectory() as folder:
    for turn in range(given.repeat):
        measurements = Path(folder) / f"{turn}.jsonl"
        runs = []
        for part in range(2):
            corpus = Path(folder) / f"{turn}-{part}.parquet"
            rows = uneven.write(given.input, corpus, given.restaurants, given.most, seed=2 * turn + part).height
            runs.append(process.run("one_run.py", corpus, rows, given.model, "--measurements", measurements).said)
        first, second = runs
        predicted, took = second["predicted"], second["makespan_s"]
        errors.append(abs(predicted["makespan_s"] / took - 1))
        within = predicted["low_s"] <= took <= predicted["high_s"]
        print(
            f"measured {first['makespan_s']:.1f} s for {first['computed_tokens']:,} tokens; for {second['computed_tokens']:,} "
            f"predicted {predicted['makespan_s']:.1f} s ({predicted['low_s']:.1f} to {predicted['high_s']:.1f}), took {took:.1f} s: "
            f"{predicted['makespan_s'] / took - 1:+.0%}, {'within' if within else 'outside'} the band; cached "
            f"{second['expected_cached_tokens']:,} predicted, {second['cached_tokens']:,} reported; {second['dry_steps']} of "
            f"{second['steps']} steps dry",
            flush=True,
        )
print(
    f"predicted makespan off by {median(errors):.0%}, at most {max(errors):.0%} (median at most 15 %), {given.repeat} pairs"
)
