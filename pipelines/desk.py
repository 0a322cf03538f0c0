"""The desk: where what tasks ask is put into the model's tokens and into the ledger, stage by stage."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pipelines.comparable import MANY, Comparables
from pipelines.engine import Completion, Refusal, Sampling
from pipelines.item import Item
from pipelines.models import Model
from pipelines.order import Order
from pipelines.prompt import Frame, frame
from pipelines.records import Answer, Flight, Question, StoredRequest
from pipelines.store import Ledger
from pipelines.tasks import Task
from pipelines.tasks.digest import Case, Digest, Opinion, Others, Stage
from pipelines.tasks.labelling import Labelling
from pipelines.tasks.task import MalformedError, one_line
from pipelines.tokenizer import Tokenizer
from scheduling.chunks import chunks

# Engine arguments that change the speed of answers and not the answers. Any other, also one of a later vLLM, may
# change them: another value of it is another question.
SPEED_ARGUMENTS = frozenset({
    "async_scheduling", "block_size", "compilation_config", "cpu_offload_gb", "cudagraph_capture_sizes",
    "disable_custom_all_reduce", "distributed_executor_backend", "enable_chunked_prefill", "enable_prefix_caching",
    "enforce_eager", "gpu_memory_utilization", "kv_cache_memory_bytes", "max_model_len", "max_num_batched_tokens",
    "max_num_seqs", "performance_mode", "pipeline_parallel_size", "scheduling_policy", "tensor_parallel_size",
})  # fmt: skip

ANCHORS = ""  # the unit of the job that holds a task's anchors; no restaurant is called that
CHUNK = 2048  # tokens of reviews in one prompt, or half the context where that is less
SAMPLE = 16  # reviews of another restaurant that are looked at
OTHERS = 256  # tokens of the reviews of other restaurants in it, or a sixteenth of the context


@dataclass(frozen=True, slots=True)
class Settled:
    """What answers have come to: rows answered and rejected, and the jobs that go on to a next stage, or have ended."""

    answered: int
    rejected: int
    moved: list[int]
    ended: list[int]


class Desk:
    """Asks for the tasks of an order in a ledger, with the model's tokenizer."""

    def __init__(self, ledger: Ledger, order: Order, tokenizer: Tokenizer) -> None:
        self._ledger = ledger
        self._order = order
        self.tokenizer = tokenizer
        self.tasks: Mapping[str, Task] = {task.name: task for task in order.tasks}
        self.frames: Mapping[tuple[str, str], Frame] = {
            (task.name, key): frame(form, self.tokenizer) for task in order.tasks for key, form in task.forms.items()
        }
        self._salts = {
            (task.name, key): _salt(task.name, form, order.model, order.arguments)
            for task in order.tasks
            for key, form in task.forms.items()
        }

    def sampling(self, request: StoredRequest) -> Sampling:
        """Return how a stored request is to be answered, the second time with more room if there is some."""
        usual = self.frames[request.task, request.form].sampling
        if request.schema:
            usual = replace(usual, schema=request.schema)
        if not request.again:
            return usual
        room = self._order.context - request.prompt_tokens
        return replace(usual, max_tokens=min(usual.roomier().max_tokens, room))

    def prompt(self, request: StoredRequest) -> list[int]:
        """Return the whole prompt of a stored request."""
        return self.frames[request.task, request.form].around(request.body)

    def read(self, flight: Flight, done: Completion | Refusal) -> Answer | Refusal | None:
        """Return what the engine's answer says, None when it is none and should be asked for a second time."""
        if isinstance(done, Refusal):
            return done
        request = flight.request
        try:
            return Answer(flight, self.tasks[request.task].parse(request.form, done), done.timing)
        except MalformedError as error:
            had, more = self.sampling(request), self.sampling(request.once_more())
            if not request.again and more.max_tokens > had.max_tokens:
                return None
            reason = "truncated" if done.timing.output_tokens >= had.max_tokens else "malformed"
            return Refusal(done.id, reason, str(error), json.dumps(done.text))

    def settle(self, answers: Sequence[Answer], refusals: Sequence[Refusal]) -> Settled:
        """Make answers and refusals durable, and ask what restaurants' next stages have to ask."""
        self._ledger.settle(answers, refusals)
        answered = rejected = 0
        jobs: dict[int, tuple[Digest, str]] = {}
        good = {answer.flight.request.id for answer in answers}
        for request in (*good, *(refusal.id for refusal in refusals)):
            for job, name, unit, rows in self._ledger.askers(request):
                if isinstance(task := self.tasks[name], Digest):
                    jobs[job] = task, unit
                elif request in good:
                    answered += rows
                else:
                    rejected += rows
        moved: list[int] = []
        ended: list[int] = []
        for job, (digest, unit) in jobs.items():
            if self._ledger.waits(job):
                continue  # others of its stage are under way
            if self.advance(digest, job, unit):
                moved.append(job)
            else:
                ended.append(job)
                good_rows, bad_rows = self._ledger.fate(job)
                answered, rejected = answered + good_rows, rejected + bad_rows
        return Settled(answered, rejected, moved, ended)

    def ask(self, task: Task, jobs: Mapping[str, int], items: Sequence[tuple[int, Item]]) -> None:
        """Ask for each of these numbered rows by itself, in the job of its unit."""
        forms = [task.form("ask", item.lang or "") for _, item in items]
        texts = [_body(item.text) for _, item in items]
        keys = [self.key(task, form, [text]) for form, text in zip(forms, texts, strict=True)]
        known = self._ledger.known(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        bodies = dict(zip(new, self.tokenizer.encode_all(list(new.values())), strict=True))
        self._ledger.ask(
            task.name,
            0,
            [
                self._question(task, form, key, jobs[item.unit], [seq], bodies.get(key))
                for (seq, item), form, key in zip(items, forms, keys, strict=True)
            ],
        )

    def ask_anchors(self, task: Labelling, job: int) -> None:
        """Ask for the task's anchors; no row asks these, and their numbers are below 0."""
        form = task.form("ask", "en")
        texts = [_body(text) for texts in task.anchors for text in texts]
        keys = [self.key(task, form, [text]) for text in texts]
        bodies = self.tokenizer.encode_all(texts)
        questions = [
            self._question(task, form, key, job, [~n], body)
            for n, (key, body) in enumerate(zip(keys, bodies, strict=True))
        ]
        self._ledger.ask(task.name, 0, questions)

    def anchors(self, task: Labelling) -> list[bytes]:
        """Return the keys of the task's anchors, none when its answers are to be taken as they are."""
        if self._order.calibration == "raw":
            return []
        form = task.form("ask", "en")
        return [self.key(task, form, [_body(text)]) for texts in task.anchors for text in texts]

    def advance(self, task: Digest, job: int, unit: str) -> bool:
        """Ask what a restaurant's next stage has to ask, and say whether the job now waits for an answer.

        A stage that was answered in an earlier run is passed over.
        """
        while True:
            stored = self._ledger.stages(job)
            if any(request.state == "waiting" for request in stored):
                return True
            asked = max((request.stage for request in stored), default=-1)
            if asked >= 0 and not any(r.state == "answered" for r in stored if r.stage == asked):
                return False
            case = self.case(task, job, unit)
            stage = task.stage(case)
            if stage is None:
                return False
            self._ask_stage(task, job, asked + 1, case, stage)

    def complete(self, task: Digest) -> Iterator[Case]:
        """Yield the restaurants that a task has done with and has an answer for, in input order."""
        for job, unit in self._ledger.units(task.name):
            stored = self._ledger.stages(job)
            if any(r.state != "answered" and (r.stage or r.state == "waiting") for r in stored):
                continue
            case = self.case(task, job, unit)
            if case.answers and case.answers[-1]:
                yield case

    def case(self, task: Digest, job: int, unit: str) -> Case:
        """Return a restaurant, and how far a task has come with it."""
        stored = self._ledger.stages(job)
        last = max((request.stage for request in stored), default=-1)
        opinions = self._ledger.items.opinions(unit)
        return Case(
            unit=unit,
            opinions=[opinion for opinion, _ in opinions],
            lang=Counter(lang for _, lang in opinions).most_common(1)[0][0],
            middle=self._middle,
            others=self._others(unit) if task.compares else Others(),
            answers=[
                [request.answer for request in stored if request.stage == stage and request.state == "answered"]
                for stage in range(last + 1)
            ],
            used=sum(request.rows for request in stored if request.stage == 0 and request.state == "answered"),
            chunks=sum(request.stage == 0 for request in stored),
        )

    def key(self, task: Task, form: str, parts: Iterable[str]) -> bytes:
        """Return what a question is known by: those with the same key ask the same thing."""
        digest = hashlib.blake2b(key=self._salts[task.name, form], digest_size=16)
        for part in parts:
            digest.update(part.encode() + b"\0")
        return digest.digest()

    def _ask_stage(self, task: Digest, job: int, number: int, case: Case, stage: Stage) -> None:
        form = task.form(stage.form, case.lang)
        frame = self.frames[task.name, form]
        *lines, after = self.tokenizer.encode_all([*stage.lines, stage.after])
        # The same for all tasks, or they would not have the same prefixes.
        budget = min(CHUNK, self._order.context // 2)
        below = self._ledger.lowest(task.name)
        questions = []
        cut = chunks([len(line) for line in lines], budget, least=2 if number else 1)
        for n, part in enumerate(cut, start=1):
            about = [token for line in lines[part] for token in line]
            schema = task.held(stage, part, len(cut))
            key = self.key(task, form, [*stage.lines[part], stage.after, schema or ""])
            seqs = [below - n] if number else [opinion.seq for opinion in case.opinions[part]]
            question = self._question(task, form, key, job, seqs, about + after)
            prefix = len(frame.head) + (0 if number else len(about))
            questions.append(replace(question, prefix=prefix, schema=schema))
        self._ledger.ask(task.name, number, questions)

    def _question(
        self, task: Task, form: str, key: bytes, job: int, seqs: Sequence[int], body: list[int] | None
    ) -> Question:
        frame = self.frames[task.name, form]
        if body is None:
            return Question(key, job, seqs, form)
        tokens, limit = frame.tokens + len(body), self._order.context - frame.sampling.max_tokens
        too_long = f"{tokens:,} prompt tokens, the limit is {limit:,}" if tokens > limit else None
        return Question(
            key, job, seqs, form, body, tokens, len(frame.head), len(frame.head), frame.length, too_long=too_long
        )

    @cached_property
    def _middle(self) -> float | None:
        return self._ledger.items.middle()

    @cached_property
    def _comparables(self) -> Comparables:
        return Comparables(self._ledger.items.places())

    def _others(self, unit: str) -> Others:
        ids = self._comparables.of(unit)
        budget = min(OTHERS, self._order.context // 16) // MANY
        known: list[Opinion] = []
        shown: list[Opinion] = []
        for id_ in ids:
            opinions = [opinion for opinion, _ in self._ledger.items.opinions(id_, most=SAMPLE)]
            known += opinions
            left = budget
            for opinion, tokens in zip(opinions, self.tokenizer.encode_all([o.line for o in opinions]), strict=True):
                if len(tokens) <= left:
                    shown.append(opinion)
                    left -= len(tokens)
        return Others(ids, known, shown)


def _salt(task: str, form: Any, model: Model, arguments: Mapping[str, Any]) -> bytes:
    """Return what an answer depends on besides what is asked about: prompt, model and sampling."""
    settings = sorted((name, str(value)) for name, value in arguments.items() if name not in SPEED_ARGUMENTS)
    known = repr((task, form, model.fingerprint, settings))
    return hashlib.blake2b(known.encode(), digest_size=32).digest()


def _body(text: str) -> str:
    return " " + one_line(text)
