"""Writing: sentences that a model makes of lines of facts, one of each, and what it finds of them.

Asked to write about many reviews at once, a model of 1.5 B parameters copies the first of them; asked to say what one
line says, it does. What is sound of that it is asked about again, whether it is true to the line, yes or no, which it
judges better than it writes.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema
import numpy as np

from pipelines.engine.interface import Completion
from pipelines.prompts.template import Chat, PromptTemplate, one_line
from pipelines.tasks.answer_schema import AnswerSchema, Field, checked
from pipelines.tasks.calibration import softmax
from pipelines.tasks.restaurant import Stage
from pipelines.tasks.writing_examples import CHECKED, Written

CHECK = "check"
LONGEST = 240  # characters of a sentence
TRUE = 0.6  # the probability of yes, against no, from which on a sentence is kept
JUDGE = {
    "en": "Is the sentence true to the facts? It says nothing that the facts do not say. Answer yes or no.",
    "ko": "문장이 사실과 맞습니까? 사실에 없는 말을 해서는 안 됩니다. yes 또는 no로 답하세요.",
}
ITEM: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
Found = Sequence[tuple[int, str]]  # numbers of lines, and what is sound of the texts of each
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
    return line.removeprefix("- ").partition(":")[0].strip()


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


def check(lines: Sequence[str], found: Found) -> Stage | None:
    """Return the stage that asks of each of the sound texts whether it is true, None where there is none."""
    return Stage(CHECK, [*dict.fromkeys(_judged(lines, found))], apart=True) if found else None


def true(lines: Sequence[str], found: Found, probabilities: Sequence[float]) -> list[tuple[int, str]]:
    """Return those of the sound texts that were found true; what was the same was asked about once."""
    asked = _judged(lines, found)
    probable = dict(zip(dict.fromkeys(asked), probabilities, strict=True))
    return [one for one, judged in zip(found, asked, strict=True) if probable[judged] >= TRUE]


def _judged(lines: Sequence[str], found: Found) -> list[str]:
    return [judged(lines[n], text) for n, text in found]


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
