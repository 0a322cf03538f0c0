"""The plan: every row of the corpus written into the ledger, as a question that waits or is answered."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from pipelines import corpus
from pipelines.errors import CorpusError
from pipelines.events import Emit, Reading
from pipelines.models import Model
from pipelines.order import Order
from pipelines.records import Question
from pipelines.review import Reject, Review
from pipelines.store import Ledger
from pipelines.tasks import Task
from pipelines.tokenizer import Tokenizer

# Engine arguments that change the speed of answers and not the answers. Any other, also one of a later vLLM, may
# change them: another value of it is another question.
SPEED_ARGUMENTS = frozenset({
    "async_scheduling", "block_size", "compilation_config", "cpu_offload_gb", "cudagraph_capture_sizes",
    "disable_custom_all_reduce", "distributed_executor_backend", "enable_chunked_prefill", "enable_prefix_caching",
    "enforce_eager", "gpu_memory_utilization", "kv_cache_memory_bytes", "max_model_len", "max_num_batched_tokens",
    "max_num_seqs", "performance_mode", "pipeline_parallel_size", "scheduling_policy", "tensor_parallel_size",
})  # fmt: skip

ANCHORS = ""  # the unit of the job that holds a task's anchors; no restaurant is called that


def identity(task: Task, model: Model, arguments: Mapping[str, Any]) -> bytes:
    """Return what an answer depends on besides the review: prompt version, model and sampling."""
    settings = sorted((name, str(value)) for name, value in arguments.items() if name not in SPEED_ARGUMENTS)
    return repr((task.name, task.version, model.fingerprint, settings)).encode()


def key(identity: bytes, body: str) -> bytes:
    """Return what a question is known by: rows with the same key ask the same thing."""
    salt = hashlib.blake2b(identity, digest_size=32).digest()
    return hashlib.blake2b(body.encode(), key=salt, digest_size=16).digest()


def rows(order: Order) -> Iterator[list[Review | Reject]]:
    """Begin to read the corpus, and return its chunks. Raises CorpusError when it holds no rows."""
    chunks = corpus.read(order.sources, order.columns, order.limit)
    first = next(chunks, None)
    if first is None:
        raise CorpusError("no rows in the input: its files are empty")
    return chain([first], chunks)


def anchors(task: Task, order: Order) -> list[bytes]:
    """Return the keys of the task's anchors, none when its answers are to be taken as they are."""
    made = identity(task, order.model, order.arguments)
    return [key(made, body) for body in map(task.body, () if order.calibration == "raw" else task.anchors)]


def fill(ledger: Ledger, chunks: Iterable[list[Review | Reject]], order: Order, emit: Emit) -> Task:
    """Write the corpus into the ledger, chunk by chunk, and the task's anchors after it; return the task.

    Rows that ask the same thing share one request; one that was answered in an earlier run is not asked
    again. Only texts without an answer are tokenised. Prompts that would not fit the model's context
    are rejected.
    """
    tokenizer = Tokenizer(order.model.folder)
    task = order.task(tokenizer)
    made = identity(task, order.model, order.arguments)
    around, limit = task.frame.tokens, order.context - task.frame.sampling.max_tokens
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
                questions.append(Question(n, key(made, body), job, body, review.deadline))
        new_jobs = {number: unit for unit, number in islice(jobs.items(), known, None)}
        ledger.ask(task.name, new_jobs, questions, tokenizer.encode_all, around, limit)
        emit(Reading(seq))
    if jobs and order.calibration != "raw":
        # No row asks these; their numbers are below 0.
        bodies = enumerate(map(task.body, task.anchors))
        questions = [Question(~n, key(made, body), len(jobs), body) for n, body in bodies]
        ledger.ask(task.name, {len(jobs): ANCHORS}, questions, tokenizer.encode_all, around, limit)
    return task
