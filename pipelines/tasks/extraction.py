"""Extraction: what a review or a query is answered with in the fields of a JSON object."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.engine.interface import Completion
from pipelines.ledger.records import AnsweredRow
from pipelines.tasks.answer_schema import AnswerSchema
from pipelines.tasks.task import IDS, NOUNS, Answers, Example, Task, worked


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction(Task):
    """A task that is answered in the fields of an `answer`, a request for each row."""

    answer: AnswerSchema

    def parse(self, form: str, completion: Completion) -> dict[str, Any]:
        """Return the fields of the answer."""
        del form
        return self.answer.read(completion.text)

    def fields(self, row: AnsweredRow) -> dict[str, Any]:
        """Return what the results say of an answered row."""
        answer: dict[str, Any] = row.value
        return answer

    def tables(self, answers: Answers) -> Iterator[pa.Table]:
        """See `Task`."""
        for rows in answers.rows():
            ids = ({"review_id": row.id, "restaurant_id": row.unit, "query_id": row.id} for row in rows)
            yield self.table_of({**own, **self.fields(row)} for own, row in zip(ids, rows, strict=True))


def extraction(
    name: str,
    about: str,
    unit: str,
    answer: AnswerSchema,
    *,
    examples: Sequence[Example],
    instruction: str,
    max_tokens: int,
) -> Extraction:
    """Make a task that is answered in the fields of `answer`, after worked examples."""
    return Extraction(
        name=name,
        about=about,
        unit=unit,
        forms=worked(NOUNS[unit], "Answer", examples, instruction, max_tokens=max_tokens, schema=answer.schema),
        columns=(*IDS[unit], *(field.column for field in answer.fields)),
        answer=answer,
    )
