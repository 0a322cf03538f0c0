"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a scratch path beside `path`; put it in `path`'s place when the block ends well.

    A reader that opens `path` at any moment, also while a run is killed, finds the old file or the
    new one. `os.replace` is atomic only within a file system, so the scratch file lies beside it.
    """
    scratch = path.with_name(f".{path.name}.tmp")
    try:
        yield scratch
        os.replace(scratch, path)  # noqa: PTH105  the name people know it by
    finally:
        scratch.unlink(missing_ok=True)
