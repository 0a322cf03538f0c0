"""Opening: the bytes of a source, unpacked, wherever it lies, and what its beginning shows it to be written in."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import PurePath
from typing import Any, BinaryIO

import pyarrow as pa

from pipelines import remote
from pipelines.corpus.formats import json_records
from pipelines.errors import CorpusError

STDIN = "-"
HEAD = 1 << 16  # bytes that are looked at
NULS = 5  # a text of which such a part are NULs has two bytes a character
PACKED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}


class Kind(StrEnum):
    """What records are written in."""

    PARQUET = "Parquet"
    CSV = "CSV"
    LINES = "JSON lines"
    VALUES = "JSON"


SUFFIXES = {
    ".parquet": Kind.PARQUET, ".pq": Kind.PARQUET, ".csv": Kind.CSV, ".tsv": Kind.CSV,
    ".json": Kind.LINES, ".jsonl": Kind.LINES, ".ndjson": Kind.LINES,
}  # fmt: skip
KINDS = ".parquet, .csv, .tsv, .json, .jsonl or .ndjson (also .gz, .bz2, .zst)"
_UTF16 = "UTF-16, not UTF-8: convert it with `iconv -f UTF-16 -t UTF-8 THIS > OTHER`"
OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"\xff\xfe": _UTF16,
    b"\xfe\xff": _UTF16,
    b"{\0": _UTF16,
    b"\0{": _UTF16,
    b"[\0": _UTF16,
    b"\0[": _UTF16,
    b"ORC": "ORC: convert it to Parquet",
    b"Obj\x01": "Avro: convert it to Parquet",
    b"ARROW1": "Arrow's own format: convert it to Parquet",
    b"\x1f\x8b": "packed with gzip: call it .gz",
    b"BZh": "packed with bzip2: call it .bz2",
    b"\x28\xb5\x2f\xfd": "packed with zstandard: call it .zst",
    b"SQLite format 3": "a database of SQLite: export the table as CSV",
}  # what cannot be read, by what it begins with, and what to do about it


class Opened(io.RawIOBase):
    """The bytes of a source, of which the first ones, its `head`, can be looked at before they are read.

    There is `nothing` in it where it has no head, and none of what a packer writes before one either.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.nothing = False
        self.head = b""
        while len(self.head) < HEAD and (block := bytes(stream.read(HEAD - len(self.head)))):
            self.head += block
        self._begun = memoryview(self.head)

    def readable(self) -> bool:
        """Say that it can be read, which those who wrap it ask."""
        return True

    def readinto(self, into: Any) -> int:
        """Read the next bytes into a buffer; return how many."""
        block = self._begun[: len(into)] if self._begun else self._stream.read(len(into))
        self._begun = self._begun[len(into) :]
        into[: len(block)] = block
        return len(block)


@contextmanager
def opened(path: str) -> Iterator[Opened]:
    """Open what lies at a path, unpacked. Raises OSError, or CorpusError for what cannot be got at."""
    if path == STDIN:
        yield Opened(sys.stdin.buffer)
        return
    with seekable(path) as file:
        # Opened before and not by Arrow, which takes no name that is not text.
        stream = Opened(pa.input_stream(file, compression=PACKED.get(_bare(path).suffix.lower())))
        stream.nothing = not stream.head and file.seekable() and not file.tell()
        yield stream


@contextmanager
def seekable(path: str) -> Iterator[BinaryIO]:
    """Open what lies at a path as it is."""
    with remote.opened(path) if remote.is_remote(path) else open(path, "rb") as file:
        yield file


def is_stream(path: str) -> bool:
    """Say whether a source can be read only once: standard input, or a pipe with a name."""
    return path == STDIN or (os.path.exists(path) and not os.path.isfile(path))


def named_kind(path: str) -> Kind | None:
    """Return what a source of this name is written in; None where the name does not tell."""
    return SUFFIXES.get(_unpacked(path).suffix.lower())


def has_bytes(path: str) -> bool:
    """Say whether a source of this name has some bytes even where it has no rows: one that has none is not whole."""
    return _bare(path).suffix.lower() in PACKED or named_kind(path) is Kind.PARQUET


def stem(name: str) -> str:
    """Return the name of a file without what says how it is written."""
    bare = _unpacked(name)
    return str(bare.with_suffix("") if bare.suffix.lower() in SUFFIXES else bare)


def _unpacked(name: str) -> PurePath:
    path = _bare(name)
    return path.with_suffix("") if path.suffix.lower() in PACKED else path


def _bare(name: str) -> PurePath:
    """Return a name without the query of an address, as signed ones have it."""
    return PurePath(name.partition("?")[0] if remote.is_remote(name) else name)


def kind(path: str, head: bytes) -> Kind:
    """Return what a source is written in, by its name and beginning. Raises CorpusError for what is read by nobody."""
    named = named_kind(path)
    starts = [start for start in OTHERS if head.startswith(start)]
    if starts and not (named is Kind.CSV and starts[0].isalnum()):  # which has a column called ORCHID
        raise CorpusError(f"cannot read {path}: it is {OTHERS[starts[0]]}")
    if head.startswith(b"PAR1") or named is Kind.PARQUET:
        return Kind.PARQUET
    if head.count(0) > len(head) / NULS:
        raise CorpusError(f"cannot read {path}: it is {_UTF16}")
    begins = head.removeprefix(json_records.BOM).lstrip()[:1]
    if named is Kind.CSV and not (begins == b"{" and json_records.is_lines(head)):
        return Kind.CSV
    if named is None and path != STDIN and begins not in {b"{", b"["}:
        raise CorpusError(f"cannot read {path}: it is no {KINDS} file")
    return Kind.LINES if begins not in {b"{", b"["} or json_records.is_lines(head) else Kind.VALUES
