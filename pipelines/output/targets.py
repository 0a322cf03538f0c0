"""The targets: what a command is going to write, tried before the work that leads to it."""

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pipelines.corpus.sources import OURS
from pipelines.errors import LedgerError
from pipelines.files import RESULTS
from pipelines.output.tables import BY_RESTAURANT, FORMATS

LITTLE = 1 << 20  # bytes without which nothing can begin
FULL = {errno.ENOSPC, errno.EDQUOT}
REMOVE = "Remove it, or choose another folder"


def of_run(tasks: Iterable[str]) -> list[str]:
    """Return the names of what a run of some tasks writes in its folder, or removes there."""
    tables = [f"{task}{rolled_up}.{kind}" for task in tasks for rolled_up in ("", BY_RESTAURANT) for kind in FORMATS]
    return [*(name for name in OURS if name != RESULTS), *(f"{RESULTS}/{table}" for table in tables)]


def check(folder: Path, names: Iterable[str] = ()) -> None:
    """Make a folder that files of some names can be written to. Raises LedgerError where that is not so."""
    paths = [folder / name for name in names]
    folders = dict.fromkeys([folder, *(path.parent for path in paths)])
    try:
        for path in folders:
            if path.exists() and not path.is_dir():
                raise LedgerError(f"cannot write to {path}: it is a file, and a folder is to be there. {REMOVE}")
        for path in paths:
            if path.is_dir():
                raise LedgerError(f"cannot write {path}: it is a folder, and a file is to be there. {REMOVE}")
        folder.mkdir(parents=True, exist_ok=True)
        for path in folders:
            if path.exists():
                _try(path)
    except OSError as error:
        todo = "Make room there" if error.errno in FULL else "Choose another folder"
        raise LedgerError(f"cannot write to {folder}: {error.strerror or error}. {todo}") from error


def _try(folder: Path) -> None:
    """Write a little into a folder, under no name. Some disks say that they are full only when asked to keep it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(LITTLE))
        file.flush()
        os.fsync(file.fileno())
