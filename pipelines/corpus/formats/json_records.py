"""Records of JSON: an object a line, or objects in an array or one behind the other, over as many lines as need be."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from io import RawIOBase

from pipelines.corpus.formats import Record, unreadable
from pipelines.corpus.reject import ENCODINGS, Reason

BLOCK = 1 << 20
BOM = b"\xef\xbb\xbf"
LONG = 1 << 15  # bytes of a line, of which nothing that is laid out for a person has so many
LONGEST = 1 << 28  # characters of a record: what goes on for longer is broken
NEAR = 16  # characters before the end of what was read, where an error may be that there is more to come
BETWEEN = re.compile(r"[\s,\[\]\ufeff]*")
_DECODER = json.JSONDecoder(strict=False)  # control characters in strings, as careless writers leave them


def is_lines(head: bytes) -> bool:
    """Say whether what begins like this has an object a line: one of its first lines is one, or begins like one."""
    lines = [line for line in head.removeprefix(BOM).split(b"\n") if line.strip()]
    if not lines or lines[0].lstrip().startswith(b"["):
        return False
    if len(lines) > 1:
        # An empty object fits a line also where others are laid out over several.
        whole = (line for line in lines if line.startswith(b"{") and line.strip() != b"{}")
        return lines[1].startswith(b"{") or not all(map(_fault, whole))
    fault = _fault(lines[0])
    return not fault or (len(head) > LONG and not fault.startswith("Extra data"))  # it goes on behind the head


def _fault(line: bytes) -> str:
    """Return why a line is no JSON, nothing if it is."""
    try:
        _DECODER.decode(line.decode(errors="replace"))
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""


def lines(stream: RawIOBase, source: str) -> Iterator[Record]:
    """Yield the objects of JSON lines by their numbers, and a reject for each line that is none."""
    for number, line in enumerate(_split(stream), start=1):
        if line is None:
            detail = f"a line of more than {LONGEST >> 20:,} MiB"
            yield unreadable(source, number, Reason.MALFORMED_JSON, detail)
            continue
        bare = line.removeprefix(BOM)  # of one file that was appended to another
        if not bare.strip():
            continue
        try:
            yield _object(_DECODER.decode(bare.decode()), source, number)
        except UnicodeDecodeError as error:
            detail = f"byte {error.start + 1} of the line is no UTF-8: {ENCODINGS}"
            yield unreadable(source, number, Reason.INVALID_UTF8, detail)
        except (ValueError, RecursionError) as error:
            yield unreadable(source, number, Reason.MALFORMED_JSON, f"{error}{_cause(bare)}")


def values(stream: RawIOBase, source: str) -> Iterator[Record]:
    """Yield the objects of arrays, or objects without any, in memory bounded by the largest one.

    Where one is broken, nobody knows where the next begins: a reject takes the place of it and of all that follow.
    """
    decode = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape").decode  # a row is judged by its own bytes
    text, number, opened, ended = "", 0, 0, False
    while True:
        at = _next(text, 0)
        opened += _brackets(text[:at])
        while at < len(text):
            try:
                value, end = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                if ended or not _goes_on(error, text) or len(text) - at > LONGEST:
                    detail = (
                        f"{error}: nothing behind it was read{_cause(text[at : at + NEAR].encode(errors='replace'))}"
                    )
                    yield unreadable(source, number + 1, Reason.MALFORMED_JSON, detail)
                    return
                break
            number += 1
            yield _object(value, source, number)
            at = _next(text, end)
            opened += _brackets(text[end:at])
        if ended:
            if opened > 0:
                detail = "an array is never closed: is the file whole?"
                yield unreadable(source, number + 1, Reason.MALFORMED_JSON, detail)
            return
        text = text[at:]
        block = stream.read(max(BLOCK, len(text))) or b""  # so that a long record is not begun anew with every block
        ended = not block
        text += decode(block, ended)


def _next(text: str, end: int) -> int:
    """Return where the next record begins behind the end of one."""
    between = BETWEEN.match(text, end)
    return between.end() if between else end


def _brackets(between: str) -> int:
    """Return how many more arrays are opened than closed."""
    return between.count("[") - between.count("]")


def _object(value: object, source: str, number: int) -> Record:
    if isinstance(value, dict):
        return number, value
    detail = f"expected an object, found {type(value).__name__}"
    return unreadable(source, number, Reason.MALFORMED_JSON, detail)


def _goes_on(error: Exception, text: str) -> bool:
    """Say whether a record is as far as it was read in order, and only has no end."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= len(text) - NEAR


def _cause(beginning: bytes) -> str:
    """Return what is likely wrong with something that should be JSON."""
    bare = beginning.lstrip()
    if bare.startswith((b"{'", b"[{'")):
        return ": Python's way to write a dict, which is no JSON: write it with json.dumps"
    if beginning.rstrip().endswith(b"},"):
        return ": a comma behind an object, as in an array, but without its brackets"
    return ""


def _split(stream: RawIOBase) -> Iterable[bytes | None]:
    """Cut a byte stream at its newlines, in memory bounded by its longest line; None stands for one too long."""
    pieces: list[bytes] = []
    length = 0
    while block := stream.read(BLOCK):
        first, *others = block.split(b"\n")
        pieces.append(first)
        length += len(first)
        if length > LONGEST:
            pieces.clear()
        if others:
            yield b"".join(pieces) if length <= LONGEST else None
            *whole, rest = others
            yield from whole
            pieces, length = [rest], len(rest)
    if length:
        yield b"".join(pieces) if length <= LONGEST else None
