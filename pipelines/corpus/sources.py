"""Where reviews come from: files, folders and globs of them, or JSON lines on standard input."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from pipelines.errors import CorpusError

STDIN = "-"
PARQUET = (".parquet",)
PACKED = {".gz": "gzip", ".zst": "zstd"}
JSONL = tuple(f"{stem}{packed}" for stem in (".jsonl", ".ndjson") for packed in ("", *PACKED))
KINDS = ".parquet, .jsonl or .ndjson (also .gz, .zst)"


def find(inputs: Sequence[str], *, output: Path) -> list[str]:
    """Return the files that `inputs` name, each once, folders and globs in name order.

    What an earlier run wrote to the `output` folder is passed over: yesterday's results are no reviews.
    Raises CorpusError for a path that is not there, a file of another kind, or a folder without files.
    """
    by_path: dict[str, str] = {}
    written = os.path.realpath(output / "results"), os.path.realpath(output / "rejects.jsonl")
    for given in inputs:
        files = [given] if given == STDIN else [file for file in _expand(given) if not _below(file, written)]
        if not files:
            raise CorpusError(f"no reviews in {given}: no {KINDS} file there, or only this program's own output")
        for file in files:
            # Two inputs may name one file; its rows must not come twice.
            by_path.setdefault(file if file == STDIN else os.path.realpath(file), file)
    return list(by_path.values())


def is_parquet(source: str) -> bool:
    """Say whether the source is read as Parquet; everything else is JSON lines."""
    return source.lower().endswith(PARQUET)


def is_stream(source: str) -> bool:
    """Say whether the source can be read only once: standard input, or a pipe with a name."""
    return source == STDIN or (os.path.exists(source) and not os.path.isfile(source))


def compression(source: str) -> str | None:
    """Return how the source is packed, by its name: gzip, zstd or not at all."""
    return PACKED.get(Path(source).suffix.lower())


def _expand(given: str) -> Iterator[str]:
    if not given:
        raise CorpusError("an input is empty: a shell variable that is not set?")
    if os.path.isdir(given):
        yield from sorted(_walk(given))
    elif os.path.exists(given):
        if not _is_reviews(given):
            raise CorpusError(f"cannot read {given}: expected a {KINDS} file")
        yield given
    elif glob.has_magic(given):
        yield from sorted(
            file for file in glob.iglob(given, recursive=True) if os.path.isfile(file) and _is_reviews(file)
        )
    else:
        raise CorpusError(f"no such file or folder: {given}")


def _walk(folder: str) -> Iterator[str]:
    """Yield the review files below a folder, through links, without what is hidden by a dot or an underscore.

    A part that cannot be looked into is an error: rows must not be missing without a word.
    """
    seen: set[str] = set()
    for at, folders, files in os.walk(folder, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(at)
        folders[:] = [name for name in folders if not name.startswith((".", "_")) and real not in seen]
        if real in seen:  # a link that leads back up
            continue
        seen.add(real)
        for name in files:
            file = os.path.join(at, name)
            if _is_reviews(name) and not name.startswith((".", "_")):
                if not os.path.exists(file):
                    raise CorpusError(f"cannot read {file}: a link that leads nowhere")
                yield file


def _unreadable(error: OSError) -> NoReturn:
    raise CorpusError(f"cannot look into {error.filename}: {error.strerror}") from error


def _is_reviews(name: str) -> bool:
    return name.lower().endswith(PARQUET + JSONL)


def _below(file: str, places: Sequence[str]) -> bool:
    real = os.path.realpath(file)
    return any(real == place or real.startswith(place + os.sep) for place in places)
