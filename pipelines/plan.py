"""The plan: every row of the corpus written into the ledger, as a question that waits or is answered."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from pipelines.events import Emit, Reading
from pipelines.models import Model
from pipelines.records import Question
from pipelines.review import Reject, Review
from pipelines.store import Ledger
from pipelines.tasks import Task
from scheduling.cost import prefill_cost
from scheduling.job import Job
from scheduling.policy import Policy
from scheduling.queue import JobQueue

# Engine arguments that change the speed of answers and not the answers. Any other, also one of a later vLLM, may
# change them: another value of it is another question.
SPEED_ARGUMENTS = frozenset({
    "async_scheduling", "block_size", "compilation_config", "cpu_offload_gb", "cudagraph_capture_sizes",
    "disable_custom_all_reduce", "distributed_executor_backend", "enable_chunked_prefill", "enable_prefix_caching",
    "enforce_eager", "gpu_memory_utilization", "kv_cache_memory_bytes", "max_model_len", "max_num_batched_tokens",
    "max_num_seqs", "performance_mode", "pipeline_parallel_size", "scheduling_policy", "tensor_parallel_size",
})  # fmt: skip

ANCHORS = ""  # the unit of the job that holds a task's anchors; no restaurant is called that

Encode = Callable[[Sequence[str]], list[list[int]]]


def identity(task: Task, model: Model, arguments: Mapping[str, Any]) -> bytes:
    """Return what an answer depends on besides the review: prompt version, model and sampling."""
    settings = sorted((name, str(value)) for name, value in arguments.items() if name not in SPEED_ARGUMENTS)
    return repr((task.name, task.version, model.fingerprint, settings)).encode()


def key(identity: bytes, body: str) -> bytes:
    """Return what a question is known by: rows with the same key ask the same thing."""
    salt = hashlib.blake2b(identity, digest_size=32).digest()
    return hashlib.blake2b(body.encode(), key=salt, digest_size=16).digest()


def fill(
    ledger: Ledger,
    chunks: Iterable[list[Review | Reject]],
    task: Task,
    encode: Encode,
    identity: bytes,
    context: int,
    anchors: Sequence[str],
    emit: Emit,
) -> None:
    """Write the corpus into the ledger, chunk by chunk, and the task's `anchors` after it.

    Rows that ask the same thing share one request; one that was answered in an earlier run is not asked
    again. Only texts without an answer are tokenised, by `encode`. Prompts that would not fit the model's
    `context` (tokens, the answer's included) are rejected.
    """
    around, limit = task.frame.tokens, context - task.frame.sampling.max_tokens
    jobs: dict[str, int] = {}
    seq = 0
    for chunk in chunks:
        reviews = [(n, row) for n, row in enumerate(chunk, start=seq) if isinstance(row, Review)]
        seq += len(chunk)
        twice = ledger.add(reviews, (row for row in chunk if isinstance(row, Reject)))
        known = len(jobs)
        questions = []
        for n, review in reviews:
            if n not in twice:
                body = task.body(review.text)
                job = jobs.setdefault(review.restaurant_id, len(jobs))
                questions.append(Question(n, key(identity, body), job, body))
        new_jobs = {number: unit for unit, number in islice(jobs.items(), known, None)}
        ledger.ask(task.name, new_jobs, questions, encode, around, limit)
        emit(Reading(seq))
    if jobs:
        questions = [Question(None, key(identity, body), len(jobs), body) for body in map(task.body, anchors)]
        ledger.ask(task.name, {len(jobs): ANCHORS}, questions, encode, around, limit)


def queue(ledger: Ledger, task: Task, policy: Policy) -> JobQueue:
    """Return the jobs that have something to ask, in a queue under `policy`."""
    return JobQueue(
        policy,
        (
            Job(
                id=job.id,
                task=job.task,
                # Nobody waits for the anchors before the end.
                cost=sys.maxsize
                if job.unit == ANCHORS
                else prefill_cost(job.prompt_tokens, job.requests, len(task.frame.head)),
                order=job.id,
            )
            for job in ledger.jobs()
        ),
    )
