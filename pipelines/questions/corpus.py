"""The corpus of a run: its rows, of which some have to be of use before anything else is done."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from pipelines.config import Config
from pipelines.corpus import reader
from pipelines.corpus.reject import Reject, told
from pipelines.corpus.row import Row
from pipelines.errors import CorpusError
from pipelines.events import Emit
from pipelines.ledger.rows import Rows

Chunk = list[Row | Reject]
LISTED = 20  # files that are passed over and named


class Corpus:
    """The rows of a config's input, of which the `first` are there already.

    Raises CorpusError when it holds none, or none that can be used: earlier results are worth more than no rows.
    """

    def __init__(self, config: Config, emit: Emit = lambda _: None) -> None:
        self._chunks = reader.read(config.sources, config.reading, config.limit, emit)
        self._read: list[Chunk] = []
        self.first: list[Row] = []
        while not self.first and (chunk := next(self._chunks, None)):
            self._read.append(chunk)
            self.first = [row for row in chunk if isinstance(row, Row)]
        if not self._read:
            raise CorpusError(f"no rows in the input: {reader.why_empty(config.sources, config.reading)}")
        if not self.first:
            raise CorpusError(_all_rejected(row for row in chain(*self._read) if isinstance(row, Reject)))

    def __iter__(self) -> Iterator[Chunk]:
        """Yield every chunk, once."""
        return chain(self._read, self._chunks)


def facts(config: Config, rows: Rows) -> dict[str, Any]:
    """Return what a report says of where rows that are in a ledger come from, and of them."""
    return {
        "files": len(config.sources),
        "passed_over": {"files": len(config.passed_over), "first": config.passed_over[:LISTED]},
        **of_rows(rows),
    }


def of_rows(rows: Rows) -> dict[str, Any]:
    """Return what a report says of rows that are in a ledger: their languages and their ratings."""
    return {
        "languages": {lang: number for lang, number in rows.languages().items() if number},
        "ratings": {"scale": str(rows.scale) if rows.scale else None, **rows.ratings()},
    }


def check(rows: Rows) -> None:
    """Raise CorpusError when nothing is there to ask about any row, nor an answer: all are too long, say."""
    if rows.are_rejected():
        raise CorpusError(_all_rejected(rows.rejects()))


def _all_rejected(rejects: Iterable[Reject]) -> str:
    """Return in one line that no row is of use, and what is likely wrong."""
    rows = {(reject.source, reject.row, reject.id): reject for reject in rejects}  # once, under however many tasks
    counts = Counter(reject.reason for reject in rows.values()).most_common()
    reasons = ", ".join(f"{often:,} {reason}" for reason, often in counts)
    return f"no row of the input can be used ({reasons}), the first one: {told(next(iter(rows.values())))}"
