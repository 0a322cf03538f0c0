"""The outcome of an examination: how good a model is at what is asked here, kept by the model's fingerprint."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from pipelines.files import replacing
from pipelines.models.catalog import Model

VERSION = 1  # of the paper and its marking: an outcome of another one says nothing of this


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a `model` was found to be: whether it is better spoken to in turns (`chat`), and whether it `writes`.

    Of the `scores`, from 0 to 1, each is better the higher it is, but for `calibration_error`; None was not examined.
    `prefill` and `decode` are tokens per second on the machine at that time, `cost_s` the seconds that a task took for
    a thousand reviews. `version` is that of the paper.
    """

    version: int = VERSION
    model: str
    chat: bool
    writes: bool
    scores: Mapping[str, float | None]
    prefill: float | None
    decode: float | None
    cost_s: Mapping[str, float]

    def of(self, model: Model) -> Model:
        """Return the model as it was found to be."""
        return replace(model, chat=self.chat, writes=self.writes, known=True)


CHECKED = TypeAdapter(Outcome)


class Outcomes:
    """The outcomes that are kept in a `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, fingerprint: str) -> Outcome | None:
        """Return the outcome of the model with this fingerprint, None if it was never examined, or by another paper."""
        return _read(self._path(fingerprint))

    def all(self) -> list[Outcome]:
        """Return those of all models, by name."""
        return sorted(filter(None, map(_read, self._folder.glob("*.json"))), key=lambda outcome: outcome.model)

    def keep(self, fingerprint: str, outcome: Outcome) -> None:
        """Keep an outcome in the place of an earlier one. Raises OSError when it cannot be written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path(fingerprint)) as scratch:
            scratch.write_text(json.dumps(asdict(outcome), indent=2) + "\n", encoding="utf-8")

    def _path(self, fingerprint: str) -> Path:
        return self._folder / f"{fingerprint}.json"


def _read(path: Path) -> Outcome | None:
    """Return the outcome in a file; None where there is none, or what another version has left."""
    try:
        outcome = CHECKED.validate_json(path.read_bytes(), strict=True)
    except (OSError, ValueError):
        return None
    return outcome if outcome.version == VERSION else None
