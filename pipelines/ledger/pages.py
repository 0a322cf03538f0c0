"""The pages of a database file, read without SQLite: what of its rows is still there, whatever should lead to them.

SQLite finds a row by way of other pages, and where one of those is damaged all behind it is lost to it. Here each page
is read by itself, in the file and in the log beside it. What is read may be old, or anything: who takes it has to know
a row of theirs when they see one. The format is SQLite's for good: https://sqlite.org/fileformat2.html.
"""

from collections.abc import Container, Iterator
from contextlib import ExitStack
from pathlib import Path
from struct import unpack
from typing import BinaryIO

Value = None | int | float | bytes
Place = tuple[BinaryIO, int]  # of a page: the file, and where it begins

USUAL, HEADER = 4096, 100  # bytes of a page, and of the file's own beginning
LOG, FRAME = 32, 24  # bytes before the log's pages, and before each of them
LEAF = 13  # the kind of page that has a table's rows
LINK = 4  # bytes that name the next page of a row that is too long for one
LONGEST = 1 << 26  # bytes of a row of ours, by far
INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes of each kind
REAL, ZERO, ONE, BLOB = 7, 8, 9, 12


def rows(path: Path, widths: Container[int]) -> Iterator[tuple[int, list[Value]]]:
    """Yield what rows of so many columns there are, each with its number; text is in bytes."""
    with ExitStack() as after:
        file = after.enter_context(path.open("rb"))
        pages = Pages(file)
        log = path.with_name(f"{path.name}-wal")
        if log.exists():
            pages.overlay(after.enter_context(log.open("rb")))
        for page, start in pages:
            for cell in _cells(page, start):
                try:
                    number, payload = _payload(page, cell, pages)
                    kinds, body = _kinds(payload)
                    if len(kinds) in widths:
                        yield number, _values(payload, kinds, body)
                except (LookupError, ValueError):  # it is no row
                    continue


class Pages:
    """The pages of a database file, and those of a log that is laid over it."""

    def __init__(self, file: BinaryIO) -> None:
        head = file.read(HEADER)
        told = int.from_bytes(head[16:18])
        told = 1 << 16 if told == 1 else told
        self.size = told if told in {1 << n for n in range(9, 17)} else USUAL
        self._file = file
        self._newest: dict[int, Place] = {}
        self._logged: list[Place] = []

    def overlay(self, log: BinaryIO) -> None:
        """Lay the pages of a log over those of the file.

        A log that has begun anew has older pages behind the new ones, which are told by their salt; its beginning and
        its first page both have the salt of now. https://sqlite.org/fileformat2.html#walformat
        """
        end = log.seek(0, 2)
        log.seek(0)
        beginning = log.read(LOG + FRAME)
        now = {beginning[16:24], beginning[LOG:][8:16]}
        for at in range(LOG, end - FRAME, FRAME + self.size):
            log.seek(at)
            head, place = log.read(FRAME), (log, at + FRAME)
            if head[8:16] in now:
                self._newest[int.from_bytes(head[:4])] = place
            self._logged.append(place)

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """Yield every page with where it begins to be one of a table; the first begins with the file's own header."""
        for at in range(0, self._file.seek(0, 2), self.size):
            yield self._read((self._file, at)), 0 if at else HEADER
        for place in self._logged:
            yield self._read(place), 0

    def __getitem__(self, number: int) -> bytes:
        """Return the newest page of a number. Raises IndexError when it is not there."""
        page = self._read(self._newest.get(number, (self._file, (number - 1) * self.size))) if number else b""
        if len(page) < self.size:
            raise IndexError(number)
        return page

    def _read(self, place: Place) -> bytes:
        file, at = place
        file.seek(at)
        return file.read(self.size)


def _cells(page: bytes, start: int) -> Iterator[int]:
    """Yield where the rows of a page are, if it is one that has rows."""
    if page[start : start + 1] != bytes([LEAF]):
        return
    count = int.from_bytes(page[start + 3 : start + 5])
    for at in range(start + 8, min(start + 8 + 2 * count, len(page)), 2):
        yield int.from_bytes(page[at : at + 2])


def _payload(page: bytes, at: int, pages: Pages) -> tuple[int, bytes]:
    """Return the number of a row and what there is of it, which may go on in other pages."""
    length, at = _varint(page, at)
    number, at = _varint(page, at)
    if length > LONGEST:
        raise ValueError("no row is as long")
    here = _here(length, pages.size)
    payload = page[at : at + here]
    if here < length:
        following, at = int.from_bytes(page[at + here : at + here + LINK]), LINK
        pieces, missing = [payload], length - here
        while missing > 0:
            page = pages[following]
            pieces.append(page[LINK : LINK + missing])
            following, missing = int.from_bytes(page[:LINK]), missing - len(pieces[-1])
        payload = b"".join(pieces)
    return number, payload


def _here(length: int, size: int) -> int:
    """Return how many bytes of a row of this length are in its own page."""
    if length <= size - 35:
        return length
    least = (size - 12) * 32 // 255 - 23
    here = least + (length - least) % (size - LINK)
    return here if here <= size - 35 else least


def _kinds(payload: bytes) -> tuple[list[int], int]:
    """Return the kind of each value of a row, and where the first begins."""
    body, at = _varint(payload, 0)
    kinds = []
    while at < body:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    return kinds, body


def _values(payload: bytes, kinds: list[int], at: int) -> list[Value]:
    """Return the values of a row. Raises ValueError when they are not all there."""
    values: list[Value] = []
    for kind in kinds:
        length = INTEGERS.get(kind) or (8 if kind == REAL else (kind - BLOB) // 2 if kind >= BLOB else 0)
        piece = payload[at : at + length]
        if len(piece) < length:
            raise ValueError("it ends early")
        at += length
        if kind >= BLOB:
            values.append(piece)
        elif kind == REAL:
            values.append(unpack(">d", piece)[0])
        else:
            values.append({0: None, ZERO: 0, ONE: 1}[kind] if not length else int.from_bytes(piece, signed=True))
    return values


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """Return a number that is as long as it is great, and where it ends."""
    number = 0
    for n in range(9):
        byte = page[at + n]
        if n == 8:  # noqa: PLR2004  the ninth byte has eight bits of it
            return _signed(number << 8 | byte), at + 9
        number = number << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004
            break
    return number, at + n + 1


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
