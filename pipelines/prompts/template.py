"""A prompt template: the text that stands around what a prompt is about, and its token ids."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from pipelines.engine.interface import Sampling
from pipelines.errors import ModelError

if TYPE_CHECKING:  # it imports transformers, which listing the tasks can do without
    from pipelines.prompts.tokenizer import Tokenizer

GAP = "\x00"  # stands where a prompt goes on with what it is about
ENOUGH = 0.25  # of the tokens that an answer may have, what it is taken to have while nothing has been measured


@dataclass(frozen=True, slots=True)
class Chat:
    """The same prompt as a conversation, for a model that is trained on them.

    The `system` is told first, if there is something to tell; then there are worked `turns`, each what was said and
    what was answered; what the prompt is about stands after `opening`, in the last turn.
    """

    system: str
    turns: tuple[tuple[str, str], ...]
    opening: str

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation as chat templates take it, `GAP` standing for what the prompt is about."""
        said = [("system", self.system)] if self.system else []
        for asked, answered in self.turns:
            said += [("user", asked), ("assistant", answered)]
        return [{"role": role, "content": text} for role, text in [*said, ("user", self.opening + GAP)]]


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt as text: what stands before and after what it is about, and how it is answered.

    Either the probabilities of `words` are read off, one tuple for each class, and nothing is generated, or at most
    `max_tokens` are generated that follow `schema`, a JSON Schema as text, with a `penalty` on saying the same again.
    Then the probabilities of the `marks` are read off wherever one of them is said. A model that is spoken to in turns
    is told the `chat`.
    """

    shared_prefix: str
    suffix: str
    max_tokens: int = 1
    _: KW_ONLY
    words: tuple[tuple[str, ...], ...] = ()
    schema: str | None = None
    penalty: float = 0.0
    marks: tuple[str, ...] = ()
    chat: Chat | None = None


@dataclass(frozen=True, slots=True)
class TokenizedTemplate:
    """A template for one model, as token ids; `classes` has the class of each scored token.

    It is a conversation if `chat`. Every prompt of it begins with `shared_prefix`, which the engine therefore computes
    once.
    """

    shared_prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    sampling: Sampling
    classes: tuple[int, ...] = ()
    _: KW_ONLY
    chat: bool = False

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


def tokenize(template: PromptTemplate, tokenizer: "Tokenizer", *, chat: bool = False) -> TokenizedTemplate:
    """Return the template in a model's tokens, `chat` as a conversation if the template is one and the model knows how.

    Raises ModelError when two classes' first words begin alike.
    """
    conversation = tokenizer.conversation(template.chat.messages, GAP) if chat and template.chat else None
    before, after = conversation or (
        [*tokenizer.bos, *tokenizer.encode(template.shared_prefix)],
        tokenizer.encode(template.suffix),
    )
    scored = _scored(template.words, tokenizer, "" if conversation else " ")
    marked = tuple(tokenizer.encode(word)[0] for word in template.marks)
    return TokenizedTemplate(
        shared_prefix=tuple(before),
        suffix=tuple(after),
        sampling=Sampling(
            template.max_tokens,
            tuple(token for token, _ in scored),
            template.schema,
            template.penalty,
            marked=marked,
        ),
        classes=tuple(label for _, label in scored),
        chat=conversation is not None,
    )


def _scored(words: Sequence[Sequence[str]], tokenizer: "Tokenizer", space: str) -> list[tuple[int, int]]:
    """Return the token ids to score, each with its class: the first of a label, and other words that are one token.

    What stands before the answer ends without the `space`, which is in the tokens then.
    """
    classes: dict[int, int] = {}
    for number, (label, *_) in enumerate(words):
        first = tokenizer.encode(f"{space}{label}")[0]
        if first in classes:
            raise ModelError(
                f"this model cannot tell the labels {words[classes[first]][0]!r} and {label!r} apart: its tokenizer "
                "begins them with the same token"
            )
        classes[first] = number
    for number, (_, *others) in enumerate(words):
        for word in others:
            token, *rest = tokenizer.encode(f"{space}{word}")
            if not rest:
                classes.setdefault(token, number)
    return sorted(classes.items(), key=lambda scored: scored[1])
