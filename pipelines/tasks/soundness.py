"""Soundness: whether a sentence names nothing that the line of facts does not have which it was made of."""

import re
from collections.abc import Mapping, Sequence

from pipelines.tasks.opinion import CRITICISED, PRAISED
from pipelines.tasks.words import GENERIC, personal, stems
from pipelines.tasks.writing import LONGEST, key, texts
from pipelines.tasks.writing_examples import Written

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
# Words that say of others what they say.
GLUE = frozenset(NUMBERS) | frozenset(
    re.findall(
        r"\w+",
        "praise praised criticise criticised criticises criticism diner say elsewhere according opinion differ example "
        "칭찬 비판 많음",
    )
)
# What tells a side.
TELLING = {PRAISED: ("prais", "according to", "칭찬", "좋다"), CRITICISED: ("critici", "비판")}
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z\d가-힣])")
_DIFFER = re.compile(r"\bopinions\b.*\bdiffer\b|갈[림립]", re.IGNORECASE)
_CLAIMS = {
    "praise": re.compile(r"(?:\bsays?|praised by|according to) (\d+)|(\d+)(?: of \d+)?(?: diners)? praises? it"),
    "criticism": re.compile(r"criticised by (\d+)|(\d+)(?: of \d+)?(?: diners)? criticises? it"),
}


def sound(lines: Sequence[str], answers: Sequence[Mapping[str, str]], examples: Written) -> list[tuple[int, str]]:
    """Return what is sound of the text of each line in a stage's answers, with the line's number, where something is.

    That are its sentences that name nothing which their line does not have: numbers, on either side, names, Chinese
    characters, words of the worked `examples`, or words for the most part. One that was cut off is left out, too, one
    in the first person, and one that says again how many praise or criticise; and all, where the first is, or none says
    what the line is about and, if so, that opinions differ.
    """
    foreign = {stem for of_lang in examples.values() for made in of_lang for line in made for stem in stems(line)}
    found = []
    for n, (line, text) in enumerate(zip(lines, texts(lines, answers), strict=True)):
        sentences = _SENTENCE.split(text)[: -1 if len(text) >= LONGEST else None]
        kept: list[str] = []
        for one in sentences:
            again = _claims(one) & _claims(" ".join(kept))
            if one and not again and not _added(line, one, foreign - GENERIC):
                kept.append(one)
        whole = " ".join(kept)
        begins = kept and kept[0] == sentences[0] and _is_about(line, whole)
        if begins and bool(_DIFFER.search(line)) == bool(_DIFFER.search(whole)):
            found.append((n, f"{whole}." if whole[-1].isalnum() else whole))
    return found


def _is_about(line: str, text: str) -> bool:
    about = stems(key(line)) - GLUE or key(line).split()  # a Korean name may have one letter
    return any(word in text.casefold() for word in about)


def _added(line: str, text: str, foreign: set[str]) -> bool:
    text = text.replace("criticiz", "criticis")  # a model may not spell as its examples do
    names = re.findall(r"(?<=[\w,;:] )[A-Z]\w+", text)
    said = stems(text) - stems(_side(line, text))
    han = set(re.findall("[\u4e00-\u9fff]", text)) - set(line)  # a language that the model falls into
    added = _numbers(text) - _numbers(line) or _claims(text) - _claims(line)
    # Most of what it tells has to be in the line; words of Korean have too many forms to be told apart like that.
    told = {stem for stem in stems(text) - GENERIC - GLUE if stem.isascii()}
    strange = len(told & said) * 3 > len(told)
    others = personal(text) or said & foreign or {name.casefold() for name in names} - _words(line)
    return bool(han or added or strange or others)


def _side(line: str, text: str) -> str:
    """Return the side of a line that a sentence is about, or all of it where that is both or cannot be told."""
    said = [words for words in TELLING.values() if any(word in text for word in words)]
    parts = [part for part in line.split("; ") if len(said) == 1 and any(word in part for word in said[0])]
    return "; ".join([key(line), *parts]) if parts else line


def _claims(text: str) -> set[tuple[str, str]]:
    """Return how many are said to praise, and to criticise, as far as English says so."""
    return {(side, n) for side, claim in _CLAIMS.items() for found in claim.findall(text) for n in found if n}


def _numbers(text: str) -> set[str]:
    digits = re.findall(r"\d+", text)
    return {*digits, *(str(NUMBERS.index(word)) for word in _words(text) & {*NUMBERS[2:]})}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
