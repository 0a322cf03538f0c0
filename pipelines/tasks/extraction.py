"""Writing: what a review or a query is answered with in the fields of a JSON object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.engine.interface import Completion
from pipelines.tasks.answer_schema import AnswerSchema
from pipelines.tasks.task import IDS, NOUNS, AnsweredRow, Example, Task, worked


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction(Task):
    """A task that is answered in fields, a request for each row."""

    answer: AnswerSchema

    def parse(self, form: str, completion: Completion) -> dict[str, Any]:
        """Return the fields of the answer."""
        del form
        return self.answer.read(completion.text)

    def fields(self, row: AnsweredRow) -> dict[str, Any]:
        """Return what the results say of an answered row."""
        answer: dict[str, Any] = row.value
        return answer

    def table(self, rows: Sequence[AnsweredRow]) -> pa.Table:
        """Return the results of some answered rows."""
        ids = [{"review_id": row.id, "restaurant_id": row.unit, "query_id": row.id} for row in rows]
        found = [{**own, **self.fields(row)} for own, row in zip(ids, rows, strict=True)]
        return pa.table({name: [row[name] for row in found] for name in self.schema.names}, schema=self.schema)


def extraction(
    name: str,
    about: str,
    unit: str,
    answer: AnswerSchema,
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
