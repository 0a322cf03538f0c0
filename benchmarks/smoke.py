"""Where the seconds of a smoke run go: `reviewbatch run sentiment --model tiny --limit 100` beside a bare script.

Both are started as a person would start them, in turns, and timed to their end. The bare script imports vLLM, loads the
same model with the same settings, and answers the same prompts; of the first by itself the time is shown, too, for the
first step is the slowest.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from asked import prompts

from pipelines import cache
from pipelines.engine import vllm_setup
from pipelines.models import catalog

ROOT = Path(__file__).parents[1]
PHASES = ("imports", "engine", "first step", "other steps", "results", "exit")
LIMIT = 100

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--input", default="data-samples/reviews.parquet")
parser.add_argument("--repeat", type=int, default=5)
given = parser.parse_args()


def watched(stream: str, *command: object) -> tuple[float, dict[str, float]]:
    """Run a command; return its seconds, and when each line of a stream came that is looked for."""
    began = time.monotonic()
    seen: dict[str, float] = {}
    child = subprocess.Popen(
        list(map(str, command)), cwd=ROOT, text=True, env=ENVIRONMENT,
        stdout=subprocess.PIPE if stream == "stdout" else subprocess.DEVNULL,
        stderr=subprocess.PIPE if stream == "stderr" else subprocess.DEVNULL,
    )  # fmt: skip
    lines = child.stdout if stream == "stdout" else child.stderr
    assert lines
    for line in lines:
        now = time.monotonic() - began
        seen |= {mark: now for mark in ("loading", "engine up", "jobs in order", "run 1 done") if mark in line}
        word, _, moment = line.strip().partition(" ")
        if word in {"imports", "engine", "first", "work"} and stream == "stdout":
            seen[word] = float(moment) - began
    assert not child.wait()
    return time.monotonic() - began, seen


def ours() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        whole, seen = watched(
            "stderr", sys.executable, "-m", "cli.main", "run", "sentiment", "-i", given.input, "-o", folder, "--model",
            "tiny", "--limit", LIMIT,
        )  # fmt: skip
        with closing(sqlite3.connect(Path(folder) / "run.sqlite")) as db:
            first, last = db.execute("SELECT min(last_token), max(last_token) FROM request").fetchone()
        up = seen["jobs in order"]
        ends = (seen["loading"], up, up + first, up + last, seen["run 1 done"], whole)
        return dict(zip(PHASES, (b - a for a, b in zip((0.0, *ends), ends, strict=False)), strict=True))


def bare(work: Path) -> dict[str, float]:
    whole, seen = watched("stdout", sys.executable, ROOT / "benchmarks" / "one_smoke.py", work)
    ends = (seen["imports"], seen["engine"], seen["first"], seen["work"], seen["work"], whole)
    return dict(zip(PHASES, (b - a for a, b in zip((0.0, *ends), ends, strict=False)), strict=True))


model = catalog.find("tiny", cache.folder("models"))
asked, sampling = prompts(given.input, LIMIT, model)
context = -(-max(map(len, asked)) // 256) * 256
settings = vllm_setup.prepare(model, {"max_model_len": context})
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
with tempfile.TemporaryDirectory() as folder:
    work = Path(folder) / "work.json"
    work.write_text(json.dumps({"settings": settings, "score": sampling.score, "prompts": asked}))
    ours(), bare(work)  # for the files to be in memory, as they are the second time a person tries
    pairs = []
    for turn in range(given.repeat):
        one, other = (ours(), bare(work)) if turn % 2 else tuple(reversed((bare(work), ours())))
        pairs.append((one, other))
        print(f"reviewbatch {sum(one.values()):.2f} s, bare script {sum(other.values()):.2f} s", flush=True)

print(f"\nseconds, median of {given.repeat}; {len(asked)} prompts")
print(f"{'':12} {'reviewbatch':>12} {'bare script':>12}")
for phase in PHASES:
    print(f"{phase:12} {median(o[phase] for o, _ in pairs):12.2f} {median(b[phase] for _, b in pairs):12.2f}")
ratio = median(sum(one.values()) / sum(other.values()) for one, other in pairs)
print(f"the whole command: {ratio:.2f}x the bare script (at most 1.15x)")
