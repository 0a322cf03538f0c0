"""Sentiment: is a review positive, neutral or negative? One forward pass scores words, nothing is generated.

The prompt is a plain completion after three worked examples. What the model would say next is read off as the
log probabilities of some words of each class; `pipelines.calibration` turns those into class probabilities.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.calibration import Array, Calibration, softmax
from pipelines.engine import Completion, Sampling
from pipelines.errors import ModelError
from pipelines.prompt import Frame
from pipelines.tasks import anchors

if TYPE_CHECKING:  # it imports transformers, which listing the tasks can do without
    from pipelines.tokenizer import Tokenizer

LABELS = ("positive", "neutral", "negative")
EXAMPLES = (
    ("Loved the grilled fish, and the staff could not have been nicer.", "positive"),
    ("Cold food and rude staff, I will not return.", "negative"),
    ("The food was okay, nothing special.", "neutral"),
)
TAIL = "\nSentiment:"
HEAD = "".join(f"Review: {text}{TAIL} {label}\n\n" for text, label in EXAMPLES) + "Review:"
# The first word of each class is its label; the others say the same in other words.
WORDS = (
    ("positive", "great", "good", "excellent", "happy", "wonderful", "satisfied", "pleased"),
    ("neutral", "mixed", "okay", "average", "fair", "moderate", "acceptable", "decent", "fine", "ok", "reasonable",
     "balanced"),
    ("negative", "bad", "terrible", "poor", "unhappy", "horrible", "disappointed", "angry"),
)  # fmt: skip
ANCHORS = (anchors.POSITIVE, anchors.NEUTRAL, anchors.NEGATIVE)

Row = tuple[str, str, Sequence[float]]  # review_id, restaurant_id, answer
Judge = Callable[[Array], Array]  # (rows, words) log probabilities to (rows, labels) probabilities


class Sentiment:
    """The task, for one model: `frame` is its prompt, and an answer the log probability of each scored word.

    Raises ModelError when the tokenizer begins two labels with the same token.
    """

    name: ClassVar = "sentiment"
    about: ClassVar = "is a review positive, neutral or negative?"
    labels: ClassVar = LABELS
    anchors: ClassVar[Sequence[str]] = [text for texts in ANCHORS for text in texts]
    schema: ClassVar = pa.schema([
        ("review_id", pa.string()),
        ("restaurant_id", pa.string()),
        ("label", pa.string()),
        ("confidence", pa.float64()),
        *((f"p_{label}", pa.float64()) for label in LABELS),
        ("score", pa.float64()),
    ])  # fmt: skip

    def __init__(self, tokenizer: "Tokenizer") -> None:
        scored = _scored(tokenizer)
        self._classes = np.array([of for _, of in scored])
        head = (*tokenizer.bos, *tokenizer.encode(HEAD))
        score = tuple(token for token, _ in scored)
        self.frame = Frame(head, tuple(tokenizer.encode(TAIL)), Sampling(max_tokens=1, score=score))

    @property
    def version(self) -> str:
        """Changes whenever a prompt, or what is read off it, does."""
        return hashlib.blake2b(json.dumps([HEAD, TAIL, WORDS]).encode(), digest_size=8).hexdigest()

    def body(self, text: str) -> str:
        """Return the review as it stands in the prompt: on one line, for a line break ends an example."""
        return " " + " ".join(text.split())

    def parse(self, completion: Completion) -> list[float]:
        """Return the natural-log probability of each scored word."""
        return [round(completion.scores[token], 4) for token in self.frame.sampling.score]

    def judge(self, kind: str, known: Sequence[Sequence[float]], corpus: Iterable[Sequence[Row]]) -> Judge:
        """Return what turns answers into probabilities.

        `kind` is `raw` (the three label words as they are), `anchors` (words measured on `known`, the answers
        to `anchors`) or `corpus` (that, moved towards the answers of the run's own `corpus`).
        """
        if kind == "raw":
            first = [int(np.argmax(self._classes == c)) for c in range(len(LABELS))]
            return lambda logprobs: softmax(logprobs[:, first])
        truth = np.repeat(np.arange(len(LABELS)), [len(texts) for texts in ANCHORS])
        calibration = Calibration.measure(np.array(known), truth, self._classes)
        if kind == "corpus":
            calibration = calibration.shifted(_logprobs(rows) for rows in corpus)
        return calibration.probabilities

    def table(self, rows: Sequence[Row], judge: Judge) -> pa.Table:
        """Return the results of some answered rows."""
        reviews, restaurants, _ = zip(*rows, strict=True)
        p = judge(_logprobs(rows))
        labels = [LABELS[best] for best in p.argmax(axis=1)]
        columns = [reviews, restaurants, labels, p.max(axis=1), *p.T, p[:, 0] - p[:, 2]]
        return pa.table([pa.array(column) for column in columns], schema=self.schema)

    def roll_up(self, results: pl.LazyFrame) -> pl.LazyFrame:
        """Return one row per restaurant, in input order: how many reviews of each label, and the mean score."""
        counts = [(pl.col("label") == label).sum().alias(label) for label in LABELS]
        return results.group_by("restaurant_id", maintain_order=True).agg(
            pl.len().alias("reviews"), *counts, pl.col("score").mean().alias("mean_score")
        )


def _scored(tokenizer: "Tokenizer") -> list[tuple[int, int]]:
    """Return the token ids to score, each with its class: the first of a label, and other words that are one token."""
    found: dict[int, int] = {}
    for of, (label, *_) in enumerate(WORDS):
        first = tokenizer.encode(f" {label}")[0]
        if first in found:
            raise ModelError(
                "this model cannot be used for sentiment: its tokenizer begins two labels with the same token"
            )
        found[first] = of
    for of, (_, *others) in enumerate(WORDS):
        for word in others:
            token, *rest = tokenizer.encode(f" {word}")
            if not rest:
                found.setdefault(token, of)
    return sorted(found.items(), key=lambda item: item[1])


def _logprobs(rows: Sequence[Row]) -> Array:
    return np.array([answer for _, _, answer in rows])
