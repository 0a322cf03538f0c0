"""A child process, timed and weighed from outside."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Finished:
    """What a child took: wall seconds, peak resident memory in MiB, and the last line it printed, as JSON."""

    seconds: float
    peak_mib: float
    said: Any


def run(script: str, *arguments: object) -> Finished:
    """Run a script of this folder to its end. Raises CalledProcessError when it fails."""
    command = [sys.executable, str(Path(__file__).parent / script), *map(str, arguments)]
    began = time.monotonic()
    child = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BEGAN": str(began)},
    )  # fmt: skip
    assert child.stdout
    lines = child.stdout.read().splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
    if status:
        raise subprocess.CalledProcessError(status, command)
    return Finished(seconds, usage.ru_maxrss / 1024, json.loads(lines[-1]))
