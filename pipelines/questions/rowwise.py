"""Questions about one row each: of the input, and of the anchors that a task's answers are calibrated on."""

from collections.abc import Mapping, Sequence

from pipelines.corpus import language
from pipelines.corpus.row import Row
from pipelines.ledger.ledger import Ledger
from pipelines.prompts.prompts import Prompts
from pipelines.questions.question import body, question
from pipelines.tasks import Task


def ask(
    ledger: Ledger,
    prompts: Prompts,
    task: Task,
    rows: Sequence[tuple[int, Row]],
    *,
    jobs: Mapping[str, int],
    again: bool,
) -> None:
    """Ask for each of these numbered rows by itself, in the job of its unit; `again` also what has an answer."""
    by_lang = {row.lang: task.form("ask", row.lang or language.DEFAULT) for _, row in rows}
    forms = [by_lang[row.lang] for _, row in rows]
    texts = [body(row.text) for _, row in rows]
    keys = [prompts.key(task.name, form, [text]) for form, text in zip(forms, texts, strict=True)]
    asked = ledger.requests.known(keys, again=again)
    new = {key: text for key, text in zip(keys, texts, strict=True) if key not in asked}
    bodies = dict(zip(new, prompts.encode(list(new.values())), strict=True))
    questions = [
        question(prompts, task.name, form, key, job=jobs[row.unit], seqs=[seq], body=bodies.get(key))
        for (seq, row), form, key in zip(rows, forms, keys, strict=True)
    ]
    ledger.requests.ask(task.name, 0, questions, again=again)


def ask_anchors(ledger: Ledger, prompts: Prompts, task: Task, job: int, *, again: bool) -> None:
    """Ask for the task's anchors; no row asks these, and their numbers are below 0."""
    form = task.form("ask", language.DEFAULT)
    texts = [body(text) for texts in task.anchors for text in texts]
    anchors = zip(anchor_keys(prompts, task), prompts.encode(texts), strict=True)
    questions = [
        question(prompts, task.name, form, key, job=job, seqs=[~n], body=tokens)
        for n, (key, tokens) in enumerate(anchors)
    ]
    ledger.requests.ask(task.name, 0, questions, again=again)


def anchor_keys(prompts: Prompts, task: Task) -> list[bytes]:
    """Return what the task's anchors are known by."""
    form = task.form("ask", language.DEFAULT)
    return [prompts.key(task.name, form, [body(text)]) for texts in task.anchors for text in texts]
