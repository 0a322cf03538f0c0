"""Where reviews come from: files, folders and globs of them, here or far away, or JSON lines on standard input."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from pipelines import remote
from pipelines.corpus.opening import KINDS, STDIN, named_kind
from pipelines.corpus.shard import Shard
from pipelines.errors import CorpusError
from pipelines.files import LEDGER, WRITTEN

NULL = "__HIVE_DEFAULT_PARTITION__"  # what a folder is called whose column has no value
# What lies in a table's folder and says which of its files still count, and how to get at those.
TABLES = {
    "_delta_log": "a Delta table, whose log says which rows still count",
    "metadata": "an Iceberg table, whose metadata say which rows still count",
    ".hoodie": "a Hudi table, whose timeline says which rows still count",
}
LONGEST = 4096  # characters that a path has, and a glob; looking for a longer one takes without end
SNAPSHOT = ".metadata.json"  # how Iceberg's files in `metadata` end
OURS = (*WRITTEN, "compare.html", f"{LEDGER}.damaged")  # what commands write in an output folder


@dataclass(frozen=True, slots=True)
class Source:
    """A file of rows: where it lies, what rows without an id are called by, and the columns that its folders name."""

    path: str
    called: str = ""
    partitions: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the file is called below the input that it was found in."""
        return self.called or os.path.basename(self.path)

    @property
    def shown(self) -> str:
        """Its path as text, which on Linux it need not be."""
        return os.fsencode(remote.shown(self.path)).decode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class Found:
    """The files to read, and those in the same folders which are passed over, for nobody knows what they are."""

    sources: list[Source]
    passed_over: list[str]


def find(inputs: Sequence[str], *, output: Path) -> Found:
    """Return the files that `inputs` name, each once, folders and globs in name order.

    What runs and shards wrote to the `output` folder is passed over without a word: yesterday's results are no reviews.
    Raises CorpusError for a path that is not there, a folder without files, or a table that has a log.
    """
    by_path: dict[str, Source] = {}
    passed_over: dict[str, None] = {}
    inside = rf"(?:{Shard.NAME}/)?(?:{'|'.join(map(re.escape, OURS))})(?:/|$)"
    written = re.compile(re.escape(os.path.join(os.path.realpath(output), "")) + inside)
    for given in inputs:
        files = [(file, known) for file, known in _expand(given) if not written.match(_real(file))]
        passed_over |= {file: None for file, known in files if not known}
        if not any(known for _, known in files):
            shown = remote.shown(given)
            raise CorpusError(f"no reviews in {shown}: no {KINDS} file there, or only this program's own output")
        for file, known in files:
            if known:  # and two inputs may name one file; its rows must not come twice
                by_path.setdefault(_real(file), _source(given, file))
    return Found(_told_apart([*by_path.values()]), [*passed_over])


def _source(given: str, file: str) -> Source:
    path, given, file = file, remote.shown(given), remote.shown(file)
    root, below = (given, file[len(given) :]) if file.startswith(given) else (_root(given), file)
    called = below.strip("/") if below != file else os.path.relpath(_bare(file), _bare(root) or ".")
    pairs = (folder.partition("=") for folder in os.path.dirname(_bare(file)).split("/"))
    partitions = {unquote(name): None if value == NULL else unquote(value) for name, equals, value in pairs if equals}
    called = called or os.path.basename(file)
    return Source(path, os.fsencode(called).decode(errors="backslashreplace"), partitions)


def _root(given: str) -> str:
    """Return the folder that a glob begins in, or a folder as it is given."""
    return os.path.dirname(re.split(r"[*?[]", given, maxsplit=1)[0]) if glob.has_magic(given) else given


def _bare(path: str) -> str:
    """Return a path without the kind of place that it is in."""
    return path.partition(remote.MARK)[2].lstrip("/") if remote.is_remote(path) else path


def _real(path: str) -> str:
    return path if path == STDIN or remote.is_remote(path) else os.path.realpath(path)


def _told_apart(sources: list[Source]) -> list[Source]:
    """Return the sources, those that are called alike by their paths."""
    often = Counter(source.called for source in sources)
    told = [source if often[source.called] == 1 else replace(source, called=source.shown) for source in sources]
    alike = len({source.called for source in told}) < len(told)  # a path may be what another is called
    if alike:
        told = [replace(source, called=source.shown) for source in sources]
        often = Counter(source.called for source in told)
        for n, source in enumerate(told):  # of addresses that differ in what nobody is told the last are numbered
            if often[source.called] > 1:
                told[n] = replace(source, called=f"{source.called} ({n + 1})")
    return told


def _expand(given: str) -> Iterator[tuple[str, bool]]:
    """Yield the files of an input, and whether each is one of reviews; of folders that are passed over the name."""
    if not given:
        raise CorpusError("an input is empty: a shell variable that is not set?")
    if given == STDIN:
        yield given, True
    elif remote.is_remote(given):
        yield from _far(given)
    elif os.path.isdir(given):
        _refuse_table(os.path.abspath(given))
        yield from sorted(_walk(given))
    elif os.path.exists(given):
        _refuse_table(os.path.dirname(os.path.abspath(given)))
        yield given, True  # whatever it is called
    elif glob.has_magic(given) and len(given) <= LONGEST:
        yield from _matching(given)
    else:
        raise CorpusError(f"no such file or folder: {given}")


def _matching(given: str) -> Iterator[tuple[str, bool]]:
    found = sorted(glob.iglob(given, recursive=True))
    for folder in {os.path.dirname(os.path.abspath(file)) for file in found if os.path.isfile(file)}:
        _refuse_table(folder)
    for file in found:
        if os.path.isfile(file):
            yield file, named_kind(file) is not None
        elif "**" not in given:
            yield os.path.join(file, ""), False


def _far(given: str) -> Iterator[tuple[str, bool]]:
    files = remote.expand(given)
    if any(remote.has_folder(f"{at}/_delta_log") for at in _above(given)):  # a part of a table is one, too
        raise CorpusError(f"cannot read {remote.shown(given)}: it is {TABLES['_delta_log']}")
    if files is None:
        yield given, True
        return
    for file in files:
        below = _bare(file).removeprefix(_bare(_root(given))).split("/")
        if table := next((TABLES[part] for part in below if part in TABLES and part != "metadata"), None):
            raise CorpusError(f"cannot read {remote.shown(given)}: it is {table}")
        if file.endswith(SNAPSHOT) and os.path.basename(os.path.dirname(file)) == "metadata":
            raise CorpusError(f"cannot read {remote.shown(given)}: it is {TABLES['metadata']}")
        hidden = any(part.startswith((".", "_")) for part in below)
        if not hidden or named_kind(file):
            yield file, named_kind(file) is not None and not hidden


def _above(given: str) -> Iterator[str]:
    """Yield the folders above what lies far away, where there are folders."""
    scheme, _, path = given.partition(remote.MARK)
    parts = path.strip("/").split("/")
    for depth in range(len(parts) - 1 if not remote.is_web(given) else 0, 0, -1):
        yield f"{scheme}{remote.MARK}{'/'.join(parts[:depth])}"


def _walk(folder: str) -> Iterator[tuple[str, bool]]:
    """Yield what is below a folder, through links; what is hidden by a dot or an underscore is not read.

    A part that cannot be looked into is an error: rows must not be missing without a word.
    """
    seen: set[str] = set()
    for at, folders, files in os.walk(folder, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(at)
        if real in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add(real)
        _refuse_table(at, up=False)
        for name in [*folders]:
            if name.startswith((".", "_")):
                folders.remove(name)
                if name.startswith("_"):
                    yield os.path.join(at, name, ""), False
        for name in files:
            file = os.path.join(at, name)
            reviews, hidden = named_kind(name) is not None, name.startswith((".", "_"))
            if reviews and not hidden and not os.path.exists(file):
                raise CorpusError(f"cannot read {file}: a link that leads nowhere")
            if reviews or not hidden:
                yield file, reviews and not hidden


def _refuse_table(folder: str, *, up: bool = True) -> None:
    """Raise CorpusError for the folder of a table, or one below it: its files hold rows that count no more."""
    for at in (folder, *(map(str, Path(folder).parents) if up else ())):
        for name, table in TABLES.items():
            inside = os.path.join(at, name)
            if os.path.isdir(inside) and (name != "metadata" or _has_snapshots(inside)):
                raise CorpusError(f"cannot read {at}: it is {table}; write the rows that you mean to plain files")


def _has_snapshots(folder: str) -> bool:
    try:
        return any(name.endswith(SNAPSHOT) for name in os.listdir(folder))
    except OSError:
        return False


def _unreadable(error: OSError) -> NoReturn:
    raise CorpusError(f"cannot look into {error.filename}: {error.strerror}") from error
