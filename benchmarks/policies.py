"""What the order changes: `prefill` and `longest` against `fifo` on restaurants of very unequal size.

The input needs as many reviews a restaurant as `--most`. The SLA is a third of what `fifo` takes for all.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uneven

given = uneven.arguments(__doc__)


def compare(corpus: Path, policies: str, repeat: int, *options: str) -> Any:
    command = ["-m", "cli.main", "compare", "sentiment", "-i", corpus, "--model", given.model, "--json", "--quiet"]
    command += ["-o", corpus.parent / "out", "--policies", policies, "--repeat", repeat, *options]
    done = subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


with TemporaryDirectory() as folder:
    corpus = Path(folder) / "uneven.parquet"
    rows = uneven.write(given.input, corpus, given.restaurants, given.most).height
    third = compare(corpus, "fifo,prefill", 1)["policies"]["fifo"]["makespan_s"]["median"] / 3
    found = compare(corpus, "fifo,prefill,longest", given.repeat, "--sla", f"{third:.1f}s")

print(f"{given.restaurants} restaurants, {rows:,} reviews, SLA {third:.1f} s, medians of {given.repeat} alternations")
for policy, targets in (
    (
        "prefill",
        {"job_completion_mean_s": "at most 0.65x", "makespan_s": "at most 1.02x", "goodput_per_min": "at least 1.5x"},
    ),
    ("longest", {"makespan_s": "at most 1x but for noise"}),
):
    for name, target in targets.items():
        ratio = found["against_first"][policy][name]
        before, after = (found["policies"][of][name]["median"] for of in ("fifo", policy))
        print(
            f"{policy} / fifo, {name}: {ratio['median']:.2f}x ({ratio['low']:.2f} to {ratio['high']:.2f}), "
            f"{before:.1f} and {after:.1f}; {target}; more than the noise: {ratio['more_than_noise']}"
        )
print("\n".join(found["verdict"]))
