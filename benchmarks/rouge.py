"""ROUGE, and the simple summaries that others are held against."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

Tokens = Sequence[str]


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def f1(hits: int, said: int, true: int) -> float:
    return 2 * hits / (said + true) if hits else 0.0


def rouge_n(n: int) -> Callable[[Tokens, Tokens], float]:
    def score(said: Tokens, true: Tokens) -> float:
        first, second = (Counter(zip(*(text[k:] for k in range(n)), strict=False)) for text in (said, true))
        return f1((first & second).total(), first.total(), second.total())

    return score


def rouge_l(said: Tokens, true: Tokens) -> float:
    row = [0] * (len(true) + 1)
    for word in said:
        before = 0
        for n, other in enumerate(true, start=1):
            before, row[n] = row[n], before + 1 if word == other else max(row[n], row[n - 1])
    return f1(row[-1], len(said), len(true))


SCORES = (rouge_n(1), rouge_n(2), rouge_l)


def sentences(texts: Sequence[str]) -> list[str]:
    return [
        part for text in texts for part in re.split(r"(?<=[.!?])\s+", " ".join(text.split())) if len(part.split()) > 2
    ]


def central(parts: Sequence[str], most: int) -> list[str]:
    """Return the sentences most like all of them, by TF-IDF (Radev et al., "Centroid-based summarization", 2004)."""
    words = [Counter(tokens(part)) for part in parts]
    often = Counter(word for bag in words for word in bag)
    vectors = []
    for bag in words:
        weights = {word: n * math.log1p(len(parts) / often[word]) for word, n in bag.items()}
        length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
        vectors.append({word: weight / length for word, weight in weights.items()})
    ideal: Counter[str] = Counter()
    for vector in vectors:
        ideal.update(vector)
    scores = [sum(weight * ideal[word] for word, weight in vector.items()) for vector in vectors]
    best = sorted(range(len(parts)), key=lambda n: -scores[n])[:most]
    return [parts[n] for n in sorted(best)]


def cut(parts: Sequence[str], words: int) -> str:
    return " ".join(" ".join(parts).split()[:words])
