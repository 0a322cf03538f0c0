"""Batch files of OpenAI's: what a run has asked, as requests to a hosted model.

Nobody tells such a model tokens, or begins its answer: it is told every form's conversation, and where a form has none,
its words as one message.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.export.asked import Asked
from pipelines.prompts.template import GAP, PromptTemplate

MODEL = "gpt-4o-mini"  # a small one that takes a temperature and tells log probabilities; those that reason do neither
URL = "/v1/chat/completions"
REQUESTS, BYTES = 50_000, 200_000_000  # of one file, most
LOGPROBS = 20  # tokens whose log probabilities are told, most
ANSWER = "answer"  # the field of an answer that would be no object without it


@dataclass(frozen=True, slots=True)
class Written:
    """How much was written of each task and stage: requests, the rows that they are for, and anchors among these."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    rows: Counter[tuple[str, int]] = field(default_factory=Counter)
    anchors: Counter[tuple[str, int]] = field(default_factory=Counter)


def write(folder: Path, asked: Iterable[Asked], model: str) -> Written:
    """Write requests to `requests-00000.jsonl` and so on, and to `rows.jsonl` which rows each is for."""
    written = Written()
    with (folder / "rows.jsonl").open("wb") as rows:
        requests = _requests(asked, model, rows, written)
        for number, of_file in groupby(_filed(requests), itemgetter(0)):
            with (folder / f"requests-{number:05}.jsonl").open("wb") as file:
                file.writelines(request for _, request in of_file)
    return written


def body(asked: Asked, model: str) -> dict[str, Any]:
    """Return the body of a request: who is asked, what is said, and how it is to be answered."""
    template = _plain(asked.task.forms[asked.form])
    schema = json.loads(asked.schema or template.schema or "null")
    listed = schema is not None and schema["type"] != "object"
    answering: dict[str, Any] = {"temperature": 0, "max_completion_tokens": template.max_tokens}
    if template.words:
        answering |= {"logprobs": True, "top_logprobs": LOGPROBS}
    if template.penalty:
        answering["frequency_penalty"] = template.penalty
    if schema is not None:
        held = _held(_field(schema) if listed else schema)
        named = {"name": asked.task.name[:64], "strict": False, "schema": held}
        answering["response_format"] = {"type": "json_schema", "json_schema": named}
    return {"model": model, "messages": _messages(template, asked.text, listed=listed), **answering}


def _requests(asked: Iterable[Asked], model: str, rows: BinaryIO, written: Written) -> Iterator[bytes]:
    """Yield a line for each request; write one for each of its rows."""
    for one in asked:
        of, id_ = (one.task.name, one.stage), f"{one.task.name}-{one.key.hex()}"
        about = {"custom_id": id_, "task": one.task.name, "stage": one.stage}
        rows.writelines(_line({**about, **row}) for row in one.rows)
        written.rows[of] += len(one.rows)
        written.anchors[of] += sum("anchor" in row for row in one.rows)
        if not one.before:
            written.requests[of] += 1
            yield _line({"custom_id": id_, "method": "POST", "url": URL, "body": body(one, model)})


def _filed(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield each line with the number of the file that it is for."""
    number = held = size = 0
    for line in lines:
        if held == REQUESTS or size + len(line) > BYTES:
            number, held, size = number + 1, 0, 0
        held, size = held + 1, size + len(line)
        yield number, line


def _line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


def _plain(template: PromptTemplate) -> PromptTemplate:
    """Return the template by whose first token classes can be told: labels that begin with the same word have letters.

    Of a hosted model's tokens nothing more is known.
    """
    first = [label.split()[0] for label, *_ in template.words]
    return template.lettered if template.lettered and len({*first}) < len(first) else template


def _messages(template: PromptTemplate, text: str, *, listed: bool) -> list[dict[str, str]]:
    if template.chat is None:
        return [{"role": "user", "content": f"{template.shared_prefix}{text}{template.suffix}"}]
    *said, asked = template.chat.messages
    if listed:
        said = [
            {**turn, "content": f'{{"{ANSWER}":{turn["content"]}}}'} if turn["role"] == "assistant" else turn
            for turn in said
        ]
    return [*said, {**asked, "content": asked["content"].replace(GAP, text)}]


def _field(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has what follows a schema as its one field."""
    return {"type": "object", "properties": {ANSWER: schema}, "required": [ANSWER], "additionalProperties": False}


def _held(schema: Any) -> Any:
    """Return a JSON Schema as it is taken there, where no tuples are known: a list as long, of any of their parts."""
    if isinstance(schema, list):
        return [_held(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if parts := schema.get("prefixItems"):
        return {"type": "array", "items": {"anyOf": _held(parts)}, "minItems": len(parts), "maxItems": len(parts)}
    return {name: _held(part) for name, part in schema.items()}
