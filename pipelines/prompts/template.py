"""A prompt template: the text that stands around what a prompt is about, and its token ids."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from pipelines.engine.interface import Sampling
from pipelines.errors import ModelError

if TYPE_CHECKING:  # it imports transformers, which listing the tasks can do without
    from pipelines.prompts.tokenizer import Tokenizer

ENOUGH = 0.25  # of the tokens that an answer may have, what it is taken to have while nothing has been measured


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt as text: what stands before and after what it is about, and how it is answered.

    Either the probabilities of `words` are read off, one tuple for each class, and nothing is generated, or at most
    `max_tokens` are generated that follow `schema`, a JSON Schema as text, with a `penalty` on saying the same again.
    """

    shared_prefix: str
    suffix: str
    max_tokens: int = 1
    _: KW_ONLY
    words: tuple[tuple[str, ...], ...] = ()
    schema: str | None = None
    penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class TokenizedTemplate:
    """A template for one model, as token ids; `classes` has the class of each scored token.

    Every prompt of it begins with `shared_prefix`, which the engine therefore computes once.
    """

    shared_prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    sampling: Sampling
    classes: tuple[int, ...] = ()

    def around(self, body: list[int]) -> list[int]:
        """Return the whole prompt about what `body` has the tokens of."""
        return [*self.shared_prefix, *body, *self.suffix]

    @property
    def tokens(self) -> int:
        """Tokens of every prompt that are the template's own."""
        return len(self.shared_prefix) + len(self.suffix)

    @property
    def expected_output_tokens(self) -> float:
        """Output tokens after the first that an answer is expected to have."""
        return (self.sampling.max_tokens - 1) * ENOUGH


def one_line(text: str) -> str:
    """Return a text as it stands in prompts, where a line break ends an example."""
    return " ".join(text.split())


def tokenize(template: PromptTemplate, tokenizer: "Tokenizer") -> TokenizedTemplate:
    """Return the template in a model's tokens. Raises ModelError when two classes' first words begin alike."""
    scored = _scored(template.words, tokenizer)
    return TokenizedTemplate(
        shared_prefix=(*tokenizer.bos, *tokenizer.encode(template.shared_prefix)),
        suffix=tuple(tokenizer.encode(template.suffix)),
        sampling=Sampling(template.max_tokens, tuple(token for token, _ in scored), template.schema, template.penalty),
        classes=tuple(label for _, label in scored),
    )


def _scored(words: Sequence[Sequence[str]], tokenizer: "Tokenizer") -> list[tuple[int, int]]:
    """Return the token ids to score, each with its class: the first of a label, and other words that are one token."""
    classes: dict[int, int] = {}
    for number, (label, *_) in enumerate(words):
        first = tokenizer.encode(f" {label}")[0]
        if first in classes:
            raise ModelError(
                f"this model cannot tell the labels {words[classes[first]][0]!r} and {label!r} apart: its tokenizer "
                "begins them with the same token"
            )
        classes[first] = number
    for number, (_, *others) in enumerate(words):
        for word in others:
            token, *rest = tokenizer.encode(f" {word}")
            if not rest:
                classes.setdefault(token, number)
    return sorted(classes.items(), key=lambda scored: scored[1])
