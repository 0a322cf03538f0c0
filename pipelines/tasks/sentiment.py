"""Sentiment: is a review positive, neutral or negative? Decided by scoring the labels, nothing is generated."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.calibration import Prior, softmax
from pipelines.engine import Completion, Sampling
from pipelines.errors import ModelError
from pipelines.prompt import Frame

if TYPE_CHECKING:  # it imports transformers, which listing the tasks can do without
    from pipelines.tokenizer import Tokenizer

LABELS = ("positive", "neutral", "negative")
EXAMPLES: tuple[tuple[str, str], ...] = (
    ("The pasta was wonderful and the staff made us feel at home.", "positive"),
    ("Cold food, rude waiter, and we waited an hour.", "negative"),
    ("It was okay, nothing special, prices are average.", "neutral"),
    ("Terrible. I will never come back to this place.", "negative"),
    ("Best burger in town, great value!", "positive"),
    ("Some dishes were good and others were disappointing.", "neutral"),
)


class Sentiment:
    """The task: one forward pass over worked examples and the review, softmax over the labels."""

    name = "sentiment"
    about = "is a review positive, neutral or negative?"
    labels = LABELS
    schema = pa.schema([
        ("review_id", pa.string()),
        ("restaurant_id", pa.string()),
        ("label", pa.string()),
        ("confidence", pa.float64()),
        *((f"p_{label}", pa.float64()) for label in LABELS),
        ("score", pa.float64()),
    ])  # fmt: skip

    @property
    def version(self) -> str:
        """Changes whenever a prompt would."""
        return hashlib.blake2b(json.dumps([_head(), _TAIL, LABELS]).encode(), digest_size=8).hexdigest()

    def frame(self, tokenizer: "Tokenizer") -> Frame:
        """Return the prompt's fixed parts for one model.

        Raises ModelError when its tokenizer begins two labels with the same token.
        """
        score = tuple(tokenizer.encode(f" {label}")[0] for label in LABELS)
        if len(set(score)) < len(LABELS):
            raise ModelError(
                "this model's tokenizer begins two labels with the same token, which scoring cannot tell apart"
            )
        head = (*tokenizer.bos, *tokenizer.encode(_head()))
        return Frame(head, tuple(tokenizer.encode(_TAIL)), Sampling(max_tokens=1, score=score))

    def body(self, text: str) -> str:
        """Return the review as it stands in the prompt: on one line, for a line break ends an example."""
        return " " + " ".join(text.split())

    def parse(self, completion: Completion, frame: Frame) -> dict[str, float]:
        """Return the natural-log probability of each label, not normalised over the three."""
        return dict(zip(LABELS, (completion.scores[token] for token in frame.sampling.score), strict=True))

    def prior(self, answers: Iterable[Mapping[str, Any]]) -> Prior:
        """Return what the model leans towards over this corpus; no label is looked at."""
        return Prior.fit(_probabilities(answers))

    def table(self, rows: Sequence[tuple[str, str, Mapping[str, Any]]], prior: Prior | None) -> pa.Table:
        """Return the results of some answered rows (review_id, restaurant_id, answer)."""
        reviews, restaurants, answers = zip(*rows, strict=True)
        p = _probabilities(answers)
        if prior:
            p = prior.remove(p)
        best = p.argmax(axis=1)
        labels = [LABELS[i] for i in best]
        columns = [reviews, restaurants, labels, p.max(axis=1), *p.T, p[:, 0] - p[:, 2]]
        return pa.table([pa.array(column) for column in columns], schema=self.schema)

    def roll_up(self, results: pl.LazyFrame) -> pl.LazyFrame:
        """Return one row per restaurant, in input order: how many reviews of each label, and the mean score."""
        counts = [(pl.col("label") == label).sum().alias(label) for label in LABELS]
        return results.group_by("restaurant_id", maintain_order=True).agg(
            pl.len().alias("reviews"), *counts, pl.col("score").mean().alias("mean_score")
        )


_TAIL = "\nSentiment:"


def _head() -> str:
    return "".join(f"Review: {text}{_TAIL} {label}\n\n" for text, label in EXAMPLES) + "Review:"


def _probabilities(answers: Iterable[Mapping[str, Any]]) -> np.ndarray:
    scores = np.array([[answer[label] for label in LABELS] for answer in answers], dtype=np.float64)
    return softmax(scores.reshape(-1, len(LABELS)))
