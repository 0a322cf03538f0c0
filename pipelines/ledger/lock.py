"""The lock: a folder belongs to one run at a time."""

import fcntl
from pathlib import Path
from typing import TextIO

from pipelines.errors import LedgerError


def hold(folder: Path) -> TextIO:
    """Return an open file that keeps other runs out of the folder; the kernel drops it with the process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except (OSError, ValueError) as error:
        raise LedgerError(f"cannot write to {folder}: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise LedgerError(f"another run is working in {folder}: wait for it, or choose another --output") from error
    return lock
