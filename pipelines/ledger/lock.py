"""The lock: a folder belongs to one run at a time."""

import fcntl
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TextIO

from pipelines.errors import LedgerError
from pipelines.files import LEDGER, RESULTS, WRITTEN

NAME = ".lock"
LONGEST = 493  # bytes of the folder's path: with the ledger's name it has as many as SQLite takes
# What a run writes in its folder, which may have files of others; a table takes the place of a link.
OURS = (NAME, *WRITTEN, "report.*", f"{LEDGER}*", ".*.tmp")


def hold(folder: Path) -> TextIO:
    """Return an open file that keeps other runs out of the folder; the kernel drops it with the process.

    Raises LedgerError also where one of a run's own files is a link, through which it would write over another file.
    Who makes one after that can write in the folder while a run does, and could change its answers as well.
    """
    try:
        if len(os.fsencode(folder.resolve())) > LONGEST:
            raise LedgerError(
                f"no ledger can be where the path has more than {LONGEST} bytes: choose another --output than {folder}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        if links := list(_links(folder)):
            raise LedgerError(f"{links[0]} is a link, and a run writes to none: remove it, or choose another --output")
        lock = os.fdopen(os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666), "w")
    except (OSError, ValueError) as error:
        raise LedgerError(f"cannot write to {folder}: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise LedgerError(f"another run is working in {folder}: wait for it, or choose another --output") from error
    for left in (*folder.glob(".*.tmp"), *(folder / RESULTS).glob(".*.tmp")):  # by a run that was killed
        if not left.is_dir():
            left.unlink(missing_ok=True)
    return lock


def _links(folder: Path) -> Iterator[Path]:
    """Yield what is a link of that which a run writes; the folder may be one itself."""
    for path in folder.iterdir():
        if path.is_symlink() and any(fnmatch(path.name, written) for written in OURS):
            yield path
