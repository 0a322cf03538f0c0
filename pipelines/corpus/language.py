"""The language of a text, told by its script, so that it gets worked examples in its language."""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

DEFAULT = "en"
# A language by the letters that only it is written in.
SCRIPTS: Mapping[str, re.Pattern[str]] = MappingProxyType({
    "ko": re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]"),
})  # fmt: skip
# What people call these, and English, besides their codes of two letters.
NAMES = {"eng": "en", "english": "en", "영어": "en", "kor": "ko", "korean": "ko", "kr": "ko", "한국어": "ko"}
SHARE = 1 / 3  # of a text's letters: a syllable block says as much as two or three letters


def of(text: str) -> str:
    """Return the code of the language that a text is in: one of `SCRIPTS` if enough of its letters are, or `DEFAULT`.

    Full-width, half-width and decomposed forms count as what they stand for; emoji, digits and marks do not count.
    """
    if text.isascii():
        return DEFAULT
    plain = unicodedata.normalize("NFKC", text)
    for lang, script in SCRIPTS.items():
        if (letters := len(script.findall(plain))) and letters >= sum(map(str.isalpha, plain)) * SHARE:
            return lang
    return DEFAULT


def code(lang: str) -> str:
    """Return the language of a code as people write it: `ko-KR`, `KO`, `kor` and `Korean` are one."""
    first = re.split("[-_]", lang.strip().lower().removeprefix("__label__"))[0]  # as fastText has it
    return NAMES.get(first, first)


def spoken(lang: str | None, text: str) -> str:
    """Return the language that somebody says a text is in, or of its script where that is no code of two letters."""
    said = code(lang) if lang else ""
    return said if re.fullmatch("[a-z]{2}", said) else of(text)
