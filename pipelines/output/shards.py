"""The shards: what each writes down of itself, and whether some of them are all the shards of one corpus."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pipelines.config import Config
from pipelines.corpus.shard import Shard
from pipelines.errors import LedgerError
from pipelines.ledger.history import Run
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import APART, RunStatus
from pipelines.ledger.union import Opened
from pipelines.output.results import Scoring, scoring
from pipelines.prompts.cache_key import SPEED_ARGUMENTS
from pipelines.prompts.prompts import Prompts

MADE = "made"  # the fact of a run that says what its tasks are made of
CHANGES_NOTHING = SPEED_ARGUMENTS - {"max_model_len"}  # which decides what is too long
NAMED = 5  # missing shards


def facts(ledger: Ledger, prompts: Prompts, config: Config) -> dict[str, Any]:
    """Return what a shard writes down of itself besides what it has read."""
    scored = scoring(ledger, prompts, config)
    return {
        APART: {
            "prompts": prompts.identity.hex(),
            "tasks": config.names,
            "calibration": config.calibration,
            "format": config.format,
            "keep": list(config.reading.keep),
            "classes": {task: list(map(int, one.classes)) for task, one in scored.items()},
            "anchors": {
                task: {lang: [key.hex() for key in keys] for lang, keys in one.anchors.items()}
                for task, one in scored.items()
            },
        },
    }


def scored(shards: Sequence[Opened]) -> dict[str, Scoring]:
    """Return the scoring of each task, with the anchors of all languages that one of the shards has rows in."""
    anchors: defaultdict[str, dict[str, list[bytes]]] = defaultdict(dict)
    for one in shards:
        for task, by_lang in one.run.facts[APART]["anchors"].items():
            anchors[task] |= {lang: list(map(bytes.fromhex, keys)) for lang, keys in by_lang.items()}
    return {task: Scoring(classes, anchors[task]) for task, classes in shards[0].run.facts[APART]["classes"].items()}


def check(shards: Sequence[Opened]) -> None:
    """Raise LedgerError when these are not all shards of one corpus, are not done, or differ in what matters."""
    for problem in chain(_incomplete(shards), _differing(shards)):
        raise LedgerError(problem)


def _incomplete(shards: Sequence[Opened]) -> Iterator[str]:
    there: dict[Shard, Opened] = {}
    for one in shards:
        if "shard" not in one.run.facts:
            yield f"{one.folder} is no shard: its last run had no --shard"
        shard = Shard(**one.run.facts["shard"])
        first, its = next(iter(there.items()), (shard, one))
        if shard.of != first.of:
            yield f"{its.folder} is shard {first} and {one.folder} is shard {shard}: name those of one kind"
        if twin := there.get(shard):
            yield f"shard {shard} is there twice: {twin.folder} and {one.folder}"
        there[shard] = one
    if missing := [str(other) for n in range(first.of) if (other := Shard(n, first.of)) not in there]:
        more = f" and {len(missing) - NAMED:,} more" if len(missing) > NAMED else ""
        yield f"{its.folder} is shard {first}, and not there: {', '.join(missing[:NAMED])}{more}"
    for one in shards:
        if one.run.status != RunStatus.DONE:
            yield f"{one.folder} is not done ({one.run.status}): the same command as before continues it"


def _differing(shards: Sequence[Opened]) -> Iterator[str]:
    first, *others = shards
    settings = _settings(first.run)
    for one in others:
        theirs = _settings(one.run)
        for name, value in settings.items():
            if theirs.get(name) != value:
                yield f"{first.folder} and {one.folder} differ in {name}: {_told(value, theirs.get(name))}"


def _settings(run: Run) -> dict[str, Any]:
    """Return what has to be the same for all shards, by what people call it."""
    facts, apart = run.facts, run.facts[APART]
    return {
        "what they have read": f"{apart['rows']:,} rows ({apart['read'][:8]})",
        "their tasks": apart["tasks"],
        "their model": f"{facts['model']} ({facts['fingerprint'][:8]})",
        "--engine": {name: value for name, value in facts["engine"].items() if name not in CHANGES_NOTHING},
        **{f"--{name.replace('_', '-')}": value for name, value in facts.get(MADE, {}).items()},
        "--lang": facts.get("lang"),
        "--rating-scale": facts["corpus"]["ratings"].get("scale"),
        **{f"--{name}": apart[name] for name in ("calibration", "format", "keep")},
        "what they ask, so that one is of another version": apart["prompts"],
    }


def _told(a: Any, b: Any) -> str:
    """Say what two settings are; what is long is not shown."""
    return "it is not the same" if len(f"{a}{b}") > 200 else f"{_shown(a)} and {_shown(b)}"  # noqa: PLR2004


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={of}" for name, of in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
