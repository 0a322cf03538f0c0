"""The plan: every row of the corpus written into the ledger, as a question that waits or is answered."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.errors import CorpusError
from pipelines.events import Emit, Reading
from pipelines.models import Model
from pipelines.prompt import Frame
from pipelines.review import Reject, Review
from pipelines.store import Ledger, Question
from pipelines.tasks import Task
from pipelines.tokenizer import Tokenizer
from scheduling.cost import prefill_cost
from scheduling.job import Job
from scheduling.policy import Policy
from scheduling.queue import JobQueue

# Engine arguments that change answers and not only their speed: another value is another question.
ANSWER_ARGUMENTS = ("dtype", "quantization", "load_format", "hf_overrides", "revision", "seed")


def identity(task: Task, model: Model, arguments: Mapping[str, Any]) -> bytes:
    """Return what an answer depends on besides the review: prompt version, model and sampling."""
    settings = [(name, str(arguments[name])) for name in ANSWER_ARGUMENTS if name in arguments]
    return repr((task.name, task.version, model.fingerprint, settings)).encode()


def fill(
    ledger: Ledger, chunks: Iterable[list[Review | Reject]], task: Task, frame: Frame, tokenizer: Tokenizer,
    identity: bytes, context: int, emit: Emit,
) -> None:  # fmt: skip
    """Write the corpus into the ledger, chunk by chunk.

    Raises CorpusError when there is no row at all.

    A row's key is a hash of `identity` and its text: rows that ask the same thing share one request, and
    one that was answered in an earlier run is not asked again. Only texts not seen before are tokenised.
    """
    limit = context - frame.sampling.max_tokens
    jobs: dict[str, int] = {}
    seq = 0
    for chunk in chunks:
        numbered = list(enumerate(chunk, start=seq))
        seq += len(chunk)
        reviews = [(n, row) for n, row in numbered if isinstance(row, Review)]
        twice = ledger.add(reviews, (row for row in chunk if isinstance(row, Reject)))
        known = len(jobs)
        questions = []
        for n, review in reviews:
            if n not in twice:
                body = task.body(review.text)
                key = hashlib.blake2b(body.encode(), key=hashlib.blake2b(identity).digest(), digest_size=16).digest()
                questions.append(Question(n, key, jobs.setdefault(review.restaurant_id, len(jobs)), body))
        new_jobs = {number: unit for unit, number in list(jobs.items())[known:]}
        ledger.ask(task.name, new_jobs, questions, tokenizer.encode_all, frame.tokens, limit)
        emit(Reading(seq))
    if not seq:
        raise CorpusError("no rows in the input: its files are empty")


def order(ledger: Ledger, frame: Frame, policy: Policy) -> JobQueue:
    """Return the jobs that have something to ask, in a queue under `policy`."""
    return JobQueue(
        policy,
        (
            Job(
                id=job.id,
                task=job.task,
                cost=prefill_cost(job.prompt_tokens, job.requests, len(frame.head)),
                requests=job.requests,
                order=job.id,
            )
            for job in ledger.jobs()
        ),
    )
