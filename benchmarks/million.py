"""A million reviews through the whole program with an engine that makes its answers up: what is bounded must not grow with them.

Each corpus is read, asked, answered to nine tenths and stopped; then the same command continues to results and report. On a
machine that has other things to do trust the seconds of the processor, which are shown beside those of the clock.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import process
import synthetic

MOST_MIB, LEAST, MOST_S = 2048, 5_000, 30  # peak memory, rows a second, seconds until a run that continues asks again
SHARE = 0.9  # of the answers that are there when it is stopped


def plan(folder: Path, rows: int) -> None:
    """Print what everything but the engine takes."""
    source = folder / f"{rows}.parquet"
    synthetic.write(source, rows)
    done = process.run("one_plan.py", source)
    said = done.said
    print(
        f"{said['rows']:,} rows, {said['prompt_tokens']:,} prompt tokens, {said['jobs']:,} jobs: read, tokenised and "
        f"costed in {said['fill_s']:.1f} s, ordered in {said['order_s']:.2f} s, peak {done.peak_mib:,.0f} MiB (at most 1,536)",
        flush=True,
    )


def whole(folder: Path, rows: int, restaurants: int | None, tasks: list[str], *more: str) -> None:
    """Print what a run takes that is stopped, and what the same command takes that continues it."""
    source, output = folder / "whole.parquet", folder / f"out-{rows}-{restaurants}-{len(more)}"
    synthetic.write(source, rows, restaurants)
    command = [source, output, *tasks, *more]
    last = first = process.run("one_whole.py", *command, "--until", SHARE).said
    print(f"{rows:,} rows, {restaurants or rows // 100 + 1:,} restaurants, {' '.join(tasks)} {' '.join(more)}:")
    if first["finished"]:
        print("  the last answers, those about restaurants, came all at once: it was not stopped")
    else:
        last = process.run("one_whole.py", *command).said
        print(
            f"  nine tenths answered, it asks again after {last['first_s']:.0f} s, {last['first_processor_s']:.0f} of the "
            f"processor (at most {MOST_S})"
        )
    peaks = first["peaks"] if first is last else [*first["peaks"], *last["peaks"][-1:]]
    print(
        f"  peak {', '.join(f'{peak:,.0f}' for peak in peaks)} MiB after each tenth, {last['peak']:,.0f} with results "
        f"and report (at most {MOST_MIB:,}); {last['bytes'] / rows:,.0f} bytes of ledger a row"
    )
    print(
        f"  answered: {_rate(first['answers'], first['loop_s'], first['loop_processor_s'])}; the whole: "
        f"{_rate(rows, *_took(first, last))} (at least {LEAST:,}); results and report took {last['after_s']:.0f} s",
        flush=True,
    )


def _took(first: dict[str, Any], last: dict[str, Any]) -> tuple[float, float]:
    """Return the seconds of a run that nobody stops, by the clock and by the processor."""
    if first is last:
        return first["seconds"], first["processor_s"]
    clock = first["seconds"] - first["after_s"] + last["seconds"] - last["first_s"]
    return clock, first["processor_s"] + last["processor_s"] - last["first_processor_s"]


def _rate(rows: int, clock: float, processor: float) -> str:
    return f"{rows / clock:,.0f} rows/s by the clock, {rows / processor:,.0f} by the processor"


PARTS = ("plan", "whole", "one", "many")
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
parser.add_argument("--real", action="store_true", help="with vLLM and the model tiny, 100,000 rows")
given = parser.parse_args()
with tempfile.TemporaryDirectory() as name:
    if given.real:
        whole(Path(name), 100_000, None, ["sentiment"], "--real")
        raise SystemExit
    for rows in given.rows:
        if "plan" in given.parts:
            plan(Path(name), rows)
    most = max(given.rows)
    if "whole" in given.parts:
        whole(Path(name), most, None, ["sentiment"])
    if "one" in given.parts:
        whole(Path(name), most // 10, 1, ["sentiment", "summary"])
    if "many" in given.parts:
        whole(Path(name), most, most * 1_000, ["sentiment"])
