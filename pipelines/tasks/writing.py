"""Writing: sentences that a model makes of lines of facts, one of each, and how they are checked.

Asked to write about many reviews at once, a model of 1.5 B parameters copies the first of them; asked to say what one
line says, it does. Then code looks for numbers and names that the line does not have, and the model is asked whether
the sentence is true to the line, yes or no, which it judges better than it writes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema
import numpy as np

from pipelines.engine.interface import Completion
from pipelines.prompts.template import Chat, PromptTemplate, one_line
from pipelines.tasks.answer_schema import AnswerSchema, Field, checked
from pipelines.tasks.calibration import softmax
from pipelines.tasks.quotes import stems
from pipelines.tasks.restaurant import Stage
from pipelines.tasks.topics import GENERIC
from pipelines.tasks.writing_examples import CHECKED, Written

CHECK = "check"
LONGEST = 240  # characters of a sentence
TRUE = 0.6  # the probability of yes, against no, from which on a sentence is kept
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
# Words that say of others what they say.
GLUE = frozenset({*NUMBERS, *re.findall(r"\w+", "praise praised criticise criticised criticises diner say")})
JUDGE = {
    "en": "Is the sentence true to the facts? It says nothing that the facts do not say. Answer yes or no.",
    "ko": "문장이 사실과 맞습니까? 사실에 없는 말을 해서는 안 됩니다. yes 또는 no로 답하세요.",
}
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z\d가-힣])")
_CLAIMS = {
    "praise": re.compile(r"(?:\bsays?|praised by) (\d+)|(\d+)(?: of \d+)?(?: diners)? praises? it"),
    "criticism": re.compile(r"criticised by (\d+)|(\d+)(?: of \d+)?(?: diners)? criticises? it"),
}
ITEM: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
VALIDATOR = jsonschema.Draft202012Validator({"type": "object", "additionalProperties": ITEM})


def writing(name: str, instructions: Mapping[str, str], examples: Written, *, each: int) -> dict[str, PromptTemplate]:
    """Return forms that ask for a text of each line, of about so many tokens, after worked examples."""
    shown = {
        lang: [
            ("".join(map(bullet, made)), _json({key(line): text for line, text in made.items()})) for made in of_lang
        ]
        for lang, of_lang in examples.items()
    }
    schema = json.dumps({"type": "object", "additionalProperties": ITEM})
    return _forms(name, instructions, shown, answer="Texts", max_tokens=6 * each, schema=schema)


def checking() -> dict[str, PromptTemplate]:
    """Return forms that ask whether a sentence is true to a line of facts; yes and no are scored."""
    shown = {
        lang: [(judged(line, text), answer) for line, text, answer in of_lang] for lang, of_lang in CHECKED.items()
    }
    return _forms(CHECK, JUDGE, shown, answer="Answer", words=(("yes",), ("no",)))


def bullet(line: str) -> str:
    """Return a line as it stands in a prompt."""
    return f"- {one_line(line)}\n"


def judged(line: str, text: str) -> str:
    """Return a line of facts and a sentence as they stand in a prompt that asks whether it is true."""
    return f"{bullet(line)}Sentence: {one_line(text)}\n"


def key(line: str) -> str:
    """Return what a line is about, by which its text is known."""
    return line.removeprefix("- ").partition(": ")[0]


def held(lines: Sequence[str]) -> str:
    """Return the schema of an answer that has a text for each of the lines."""
    return AnswerSchema(tuple(Field(key(line), ITEM) for line in lines)).schema


def written(completion: Completion) -> dict[str, str]:
    """Return the texts of an answer, by their keys. Raises MalformedError when there are none."""
    return {key: one_line(text) for key, text in checked(completion.text, VALIDATOR).items()}


def probability(completion: Completion) -> float:
    """Return the probability of yes, against no."""
    (shares,) = softmax(np.array([[*completion.scores.values()]]))
    return round(float(shares[0]), 4)


def texts(lines: Sequence[str], answers: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the text of each line, out of a stage's answers; nothing where there is none."""
    by_key = {key: text for answer in answers for key, text in answer.items()}
    return [by_key.get(key(line), "") for line in lines]


def sound(lines: Sequence[str], written: Sequence[str], examples: Written) -> list[tuple[int, str]]:
    """Return what is sound of each text, with the number of its line, where something is.

    That are its sentences that name nothing which their line does not have: numbers, on either side, names, Chinese
    characters, words of the worked `examples`, or words for the most part. One that was cut off is left out, too.
    """
    foreign = {stem for of_lang in examples.values() for made in of_lang for line in made for stem in stems(line)}
    found = []
    for n, (line, text) in enumerate(zip(lines, written, strict=True)):
        sentences = _SENTENCE.split(text)[: -1 if len(text) >= LONGEST else None]
        if kept := [one for one in sentences if one and not _added(line, one, foreign - GENERIC)]:
            found.append((n, " ".join(kept)))
    return found


def check(lines: Sequence[str], found: Sequence[tuple[int, str]]) -> Stage | None:
    """Return the stage that asks of each of the `sound` texts whether it is true, None where there is none."""
    return Stage(CHECK, [judged(lines[n], text) for n, text in found], apart=True) if found else None


def _added(line: str, text: str, foreign: set[str]) -> bool:
    names = re.findall(r"(?<=[\w,;:] )[A-Z]\w+", text)
    said = stems(text) - stems(line)
    han = set(re.findall("[\u4e00-\u9fff]", text)) - set(line)  # a language that the model falls into
    added = _numbers(text) - _numbers(line) or _claims(text) - _claims(line)
    # Most of what it tells has to be in the line; words of Korean have too many forms to be told apart like that.
    told = {stem for stem in stems(text) - GENERIC - GLUE if stem.isascii()}
    strange = len(told & said) * 3 > len(told)
    return bool(han or added or strange or said & foreign or {n.casefold() for n in names} - _words(line))


def _claims(text: str) -> set[tuple[str, str]]:
    """Return how many are said to praise, and to criticise, as far as English says so."""
    return {(side, n) for side, claim in _CLAIMS.items() for found in claim.findall(text) for n in found if n}


def _numbers(text: str) -> set[str]:
    digits = re.findall(r"\d+", text)
    return {*digits, *(str(NUMBERS.index(word)) for word in _words(text) & {*NUMBERS[2:]})}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _forms(
    name: str,
    instructions: Mapping[str, str],
    shown: Mapping[str, Sequence[tuple[str, str]]],
    *,
    answer: str,
    **answering: Any,
) -> dict[str, PromptTemplate]:
    forms = {}
    for lang, turns in shown.items():
        worked = "".join(f"Facts:\n{asked}{answer}: {answered}\n\n" for asked, answered in turns)
        chat = Chat(instructions[lang], tuple((f"Facts:\n{asked}", answered) for asked, answered in turns), "Facts:\n")
        prefix = f"{instructions[lang]}\n\n{worked}Facts:\n"
        forms[f"{name}.{lang}"] = PromptTemplate(prefix, f"{answer}:", chat=chat, **answering)
    return forms


def _json(made: Mapping[str, str]) -> str:
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))
