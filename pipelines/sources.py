"""Where reviews come from: files, folders and globs of them, or JSON lines on standard input."""

import glob
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipelines.errors import CorpusError

STDIN = "-"
PARQUET = (".parquet",)
JSONL = tuple(f"{stem}{packed}" for stem in (".jsonl", ".ndjson") for packed in ("", ".gz", ".zst"))


def find(inputs: Sequence[str], *, leave_out: Path) -> list[str]:
    """Return the files that `inputs` name, each once, folders and globs in name order.

    Files below `leave_out` (the output folder) are passed over: yesterday's results are no reviews.
    Raises CorpusError for a path that is not there, a file of another kind, or a folder without files.
    """
    found: dict[str, None] = {}
    for given in inputs:
        if given == STDIN:
            found[STDIN] = None
            continue
        files = list(_expand(given, leave_out.resolve()))
        if not files:
            raise CorpusError(f"no reviews in {given}: it holds no {_kinds()} file")
        # Two inputs may name one file; its rows must not come twice.
        found.update(dict.fromkeys(str(file) for file in files))
    return list(dict.fromkeys(_once(found)))


def _once(files: Iterable[str]) -> Iterator[str]:
    seen: set[Path] = set()
    for file in files:
        real = Path(file).resolve()
        if file == STDIN or real not in seen:
            seen.add(real)
            yield file


def _expand(given: str, leave_out: Path) -> Iterator[Path]:
    path = Path(given)
    if path.is_dir():
        found: Iterable[Path] = path.rglob("*")
    elif path.exists():
        if not is_reviews(path):
            raise CorpusError(f"cannot read {given}: expected a {_kinds()} file")
        yield path
        return
    elif glob.has_magic(given):
        found = map(Path, glob.iglob(given, recursive=True))
    else:
        raise CorpusError(f"no such file or folder: {given}")
    for file in sorted(found):
        hidden = any(part.startswith((".", "_")) for part in file.parts if part not in path.parts)
        if file.is_file() and is_reviews(file) and not hidden and leave_out not in file.resolve().parents:
            yield file


def is_reviews(path: Path) -> bool:
    """Say whether the file's name is one this program reads."""
    return path.name.lower().endswith(PARQUET + JSONL)


def is_parquet(source: str) -> bool:
    """Say whether the source is read as Parquet; everything else is JSON lines."""
    return source.lower().endswith(PARQUET)


def _kinds() -> str:
    return ".parquet, .jsonl or .ndjson (also .gz, .zst)"
