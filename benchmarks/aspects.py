"""Points of reviews against people's labels: which aspects were found, and whether their side is right.

The input is JSON lines with review_id, restaurant_id, text and labels, a list of [aspect, side] with the aspects food,
service, price and ambience and the sides praised, criticised and, where it is neither or both, mixed. What this program
calls otherwise counts as the one of the four that it belongs to. The program never sees the labels.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

FOLDED = {"drinks": "food", "portions": "food", "delivery": "service", "cleanliness": "ambience"}
LABELLED = ("food", "service", "price", "ambience")

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("--model", default="qwen2.5-1.5b")
parser.add_argument("--output", type=Path, help="keep the run here")
given = parser.parse_args()

truth: dict[str, dict[str, str]] = {}
for line in given.input.read_text(encoding="utf-8").splitlines():
    row = json.loads(line)
    truth[str(row["review_id"])] = dict(row["labels"])

with TemporaryDirectory() as scratch:
    output = given.output or Path(scratch)
    command = ["-m", "cli.main", "run", "points", "-i", given.input, "-o", output, "--model", given.model, "--quiet"]
    subprocess.run([sys.executable, *command], check=True)
    found = pl.read_parquet(output / "results" / "points.parquet")
    report = json.loads((output / "report.json").read_text())

sides: dict[tuple[str, str], set[str]] = {}
for review, side, aspect in found.select("review_id", "side", "aspect").iter_rows():
    if (of := FOLDED.get(aspect, aspect)) in LABELLED:
        sides.setdefault((review, of), set()).add(side)
labelled = {(review, aspect): side for review, labels in truth.items() for aspect, side in labels.items()}
both = sides.keys() & labelled.keys()
told = [key for key in both if labelled[key] != "mixed"]
precision, recall = len(both) / max(len(sides), 1), len(both) / max(len(labelled), 1)
right = sum(sides[key] == {labelled[key]} for key in told)
task = report["tasks"]["points"]
print(f"{report['rows']['answered']} of {report['rows']['in']} rows answered, {task['retried']} requests asked twice")
print(f"{found.height} points stand in their review, {task['ungrounded']} more did not and were left out")
f1 = 2 * len(both) / max(len(sides) + len(labelled), 1)
print(f"aspects: precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.2f}")
print(f"the side is right for {right} of {len(told)} aspects that were found")
