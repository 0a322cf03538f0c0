"""Measurements: what runs of one model on one machine took, kept in the user's cache for the next one's plan."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import KW_ONLY, asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pipelines.ledger import history
from pipelines.ledger.database import NAME, read
from pipelines.models.catalog import Model
from scheduling.speed import Slice, Speed, fit

KEPT = 20  # runs; a machine may be another one after an upgrade
# A slice of a run has at least so many engine steps and requests, or it says little.
STEPS, REQUESTS, SLICES = 16, 64, 16


@dataclass(frozen=True, slots=True)
class Measured:
    """A run in slices; `tasks` has the requests and decoded tokens of each, `decode_s` is the sum of decode times.

    Before, an engine took `start_s` seconds to start, None where nobody has noted that. Its replicas had such `speeds`,
    in multiples of their mean.
    """

    slices: list[Slice]
    tasks: Mapping[str, tuple[int, int]]
    decode_s: float
    _: KW_ONLY
    start_s: float | None = None
    speeds: Sequence[float] = ()


def measure(folder: Path, steps: int, *, replicas: int = 1, since: float = 0.0) -> Measured | None:
    """Return what the last run of a folder, of so many engine steps, tells of the speed of one of its `replicas`.

    All were there `since` a moment, in seconds after the first was up, and what was done before does not count. None
    when it was too short to tell.
    """
    with closing(read(folder / NAME)) as db:
        run = history.last_run(db)
        # Before the first was admitted, jobs were put in order, and the engine had nothing to do.
        requests, began, ended = history.answered_between(db, run.number, since) if run else (0, 0.0, 0.0)
        if run is None or requests < REQUESTS:
            return None
        count = max(1, min(SLICES, steps // (STEPS * replicas), requests // (REQUESTS * replicas)))
        work = history.work_by_slice(db, run.number, began, ended, slices=count)
        decode = history.decode_by_task(db, run.number)
    return Measured(
        slices=[
            Slice(seconds=(ended - began) / count * replicas, prefilled=prefilled, requests=asked, decoded=decoded)
            for prefilled, asked, decoded in work
        ],
        tasks={task.task: (task.requests, task.output_tokens) for task in decode},
        decode_s=sum(task.seconds for task in decode),
        start_s=run.facts.get("engine_start_s"),
        speeds=run.facts.get("replica_speeds", []),
    )


class Measurements:
    """The measurements of an engine: a file of JSON lines, one a run, the newest last."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, folder: Path, model: Model, **engine: Any) -> "Measurements":
        """Return those of a model on an `engine`, described by whatever makes it faster or slower."""
        text = json.dumps([model.fingerprint, engine], sort_keys=True, default=str)
        name = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        return cls(folder / f"{Path(model.name).name}-{name}.jsonl")

    def speed(self, tasks: Iterable[str]) -> Speed | None:
        """Return the speed that runs of the same tasks amount to, or all runs where those are too few, or None."""
        runs, same = self._runs(), set(tasks)
        return _speed([run for run in runs if run.tasks.keys() == same]) or _speed(runs)

    def start(self) -> float | None:
        """Return the seconds that an engine took to start the last time, None where nobody has noted that."""
        return next((run.start_s for run in reversed(self._runs()) if run.start_s is not None), None)

    def speeds(self, replicas: int) -> Sequence[float]:
        """Return how fast so many replicas were the last time, in multiples of their mean; alike where nobody knows."""
        known = (run.speeds for run in reversed(self._runs()) if len(run.speeds) == replicas)
        return next(known, [1.0] * replicas)

    def add(self, measured: Measured | None, warn: Callable[[str], None]) -> None:
        """Add what a run took; a cache that cannot be written costs a warning and no more."""
        if measured is None:
            return
        line = json.dumps({**asdict(measured), "slices": [_numbers(piece) for piece in measured.slices]})
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


def _numbers(piece: Slice) -> tuple[float, float, float, float]:
    """Return a slice as its line in the file has it."""
    return piece.seconds, piece.prefilled, piece.requests, piece.decoded


def _parse(line: str) -> Measured | None:
    # Two runs may end at once, and a line of an older version may say something else.
    try:
        stored = json.loads(line)
        slices = [
            Slice(seconds=float(seconds), prefilled=float(prefilled), requests=float(requests), decoded=float(decoded))
            for seconds, prefilled, requests, decoded in stored["slices"]
        ]
        tasks = {task: (int(requests), int(decoded)) for task, (requests, decoded) in stored["tasks"].items()}
        start_s = None if stored.get("start_s") is None else float(stored["start_s"])
        speeds = [float(speed) for speed in stored.get("speeds", [])]
        measured = Measured(slices, tasks, float(stored["decode_s"]), start_s=start_s, speeds=speeds)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None
    numbers = [
        measured.decode_s,
        measured.start_s or 0.0,
        *chain.from_iterable([*map(_numbers, slices), *tasks.values()]),
    ]
    sound = all(0 <= number < math.inf for number in numbers) and all(0 < speed < math.inf for speed in speeds)
    return measured if sound else None
