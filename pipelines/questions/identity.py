"""The identity of what a run asks: where it is the same, reading the input anew would ask the same."""

import hashlib
import os
import time
from pathlib import Path

import pipelines
import scheduling
from pipelines import remote
from pipelines.config import Config
from pipelines.corpus import opening
from pipelines.files import looks, settled
from pipelines.prompts.prompts import Prompts

ZONE = Path("/etc/localtime")


def of(config: Config, prompts: Prompts) -> str | None:
    """Return a digest of all that rows and questions depend on: files by their size, times and inode, and this program.

    None where that says nothing: of what lies far away or comes from a pipe, of a file that was written a moment ago,
    and where all is to be asked again.
    """
    paths = [source.path for source in config.sources]
    if config.again or any(remote.is_remote(path) or opening.is_stream(path) for path in paths):
        return None
    now = time.time()
    try:
        looked = [looks(Path(path)) for path in paths]
    except OSError:  # whoever reads it will say so
        return None
    if not all(settled(one, now) for one in looked):
        return None
    told = (
        _program(), _zone(), config.sources, looked, config.reading, config.limit, config.tasks, config.calibration,
        config.shard, prompts.identity, prompts.context,
    )  # fmt: skip
    return hashlib.blake2b(repr(told).encode(), digest_size=16).hexdigest()


def _program() -> bytes:
    """Return a digest of what makes questions of files: between two versions there may be others."""
    source = [file for of in (pipelines, scheduling) for file in sorted(Path(of.__path__[0]).rglob("*.py"))]
    return hashlib.blake2b(b"".join(file.read_bytes() for file in source), digest_size=16).digest()


def _zone() -> tuple[object, ...]:
    """Return by what the local time is known: two zones may go by one name, and deadlines may be in local time."""
    return os.environ.get("TZ"), str(ZONE.resolve()), ZONE.exists() and looks(ZONE)
