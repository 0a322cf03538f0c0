"""What the program costs on top of vLLM: `run` against one bare `LLM.generate`, alternating, medians.

Both are timed from the moment the engine is up until the process has ended; the program's time includes writing every
answer, the results and the report. Memory is the peak of the whole process.
"""

import argparse
from statistics import median

import process

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--input", default="data-samples/reviews.parquet")
parser.add_argument("--limit", type=int, default=500)
parser.add_argument("--model", default="smollm2-135m")
parser.add_argument("--repeat", type=int, default=3)
given = parser.parse_args()


def work(done: process.Finished) -> float:
    return done.seconds - float(done.said["start_s"])


pairs = []
for turn in range(given.repeat):
    order = ("one_bare.py", "one_run.py") if turn % 2 == 0 else ("one_run.py", "one_bare.py")
    found = {script: process.run(script, given.input, given.limit, given.model) for script in order}
    bare, ours = found["one_bare.py"], found["one_run.py"]
    pairs.append((bare, ours))
    print(
        f"bare {work(bare):.2f} s ({bare.said['work_s']:.2f} in generate), run {work(ours):.2f} s "
        f"({ours.said['makespan_s']:.2f} makespan), ratio {work(ours) / work(bare):.3f}; tokens computed "
        f"{bare.said['computed_tokens']:,} and {ours.said['computed_tokens']:,}; ETA error at a tenth "
        f"{ours.said['eta_error_at_a_tenth']:.0%}, worst after {ours.said['eta_worst_error']:.0%}",
        flush=True,
    )

print(f"{pairs[0][1].said['requests']} requests, {given.repeat} alternations, medians:")
print(f"wall time after engine start: {median(work(o) / work(b) for b, o in pairs):.3f}x (at most 1.05x)")
print(f"peak memory: {median(o.peak_mib - b.peak_mib for b, o in pairs):+.0f} MiB (at most +300 MB)")
late = median(o.said["first_answer_s"] - b.said["start_s"] for b, o in pairs)
print(f"command to first durable answer, less the bare script's start: {late:+.2f} s (at most +2 s)")
