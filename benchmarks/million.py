"""Memory and time of everything but the engine, over corpora of growing size: it must not grow with them."""

import argparse
import tempfile
from pathlib import Path

import process
import synthetic

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
given = parser.parse_args()
with tempfile.TemporaryDirectory() as folder:
    for rows in given.rows:
        source = Path(folder) / f"{rows}.parquet"
        synthetic.write(source, rows)
        done = process.run("one_plan.py", source)
        said = done.said
        print(
            f"{said['rows']:,} rows, {said['prompt_tokens']:,} prompt tokens, {said['jobs']:,} jobs: read, tokenised and "
            f"costed in {said['fill_s']:.1f} s, ordered in {said['order_s']:.2f} s, peak {done.peak_mib:,.0f} MiB (at most 1,536)",
            flush=True,
        )
