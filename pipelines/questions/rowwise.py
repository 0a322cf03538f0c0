"""Questions about one row each: of the input, and of the anchors that a task's answers are calibrated on."""

from collections.abc import Mapping, Sequence
from itertools import chain

from pipelines.corpus import language
from pipelines.corpus.row import Row
from pipelines.ledger.ledger import Ledger
from pipelines.prompts.prompts import Prompts
from pipelines.questions.question import bodies, question
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
    texts = bodies([row.text for _, row in rows], task)
    keys = [prompts.key(task.name, form, [text]) for form, text in zip(forms, texts, strict=True)]
    asked = ledger.requests.known(keys, again=again)
    new = {key: text for key, text in zip(keys, texts, strict=True) if key not in asked}
    tokens = dict(zip(new, prompts.encode(list(new.values())), strict=True))
    questions = [
        question(prompts, task.name, form, key, job=jobs[row.unit], seqs=[seq], body=tokens.get(key))
        for (seq, row), form, key in zip(rows, forms, keys, strict=True)
    ]
    ledger.requests.ask(task.name, 0, questions, again=again)


def ask_anchors(ledger: Ledger, prompts: Prompts, task: Task, job: int, *, again: bool) -> None:
    """Ask for the task's anchors in the languages of the rows; no row asks these, and their numbers are below 0."""
    asked = [
        (lang, text, key)
        for lang, keys in anchor_keys(ledger, prompts, task).items()
        for text, key in zip(_anchors(task, lang), keys, strict=True)
    ]
    encoded = prompts.encode([text for _, text, _ in asked])
    questions = [
        question(prompts, task.name, task.form("ask", lang), key, job=job, seqs=[~n], body=tokens)
        for n, ((lang, _, key), tokens) in enumerate(zip(asked, encoded, strict=True))
    ]
    ledger.requests.ask(task.name, 0, questions, again=again)


def anchor_keys(ledger: Ledger, prompts: Prompts, task: Task) -> dict[str, list[bytes]]:
    """Return what the task's anchors are known by, for each of the languages in which it asks about the rows."""
    langs = {task.spoken(lang) for lang in ledger.rows.languages()} if task.anchors else ()
    return {
        lang: [prompts.key(task.name, task.form("ask", lang), [text]) for text in _anchors(task, lang)]
        for lang in task.anchors
        if lang in langs
    }


def _anchors(task: Task, lang: str) -> list[str]:
    """Return the task's anchors in a language as they stand in its prompts."""
    return bodies([*chain(*task.anchors[lang])], task)
