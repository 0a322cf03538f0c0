"""A merger: the results and the report that the folders of all shards of a corpus make together."""

import re
import resource
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from pipelines.corpus.rating import Scale
from pipelines.corpus.shard import Shard
from pipelines.errors import LedgerError
from pipelines.events import Emit, WritingResults
from pipelines.ledger import damage, history
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import APART, RunStatus
from pipelines.ledger.standing import FILLED
from pipelines.ledger.union import Opened
from pipelines.output import report, results, shards, tables, targets
from pipelines.output.tables import BY_RESTAURANT
from pipelines.questions import corpus
from pipelines.questions.restaurants import Restaurants
from pipelines.tasks import Task, with_bases

# Of shards that ran side by side, whose times are those of the one that took longest: what of each makes what of all,
# and what each may have of its own.
SUMS = ("replicas", "steps", "dry_steps", "engine_restarts", "sent_by_max_wait")
MADE: Mapping[str, Callable[[list[Any]], Any]] = dict.fromkeys(SUMS, sum) | {"context": max, "engine_up": min}
OWN = ("device", "vllm", "dtype")
FIRST = ("policy", "engine", "feed", "sla", "ageing", "max_wait_s")  # what is as the first one has it
LEFT_OUT = ("shard", APART, FILLED, "tasks", "predicted", "exit", "replica_speeds")


def folders(outputs: Iterable[Path]) -> list[Path]:
    """Return the folders of shards that are meant: each of these, or what it has of them.

    Raises LedgerError for what is no folder.
    """
    found: list[Path] = []
    for output in outputs:
        if not output.is_dir():
            raise LedgerError(f"no such folder: {output}")
        inside = (one for one in output.iterdir() if re.fullmatch(Shard.NAME, one.name))
        found += sorted(inside) or [output]
    return found


@contextmanager
def opened(folders: Iterable[Path]) -> Iterator[list[Opened]]:
    """Open the ledgers of shards.

    Raises LedgerError when they are damaged, not all shards of one corpus, not done, or differ in what matters.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # all are read side by side
    with ExitStack() as after:
        there = [Opened(folder, *after.enter_context(history.opened(folder))) for folder in folders]
        shards.check(there)
        for one in there:
            damage.refuse(one.folder, contents=True)
        yield there


def merge(there: Sequence[Opened], where: Path, tasks: Sequence[Task], emit: Emit) -> dict[str, Any]:
    """Write to a folder what one run of the tasks would have written in place of these shards; return the report.

    Raises LedgerError where it is the folder of one of them.
    """
    if where.resolve() in {one.folder.resolve() for one in there}:
        raise LedgerError(f"{where} is one of the shards: say with -o where else to write")
    asked, how = with_bases(tasks), there[0].run.facts[APART]
    targets.check(where, targets.of_run(task.name for task in asked))
    with Ledger(where) as ledger:
        ledger.check()
        ledger.unite(there, min(one.run.started for one in there), _facts(there))
        _rate(ledger, there[0].run.facts["corpus"])
        emit(WritingResults())
        figures = results.write_scored(
            ledger, Restaurants(ledger.rows), asked, shards.scored(there),
            calibration=how["calibration"], kind=how["format"], emit=emit,
        )  # fmt: skip
        _remove_others(where, {task.name for task in asked})
        ledger.note(RunStatus.DONE, tasks=figures, finished=max(one.run.facts["finished"] for one in there))
        return report.write(where)


def _rate(ledger: Ledger, noted: Mapping[str, Any]) -> None:
    """Have ratings on the scale that every shard has found in the whole corpus."""
    scale = noted["ratings"].get("scale")
    ledger.rows.scale = Scale.read(scale) if scale else None
    ledger.note(corpus={**noted, **corpus.of_rows(ledger.rows)})


def _facts(there: Sequence[Opened]) -> dict[str, Any]:
    """Return what is to be written down of all shards as of one run."""
    facts = [one.run.facts for one in there]
    first, *others = facts
    same = {
        name: value
        for name, value in first.items()
        if name not in LEFT_OUT and (name in FIRST or all(other.get(name) == value for other in others))
    }
    longest = max(facts, key=lambda of_one: of_one.get("wall_s", 0.0))
    known: defaultdict[str, list[Any]] = defaultdict(list)
    for name, value in chain.from_iterable(of_one.items() for of_one in facts):
        known[name].append(value)
    return {
        **same,
        **{name: value for name, value in longest.items() if name.endswith("_s") and name not in FIRST},
        **{name: make(known[name]) for name, make in MADE.items() if name in known},
        **{name: ", ".join(dict.fromkeys(known[name])) for name in OWN if name in known},
        "input": 1,
    }


def _remove_others(where: Path, tasks: set[str]) -> None:
    """Remove the tables of an earlier merger that are of other tasks."""
    for table in tables.found(where):
        if table.stem.removesuffix(BY_RESTAURANT) not in tasks:
            table.unlink()
