"""Spelling: what in a text acts on whatever shows it, or is not seen, written as the code that it has."""

import re
import unicodedata

_ODD = re.compile(r"[^ -~]")  # what may have to be spelled out
_LETTERS = re.compile(r"(?<=[^\0-\x7f])[\u200c\u200d](?=[^\0-\x7f])")  # join emoji and letters of some scripts


def spelled(text: str) -> str:
    r"""Return a text on one line as it is seen: `\x1b`, `\n` and `\u202e` stand for what would act or hide."""
    return text if text.isprintable() else _ODD.sub(lambda odd: _code(odd) or odd[0], text)


def spelled_json(line: str) -> str:
    r"""Return a line of JSON that says the same with `\u001b` and `\u202e` for what would act or hide."""
    return line if line.isprintable() else _ODD.sub(lambda odd: _units(odd[0]) if _code(odd) else odd[0], line)


def cut(text: str, length: int) -> str:
    """Return a text that is no longer than that, with a sign where there was more."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _code(odd: re.Match[str]) -> str | None:
    """Return the code of a character that acts or hides, None of any other."""
    character = odd[0]
    if character.isprintable() or unicodedata.category(character) == "Zs":  # a space, if not the usual one
        return None
    if _LETTERS.match(odd.string, odd.start()):
        return None
    return character.encode("unicode_escape").decode()


def _units(character: str) -> str:
    return re.sub("....", r"\\u\g<0>", character.encode("utf-16-be", "surrogatepass").hex())
