"""The desk: where what tasks ask is put into the model's tokens and into the ledger, stage by stage."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pipelines.config import Config
from pipelines.corpus import language
from pipelines.corpus.row import Row
from pipelines.engine.interface import Completion, Failure, Sampling
from pipelines.errors import ConfigError
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import Answer, Flight, Question, Stored, StoredRequest
from pipelines.prompts.cache_key import identity
from pipelines.prompts.template import TokenizedTemplate, frame
from pipelines.prompts.tokenizer import Tokenizer
from pipelines.questions.peers import Peers
from pipelines.tasks import Task
from pipelines.tasks.aggregation import Aggregation, Others, RestaurantState, Stage
from pipelines.tasks.classification import Classification
from pipelines.tasks.quotes import quotable
from pipelines.tasks.task import MalformedError, one_line
from scheduling.chunks import chunks

ANCHORS = ""  # the unit of the job that holds a task's anchors; no restaurant is called that
CHUNK = 2048  # tokens of reviews in one prompt, or half the context where that is less
SAMPLE = 16  # reviews of another restaurant that are looked at
COMPARED = 3  # other restaurants
OTHERS = 256  # tokens kept free for what stands after the reviews


@dataclass(frozen=True, slots=True)
class Settled:
    """What answers have come to: rows answered and rejected, and the jobs that go on to a next stage, or have ended."""

    answered: int
    rejected: int
    moved: list[int]
    ended: list[int]


class Desk:
    """Asks for the tasks of an order in a ledger, with the model's tokenizer.

    Raises ConfigError when a task's own part of a prompt fills the model's context.
    """

    def __init__(self, ledger: Ledger, config: Config) -> None:
        self._ledger = ledger
        self._config = config
        self.context = config.context  # of the engine, once that is known
        self._tokenizer = Tokenizer(config.model.folder)
        self._encoded: tuple[Sequence[str], list[list[int]]] = ([], [])
        self.tasks: Mapping[str, Task] = {task.name: task for task in config.tasks}
        self.frames: Mapping[tuple[str, str], TokenizedTemplate] = {
            (task.name, key): frame(form, self._tokenizer) for task in config.tasks for key, form in task.forms.items()
        }
        for task in config.tasks:
            rooms: dict[str, int] = {}  # of each form, in the language that leaves most
            for key in task.forms:
                form = key.partition(".")[0]
                rooms[form] = max(self._room(self.frames[task.name, key]), rooms.get(form, 0))
            if min(rooms.values()) < 1:
                raise ConfigError(
                    f"task {task.name}: its own part of a prompt and an answer of up to "
                    f"{max(form.max_tokens for form in task.forms.values()):,} tokens leave no room in a context of "
                    f"{config.context:,}"
                )
        self._salts = {
            (task.name, key): identity(task.name, form, config.model, config.arguments)
            for task in config.tasks
            for key, form in task.forms.items()
        }
        self._budget = self._chunk()

    def sampling(self, request: StoredRequest) -> Sampling:
        """Return how a stored request is to be answered, the second time with more room if there is some."""
        usual = self.frames[request.task, request.form].sampling
        if request.schema:
            usual = replace(usual, schema=request.schema)
        if not request.again:
            return usual
        room = self.context - request.prompt_tokens
        return replace(usual, max_tokens=min(usual.roomier().max_tokens, room))

    def prompt(self, request: StoredRequest) -> list[int]:
        """Return the whole prompt of a stored request."""
        return self.frames[request.task, request.form].around(request.body)

    def read(self, flight: Flight, done: Completion | Failure) -> Answer | Failure | None:
        """Return what the engine's answer says, None when it is none and should be asked for a second time."""
        if isinstance(done, Failure):
            return done
        request = flight.request
        try:
            value = self.tasks[request.task].parse(request.form, done)
            return Answer(flight, value, done.timing)
        except MalformedError as error:
            had, more = self.sampling(request), self.sampling(request.once_more())
            if not request.again and more.max_tokens > had.max_tokens:
                return None
            reason = "truncated" if done.timing.output_tokens >= had.max_tokens else "malformed"
            return Failure(done.id, reason, str(error), json.dumps(done.text))

    def settle(self, answers: Sequence[Answer], refusals: Sequence[Failure]) -> Settled:
        """Make answers and refusals durable, with what restaurants' next stages have to ask."""
        with self._ledger.together():  # or a run that is killed in between would seem to be done
            self._ledger.settle(answers, refusals)
            answered = rejected = 0
            jobs: dict[int, tuple[Aggregation, str]] = {}
            good = {answer.flight.request.id for answer in answers}
            for request in (*good, *(refusal.id for refusal in refusals)):
                for job, name, unit, rows in self._ledger.askers(request):
                    if isinstance(task := self.tasks[name], Aggregation):
                        jobs[job] = task, unit
                    elif request in good:
                        answered += rows
                    else:
                        rejected += rows
            moved: list[int] = []
            ended: list[int] = []
            for job, (digest, unit) in jobs.items():
                if self._ledger.has_waiting(job):
                    continue  # others of its stage are under way
                if self.advance(digest, job, unit):
                    moved.append(job)
                else:
                    ended.append(job)
                    good_rows, bad_rows = self._ledger.row_outcomes(job)
                    answered, rejected = answered + good_rows, rejected + bad_rows
            return Settled(answered, rejected, moved, ended)

    def ask(self, task: Task, jobs: Mapping[str, int], items: Sequence[tuple[int, Row]]) -> None:
        """Ask for each of these numbered rows by itself, in the job of its unit."""
        of = {item.lang: task.form("ask", item.lang or language.DEFAULT) for _, item in items}
        forms = [of[item.lang] for _, item in items]
        texts = [_body(item.text) for _, item in items]
        keys = [self._key(task, form, [text]) for form, text in zip(forms, texts, strict=True)]
        known = self._ledger.known(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        bodies = dict(zip(new, self._tokenizer.encode_all(list(new.values())), strict=True))
        self._ledger.ask(
            task.name,
            0,
            [
                self._question(task, form, key, jobs[item.unit], [seq], bodies.get(key))
                for (seq, item), form, key in zip(items, forms, keys, strict=True)
            ],
        )

    def ask_anchors(self, task: Classification, job: int) -> None:
        """Ask for the task's anchors; no row asks these, and their numbers are below 0."""
        form = task.form("ask", language.DEFAULT)
        texts = [_body(text) for texts in task.anchors for text in texts]
        keys = [self._key(task, form, [text]) for text in texts]
        bodies = self._tokenizer.encode_all(texts)
        questions = [
            self._question(task, form, key, job, [~n], body)
            for n, (key, body) in enumerate(zip(keys, bodies, strict=True))
        ]
        self._ledger.ask(task.name, 0, questions)

    def anchors(self, task: Classification) -> list[bytes]:
        """Return the keys of the task's anchors, none when its answers are to be taken as they are."""
        if self._config.calibration == "raw":
            return []
        form = task.form("ask", language.DEFAULT)
        return [self._key(task, form, [_body(text)]) for texts in task.anchors for text in texts]

    def advance(self, task: Aggregation, job: int, unit: str) -> bool:
        """Ask what a restaurant's next stage has to ask, and say whether the job now waits for an answer.

        A stage that was answered in an earlier run is passed over.
        """
        while True:
            stored = self._ledger.stages(job)
            if any(request.state == "waiting" for request in stored):
                return True
            asked = max((request.stage for request in stored), default=-1)
            # A chunk of reviews without an answer is left out; of what is made of answers, everything is needed.
            needed = [request.state == "answered" for request in stored if request.stage == asked]
            if needed and not (all(needed) if asked else any(needed)):
                return False
            case = self._case(task, unit, stored, compared=not stored)
            stage = task.stage(case)
            if stage is None:
                return False
            self._ask_stage(task, job, asked + 1, case, stage)

    def complete(self, task: Aggregation) -> Iterator[RestaurantState]:
        """Yield the restaurants that a task has done with and has an answer for, in input order."""
        for job, name, unit in self._ledger.restaurant_jobs():
            if name != task.name:
                continue
            stored = self._ledger.stages(job)
            if any(r.state != "answered" and (r.stage or r.state == "waiting") for r in stored):
                continue
            case = self._case(task, unit, stored, compared=True)
            if case.answers and case.answers[-1]:
                yield case

    def _case(self, task: Aggregation, unit: str, stored: Sequence[Stored], *, compared: bool) -> RestaurantState:
        """Return a restaurant, how far a task has come with it, and if need be those it is compared with."""
        last = max((request.stage for request in stored), default=-1)
        opinions = self._ledger.items.opinions(unit)
        return RestaurantState(
            unit=unit,
            opinions=[opinion for opinion, _ in opinions],
            lang=Counter(lang for _, lang in opinions).most_common(1)[0][0],
            middle=self._middle,
            others=self._others(unit) if task.compares and compared else Others(),
            answers=[
                [request.answer for request in stored if request.stage == stage and request.state == "answered"]
                for stage in range(last + 1)
            ],
            used=sum(request.rows for request in stored if request.stage == 0 and request.state == "answered"),
            chunks=sum(request.stage == 0 for request in stored),
        )

    def _key(self, task: Task, form: str, parts: Iterable[str]) -> bytes:
        """Return what a question is known by: those with the same key ask the same thing."""
        digest = hashlib.blake2b(key=self._salts[task.name, form], digest_size=16)
        for part in parts:
            digest.update(part.encode() + b"\0")
        return digest.digest()

    def _ask_stage(self, task: Aggregation, job: int, number: int, case: RestaurantState, stage: Stage) -> None:
        form = task.form(stage.form, case.lang)
        frame = self.frames[task.name, form]
        lines, (after,) = self._encode(stage.lines), self._tokenizer.encode_all([stage.after])
        below = self._ledger.lowest_seq(task.name)
        questions = []
        budget = min(self._budget, max(1, self._room(frame) - len(after)))
        cut = chunks([len(line) for line in lines], budget, least=2 if number else 1)
        for n, part in enumerate(cut, start=1):
            about = [token for line in lines[part] for token in line]
            schema = task.held(stage, part, len(cut))
            key = self._key(task, form, [str(number), *stage.lines[part], stage.after, schema or ""])
            seqs = [below - n] if number else [opinion.seq for opinion in case.opinions[part]]
            question = self._question(task, form, key, job, seqs, about + after)
            prefix = len(frame.shared_prefix) + (0 if number else len(about))
            questions.append(replace(question, reviews_prefix=prefix, schema=schema))
        self._ledger.ask(task.name, number, questions)

    def _encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each line; the last ones are at hand, for the next task over the same reviews."""
        if self._encoded[0] != lines:
            self._encoded = lines, self._tokenizer.encode_all(lines)
        return self._encoded[1]

    def _question(
        self, task: Task, form: str, key: bytes, job: int, seqs: Sequence[int], body: list[int] | None
    ) -> Question:
        frame = self.frames[task.name, form]
        if body is None:
            return Question(key, job, seqs, form)
        tokens, limit = frame.tokens + len(body), self._room(frame) + frame.tokens
        too_long = f"{tokens:,} prompt tokens, the limit is {limit:,}" if tokens > limit else None
        return Question(
            key,
            job,
            seqs,
            form,
            body,
            tokens,
            len(frame.shared_prefix),
            len(frame.shared_prefix),
            frame.expected_output_tokens,
            too_long=too_long,
        )

    @cached_property
    def _middle(self) -> float | None:
        return self._ledger.items.middle()

    @cached_property
    def _comparables(self) -> Peers:
        return Peers(self._ledger.items.places())

    def _chunk(self) -> int:
        """Return the tokens of reviews in one prompt: the same for all tasks, or they would share no prefixes."""
        frames = [
            self.frames[task.name, key]
            for task in self._config.tasks
            if isinstance(task, Aggregation)
            for key in task.forms
        ]
        rooms = [room for frame in frames if (room := self._room(frame) - OTHERS) > 0]
        return min(CHUNK, self.context // 2, *rooms)

    def _room(self, frame: TokenizedTemplate) -> int:
        """Return the tokens that what a form asks about may have."""
        return self.context - frame.tokens - frame.sampling.max_tokens

    def _others(self, unit: str) -> Others:
        quotes: dict[str, list[str]] = {}
        for id_ in self._comparables.of(unit):
            if len(quotes) == COMPARED:
                break
            opinions = self._ledger.items.opinions(id_, most=SAMPLE)
            if found := [quote for opinion, _ in opinions for quote in quotable(opinion.text)]:
                quotes[id_] = found
        return Others(quotes)


def _body(text: str) -> str:
    return " " + one_line(text)
