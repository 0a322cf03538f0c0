"""Prompts: what stands around the questions of a run, in one model's tokens, and how they are answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from pipelines.engine.interface import Sampling
from pipelines.errors import ConfigError
from pipelines.models.catalog import Model
from pipelines.prompts import cache_key
from pipelines.prompts.template import PromptTemplate, TokenizedTemplate, tokenize
from pipelines.prompts.tokenizer import Tokenizer


class Asked(Protocol):
    """A question as prompts are made of one: the tokens it is about, and what else than its form it is answered by.

    `again` says whether it was answered before with something that is no answer.
    """

    @property
    def task(self) -> str:
        """The task's name."""

    @property
    def form(self) -> str:
        """The key of the task's form."""

    @property
    def body(self) -> list[int]:
        """The tokens of what it is about."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the whole prompt."""

    @property
    def schema(self) -> str | None:
        """What the answer follows where the form's own schema is not enough."""

    @property
    def again(self) -> bool:
        """Whether it is asked a second time."""


class Prompts:
    """The `templates` of tasks, by task and form, for a model that is run with some engine `arguments`.

    `context` are the tokens that a prompt and its answer may have: the model's, until the engine's are known.
    Raises ConfigError when a task's own part of a prompt and its answer fill them.
    """

    def __init__(
        self, model: Model, arguments: Mapping[str, Any], templates: Mapping[tuple[str, str], PromptTemplate]
    ) -> None:
        self.context = int(arguments.get("max_model_len", model.context))
        self._tokenizer = Tokenizer(model.folder)
        self._encoded: tuple[Sequence[str], list[list[int]]] = ([], [])
        self.templates: Mapping[tuple[str, str], TokenizedTemplate] = {
            of_task: tokenize(template, self._tokenizer, chat=model.chat) for of_task, template in templates.items()
        }
        self._check_room()
        self._salts = {
            (task, form): cache_key.identity(task, tokenized.template, model, arguments, chat=tokenized.chat)
            for (task, form), tokenized in self.templates.items()
        }

    def prompt(self, asked: Asked) -> list[int]:
        """Return the whole prompt of a question."""
        return self.templates[asked.task, asked.form].around(asked.body)

    def sampling(self, asked: Asked) -> Sampling:
        """Return how a question is to be answered, the second time with more room if there is some."""
        usual = self.templates[asked.task, asked.form].sampling
        if asked.schema:
            usual = replace(usual, schema=asked.schema)
        if not asked.again:
            return usual
        return replace(usual, max_tokens=min(usual.roomier().max_tokens, self.context - asked.prompt_tokens))

    def key(self, task: str, form: str, parts: Iterable[str]) -> bytes:
        """Return what a question is known by, 16 bytes: those with the same key ask the same thing."""
        return cache_key.key(self._salts[task, form], parts)

    @property
    def identity(self) -> bytes:
        """A digest of what is asked around the questions, of which model: where it is the same, answers are."""
        return cache_key.key(b"prompts", (salt.hex() for salt in self._salts.values()))

    def room(self, task: str, form: str) -> int:
        """Return the tokens that what a form asks about may have."""
        template = self.templates[task, form]
        return self.context - template.tokens - template.sampling.max_tokens

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text."""
        return self._tokenizer.encode_all(texts)

    def encode_lines(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each line; the last ones are at hand, for the next task over the same reviews."""
        if self._encoded[0] != lines:
            self._encoded = lines, self.encode(lines)
        return self._encoded[1]

    def _check_room(self) -> None:
        most: dict[tuple[str, str], int] = {}  # of each form's name, in the language that leaves most
        for task, form in self.templates:
            name = form.partition(".")[0]
            most[task, name] = max(self.room(task, form), most.get((task, name), 0))
        for task in dict.fromkeys(task for (task, _), room in most.items() if room < 1):
            answer = max(template.sampling.max_tokens for (name, _), template in self.templates.items() if name == task)
            raise ConfigError(
                f"task {task}: its own part of a prompt and an answer of up to {answer:,} tokens leave no room in a "
                f"context of {self.context:,}"
            )
