"""A prompt template: the text that stands around what a prompt is about, and its token ids."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import takewhile
from operator import itemgetter
from typing import TYPE_CHECKING

from pipelines.engine.interface import Sampling
from pipelines.errors import ModelError

if TYPE_CHECKING:  # it imports transformers, which listing the tasks can do without
    from pipelines.prompts.tokenizer import Tokenizer

GAP = "\x00"  # stands where a prompt goes on with what it is about
SHARE = 0.25  # of the tokens that an answer may have, what it is taken to have where no example shows how long it gets


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
    is told the `chat`. One whose tokenizer begins two classes' words alike, even after what all of them begin with, is
    asked by the `lettered` template, in which classes have letters.
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
    lettered: "PromptTemplate | None" = None


@dataclass(frozen=True, slots=True)
class TokenizedTemplate:
    """The `template` for one model, as token ids; `classes` has the class of each scored token.

    It is a conversation if `chat`. Every prompt of it begins with `shared_prefix`, which the engine therefore computes
    once. Its worked examples' answers are `verbosity` times as long as what they are about, 0 where it has none.
    """

    shared_prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    sampling: Sampling
    classes: tuple[int, ...] = ()
    _: KW_ONLY
    template: PromptTemplate
    chat: bool = False
    verbosity: float = 0.0

    def around(self, body: list[int]) -> list[int]:
        """Return the whole prompt about what `body` has the tokens of."""
        return [*self.shared_prefix, *body, *self.suffix]

    @property
    def tokens(self) -> int:
        """Tokens of every prompt that are the template's own."""
        return len(self.shared_prefix) + len(self.suffix)

    def expected_output_tokens(self, body: float) -> float:
        """Return the output tokens after the first that an answer about so many tokens is expected to have."""
        most = self.sampling.max_tokens - 1
        return min(self.verbosity * body if self.verbosity else SHARE * most, most)


def one_line(text: str) -> str:
    """Return a text as it stands in prompts, where a line break ends an example."""
    return " ".join(text.split())


def tokenize(template: PromptTemplate, tokenizer: "Tokenizer", *, chat: bool = False) -> TokenizedTemplate:
    """Return the template in a model's tokens, `chat` as a conversation if the template is one and the model knows how.

    Raises ModelError when two classes' first words begin alike, and there is no template with letters.
    """
    conversation = tokenizer.conversation(template.chat.messages, GAP) if chat and template.chat else None
    before, after = conversation or (
        [*tokenizer.bos, *tokenizer.encode(template.shared_prefix)],
        tokenizer.encode(template.suffix),
    )
    scored = _scored(template.words, tokenizer, "" if conversation else " ") if template.words else _Scored((), {})
    if scored is None:
        if template.lettered:
            return tokenize(template.lettered, tokenizer, chat=chat)
        labels = ", ".join(repr(label) for label, *_ in template.words)
        raise ModelError(f"this model cannot tell the labels {labels} apart: its tokenizer begins some of them alike")
    marked = tuple(tokenizer.encode(word)[0] for word in template.marks)
    return TokenizedTemplate(
        shared_prefix=tuple(before),
        suffix=(*after, *scored.said),
        sampling=Sampling(
            template.max_tokens,
            tuple(scored.classes),
            template.schema,
            template.penalty,
            marked=marked,
        ),
        classes=tuple(scored.classes.values()),
        template=template,
        chat=conversation is not None,
        verbosity=_verbosity(template.chat.turns if template.chat else (), tokenizer),
    )


def _verbosity(turns: Sequence[tuple[str, str]], tokenizer: "Tokenizer") -> float:
    """Return how many tokens the answers of a conversation's turns have for each that they are about."""
    asked, answered = (sum(len(tokenizer.encode(turn[side])) for turn in turns) for side in range(2))
    return answered / asked if asked else 0.0


@dataclass(frozen=True, slots=True)
class _Scored:
    """What is scored: the token ids with the class of each, where all labels' common beginning has been `said`."""

    said: tuple[int, ...]
    classes: Mapping[int, int]


def _scored(words: Sequence[Sequence[str]], tokenizer: "Tokenizer", space: str) -> _Scored | None:
    """Return the first token in which each label differs from all others, and other words that are one such token.

    None where two labels do not differ there. What stands before the answer ends without the `space`, which is in the
    tokens then.
    """
    labels = [tokenizer.encode(f"{space}{label}") for label, *_ in words]
    said = [token for token, *_ in takewhile(lambda tokens: len(set(tokens)) == 1, zip(*labels, strict=False))]
    if min(map(len, labels)) == len(said):
        return None  # one of them is how the others begin
    classes = {label[len(said)]: number for number, label in enumerate(labels)}
    if len(classes) < len(labels):
        return None
    for number, (_, *others) in enumerate(words):
        for word in others:
            tokens = tokenizer.encode(f"{space}{word}")
            if tokens[:-1] == said:
                classes.setdefault(tokens[-1], number)
    return _Scored(tuple(said), dict(sorted(classes.items(), key=itemgetter(1))))
