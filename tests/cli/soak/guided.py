"""A fuzzer that is guided by coverage: `python guided.py TARGET TIMES FOLDER`, with atheris, which `pip install` has.

It keeps in the folder what leads to code that nothing before has led to, and ends with a status other than 0 at a find,
which is in the folder as well: `crash-...`, `timeout-...` or `oom-...`.
"""

import os
import runpy
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent


def main(name, times, folder):
    with atheris.instrument_imports(include=["cli", "pipelines", "tomllib"]):
        fuzzed = runpy.run_path(str(HERE / "test_fuzzed.py"))
    os.chdir(folder)
    fuzzed["furnish"](Path())
    found, begun = Path("found"), Path("begun")
    for place in (found, begun):
        place.mkdir(exist_ok=True)
    for number, one in enumerate(fuzzed["seeds"](name)):
        (begun / str(number)).write_bytes(one)
    how = [f"-runs={times}", f"-max_len={fuzzed['TYPED']}", "-timeout=60", "-rss_limit_mb=4096", "-artifact_prefix=./"]
    atheris.Setup([sys.argv[0], *how, str(found), str(begun)], fuzzed["TARGETS"][name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
