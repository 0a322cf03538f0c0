"""Measurements: what runs of one model on one machine took, kept in the user's cache for the next one's plan."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pipelines.models.catalog import Model
from scheduling.speed import Slice, Speed, fit

KEPT = 20  # runs; a machine may be another one after an upgrade


@dataclass(frozen=True, slots=True)
class Measured:
    """A run in slices; `tasks` has the requests and decoded tokens of each, `decode_s` is the sum of decode times."""

    slices: list[Slice]
    tasks: Mapping[str, tuple[int, int]]
    decode_s: float


class Measurements:
    """The measurements of an engine: a file of JSON lines, one a run, the newest last."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, folder: Path, model: Model, **engine: Any) -> "Measurements":
        """Return those of a model on an `engine`, described by whatever makes it faster or slower."""
        known = json.dumps([model.fingerprint, engine], sort_keys=True, default=str)
        name = hashlib.blake2b(known.encode(), digest_size=8).hexdigest()
        return cls(folder / f"{Path(model.name).name}-{name}.jsonl")

    def speed(self, tasks: Iterable[str]) -> Speed | None:
        """Return the speed that runs of the same tasks amount to, or all runs where those are too few, or None."""
        runs, same = self._runs(), set(tasks)
        return _speed([run for run in runs if run.tasks.keys() == same]) or _speed(runs)

    def add(self, measured: Measured | None, warn: Callable[[str], None]) -> None:
        """Add what a run took; a cache that cannot be written costs a warning and no more."""
        if measured is None:
            return
        line = json.dumps({**asdict(measured), "slices": [astuple(piece) for piece in measured.slices]})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(line + "\n")
        except OSError as error:
            warn(f"what this run took could not be kept for the next one's plan: {error}")

    def _runs(self) -> list[Measured]:
        try:
            lines = self._path.read_text().splitlines()[-KEPT:]
        except (OSError, UnicodeDecodeError):
            return []
        return [run for run in map(_parse, lines) if run]


def _speed(runs: Sequence[Measured]) -> Speed | None:
    requests: Counter[str] = Counter()
    decoded: Counter[str] = Counter()
    for run in runs:
        for task, (asked, tokens) in run.tasks.items():
            requests[task] += asked
            decoded[task] += tokens
    lengths = {task: decoded[task] / requests[task] for task in requests}
    pace = sum(run.decode_s for run in runs) / max(decoded.total(), 1)
    return fit([run.slices for run in runs], lengths, pace)


def _parse(line: str) -> Measured | None:
    # Two runs may end at once, and a line of an older version may say something else.
    try:
        found = json.loads(line)
        slices = [Slice(*map(float, piece)) for piece in found["slices"]]
        tasks = {task: (int(requests), int(decoded)) for task, (requests, decoded) in found["tasks"].items()}
        measured = Measured(slices, tasks, float(found["decode_s"]))
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None
    numbers = [measured.decode_s, *chain.from_iterable([*map(astuple, slices), *tasks.values()])]
    return measured if all(0 <= number < math.inf for number in numbers) else None
