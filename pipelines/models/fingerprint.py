"""The fingerprint of a model: a digest of all that is in its folder, of each file remembered until the file changes."""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from pipelines.files import Looks, looks, replacing, settled

LENGTH = 32  # hexadecimal digits

Known = dict[str, tuple[Looks, str]]  # by path: what a file looked like, and its digest
KNOWN = TypeAdapter(Known)


def of(folder: Path, memory: Path) -> str:
    """Return the fingerprint of a model folder, which is another as soon as a byte in it is.

    Names that begin with a dot are left out, such as a hub's own notes. The files' digests are kept in the folder
    `memory` where that can be written, or else computed again every time.
    """
    kept = memory / f"{_sha256(os.fsencode(folder.resolve()))[:LENGTH]}.json"
    known, began = _read(kept), time.time()
    files = dict(sorted(_files(folder)))
    looked = {path: looks(file) for path, file in files.items()}
    same = {path: known[path] for path in files if path in known and known[path][0] == looked[path]}
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        digests = readers.map(lambda path: same[path][1] if path in same else _digest(files[path]), files)
        found = {path: (looked[path], digest) for path, digest in zip(files, digests, strict=True)}
    lasting = {path: one for path, one in found.items() if settled(one[0], began)}
    if lasting != known:
        _keep(kept, lasting)
    return _sha256(b"".join(os.fsencode(f"{digest}  {path}\0") for path, (_, digest) in found.items()))[:LENGTH]


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the path within a folder of each file in it, and the file. Links are followed, but not in circles."""
    been: set[Path] = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        if (real := Path(here).resolve()) in been:
            folders.clear()
            continue
        been.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in (Path(here, name) for name in names if not name.startswith(".")):
            if file.is_file():
                yield file.relative_to(folder).as_posix(), file


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(kept: Path) -> Known:
    """Return what is remembered, nothing where that cannot be read."""
    try:
        return KNOWN.validate_json(kept.read_bytes())
    except (OSError, ValueError):
        return {}


def _keep(kept: Path, known: Known) -> None:
    """Remember digests, where they can be written; without them it takes longer the next time."""
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as scratch:
            scratch.write_text(json.dumps(known), encoding="utf-8")
