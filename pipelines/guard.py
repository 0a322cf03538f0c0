"""The guard: a process beside this one that kills its children when it has died.

An engine whose parent was killed with -9 lives on and holds the GPU's memory, so that the next run could not start. Run
as a program, this file watches its parent; it must import nothing else of the project's.
"""

import os
import select
import subprocess
import sys
from pathlib import Path

SECONDS = 1.0  # between two looks


def post() -> subprocess.Popen[bytes] | None:
    """Post a guard over this process; return it, None where vLLM has no children."""
    if os.environ.get("VLLM_ENABLE_V1_MULTIPROCESSING") == "0":
        return None
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def dismiss(guard: subprocess.Popen[bytes] | None) -> None:
    """Let a guard go; again does nothing."""
    if guard:
        guard.kill()
        guard.communicate()


def _watch() -> None:
    """Note which children the parent has until it dies, then kill those.

    Nobody writes to the pipe at stdin, which ends with the parent.
    """
    parent, me = str(os.getppid()), str(os.getpid())
    # A child is known by its number and the moment it began, for another process may have its number later.
    known: dict[str, str] = {}
    while not select.select([sys.stdin], [], [], SECONDS)[0]:
        processes = {place.name for place in Path("/proc").iterdir() if place.name.isdigit()} - {me}
        states = {of: _state(of) for of in processes}
        known |= {of: began for of, (above, began) in states.items() if above == parent}
    for of, began in known.items():
        if _state(of)[1] == began:
            os.kill(int(of), 9)


def _state(of: str) -> tuple[str, str]:
    """Return a process's parent and the moment it began, empty when there is no such process."""
    try:
        _, above, *more = Path("/proc", of, "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return "", ""
    return above, more[17]


if __name__ == "__main__":
    _watch()
