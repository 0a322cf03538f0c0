"""What stands of the last run, which asked the same of the same files: its rows, jobs and questions are kept."""

from collections.abc import Mapping
from typing import Any

from pipelines.config import Config
from pipelines.corpus.rating import Scale
from pipelines.events import Emit
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.standing import FILLED
from pipelines.questions import corpus, told
from pipelines.questions.stages import Stages


class Standing:
    """Begins a run with the rows and questions that the last one has left, and what it has noted of them.

    It takes the place of an `Ingestion`.
    """

    def __init__(self, ledger: Ledger, stages: Stages, config: Config, noted: Mapping[str, Any]) -> None:
        self._ledger = ledger
        self._stages = stages
        self._config = config
        self._noted = noted

    def begin(self, facts: Mapping[str, Any]) -> int:
        """Begin a run, as `Ledger.begin` does."""
        return self._ledger.begin(facts, keep=True)

    def fill(self, emit: Emit) -> None:
        """Say what was said when the rows were read, and ask of restaurants what is to be asked anew."""
        judged = self._noted["corpus"]["ratings"].get("scale")
        self._ledger.rows.scale = self._config.reading.scale or (judged and Scale.read(judged))
        told.again(self._noted[FILLED]["told"], emit)
        self._stages.begin(emit)
        self._ledger.seal()

    def facts(self) -> dict[str, Any]:
        """Return what is to be noted of the rows."""
        return {**self._noted, "corpus": corpus.facts(self._config, self._ledger.rows)}
