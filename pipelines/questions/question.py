"""A question: what a form of a task asks about some rows, as the ledger keeps it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.ledger.records import Question
from pipelines.prompts.injection import all_cleaned, cleaned
from pipelines.prompts.template import one_line
from pipelines.tasks import Task

if TYPE_CHECKING:
    from pipelines.prompts.prompts import Prompts


def body(text: str, task: Task) -> str:
    """Return a row's text as it stands in a task's prompt."""
    return f" {cleaned(text, task.labels).text if task.unit == 'review' else one_line(text)}"


def bodies(texts: Sequence[str], task: Task) -> list[str]:
    """Return the same of many texts."""
    said = (found.text for found in all_cleaned(texts, task.labels)) if task.unit == "review" else map(one_line, texts)
    return [f" {text}" for text in said]


def question(
    prompts: "Prompts", task: str, form: str, key: bytes, *, job: int, seqs: Sequence[int], body: list[int] | None
) -> Question:
    """Return the question; `body` has the tokens of what it is about, None where the ledger has its request."""
    if body is None:
        return Question(key=key, job=job, seqs=seqs, form=form)
    template = prompts.templates[task, form]
    tokens, limit = template.tokens + len(body), template.tokens + prompts.room(task, form)
    return Question(
        key=key,
        job=job,
        seqs=seqs,
        form=form,
        body=body,
        prompt_tokens=tokens,
        shared_prefix=len(template.shared_prefix),
        reviews_prefix=len(template.shared_prefix),
        expected_output_tokens=template.expected_output_tokens(len(body)),
        too_long=f"{tokens:,} prompt tokens, the limit is {limit:,}" if tokens > limit else None,
    )
