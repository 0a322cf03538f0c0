"""Files: those that a run writes, and how they appear whole or not at all."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RESULTS, LEDGER, LOG = "results", "run.sqlite", "engine.log"
FOR_PEOPLE = ("rejects.jsonl", "report.json", "report.html", "metrics.prom")  # and the results
WRITTEN = (RESULTS, *FOR_PEOPLE, LEDGER, LOG)  # by a run, in its folder
SETTLED = 2.0  # seconds: what was written since may be written again within one tick of a file system's clock

Looks = tuple[int, int, int, int]  # of a file: its size, the times of its last changes, and its inode


def looks(file: Path) -> Looks:
    """Return what a file looks like, which is something else once it was changed. Raises OSError."""
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def settled(looked: Looks, now: float) -> bool:
    """Say whether a file that looked so looks otherwise once it is changed after this moment, in seconds."""
    _, _, changed, _ = looked
    return changed / 1e9 < now - SETTLED


@contextmanager
def replacing(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """Lend a scratch path beside `path`; put it in `path`'s place when the block ends well.

    A reader that opens `path` at any moment, also while a run is killed, finds the old file or the
    new one; where it is `lasting`, also after a power cut. The scratch file lies beside it, so that it is in the same
    file system.
    """
    # A report may be drawn again while a run ends, and by a thread of it.
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
    scratch.unlink(missing_ok=True)  # a link that somebody has put there would be written through
    try:
        yield scratch
        if lasting:
            put(scratch, path)
        else:
            scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def put(scratch: Path, path: Path) -> None:
    """Put a file that is whole in the place of another; also after a power cut it is there, or the other is.

    `os.replace` is atomic only within a file system. A system may write down that a file has another name before what
    is in it, so that comes first.
    """
    _sync(scratch)
    os.replace(scratch, path)  # noqa: PTH105  the name people know it by
    with suppress(OSError):  # not every system can do that with a folder
        _sync(path.parent)


def _sync(path: Path) -> None:
    """Wait until the disk has what a file or a folder holds."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
