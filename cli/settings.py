"""The settings of a run: each declared once, with its type, its default, how it is read, and its option."""

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cli.moments import duration, moment
from pipelines.corpus.row import COLUMNS
from scheduling.forecast import AUTO, OBJECTIVES
from scheduling.policy import DEFAULT, POLICIES

ALL = "*"  # the SLA of every task that has none of its own


@dataclass(frozen=True, slots=True)
class Option:
    """How a setting is given on the command line: as what, by which names if not its own, with what help."""

    kind: Any
    typer: Any


@dataclass(frozen=True, slots=True)
class Read:
    """What makes the value of a setting of what people write. It raises ValueError that says what was expected."""

    function: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Check:
    """What a value of the setting's type still has to be. It returns the value, or raises ValueError."""

    function: Callable[[Any], Any]


def option(kind: Any, *names: str, help: str, metavar: str | None = None) -> Option:  # noqa: A002  as typer has it
    """Make the option of a setting, which is not given unless somebody gives it."""
    return Option(kind | None, typer.Option(*names, help=help, metavar=metavar))


def _listed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith(("[", "{")) else [value]


def _duration(value: Any) -> float:
    return duration(str(value))


def _durations(value: Any) -> dict[str, float]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = json.loads(value)
    by_task = value if isinstance(value, dict) else {ALL: value}
    return {task: duration(str(text)) for task, text in by_task.items()}


def _moment(value: Any) -> float:
    return moment(str(value), datetime.now())  # noqa: DTZ005  a time of day is meant in local time


def _is_policy(value: str) -> str:
    return _one_of([*POLICIES, AUTO], value, "policy")


def _is_objective(value: str) -> str:
    return _one_of(OBJECTIVES, value, "objective")


def _is_cost(value: float) -> float:
    if not 0 <= value < math.inf:
        raise ValueError(f"a number that is not below 0 expected, found {value}")
    return value


def _is_positive(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise ValueError(f"a whole number above 0 expected, found {value}")
    return value


def _is_count(value: int | None) -> int | None:
    if value is not None and value < 0:
        raise ValueError(f"a whole number that is not below 0 expected, found {value}")
    return value


def _are_ways(value: int | None) -> int | None:
    from pipelines.tasks.expansion import WAYS  # all tasks come along, which --help can do without

    if value is not None and not 1 <= value <= len(WAYS):
        raise ValueError(f"1 to {len(WAYS)} expected, found {value}")
    return value


def _are_aspects(value: list[str]) -> list[str]:
    if wrong := [name for name in value if not re.fullmatch(r"\w+([ -]\w+)*", name)]:
        raise ValueError(f"a word or a few expected, such as parking, found {wrong[0]!r}")
    return value


def _are_columns(value: dict[str, str]) -> dict[str, str]:
    if unknown := value.keys() - set(COLUMNS):
        raise ValueError(f"no column {min(unknown)!r}: it is one of {', '.join(COLUMNS)}")
    return value


def _is_code(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[A-Za-z]{2,3}([-_]\w+)*", value):
        raise ValueError(f"a code such as en or ko expected, found {value!r}")
    return value


def _are_arguments(value: dict[str, Any]) -> dict[str, Any]:
    length = value.get("max_model_len", 1)
    if not isinstance(length, int) or length < 1:
        raise ValueError(f"max_model_len is {length!r}: a whole number of tokens expected")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a value that JSON does not know: {error}") from error
    return value


def _one_of(names: Iterable[str], value: str, noun: str) -> str:
    if value not in names:
        raise ValueError(f"no such {noun}: it is one of {', '.join(names)}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run may be told; --help has it in this order."""

    input: Annotated[
        list[str],
        Read(_listed),
        option(
            list[str], "-i", "--input", help="File, folder or glob of Parquet or JSON lines; - is stdin. Repeatable."
        ),
    ] = field(default_factory=list)
    output: Annotated[
        Path, option(Path, "-o", "--output", help="Folder for results and ledger; the same folder again continues.")
    ] = Path("out")
    again: Annotated[
        bool,
        option(bool, "--again", help="Ask afresh what an earlier run has answered, for instance with another vLLM."),
    ] = False
    model: Annotated[str | None, option(str, help="Alias (see `reviewbatch models`), folder, or Hugging Face id.")] = (
        None
    )
    policy: Annotated[
        str,
        Check(_is_policy),
        option(str, help="Who goes first: prefill (the cheapest job), fifo, task, hybrid, cost, longest, or auto."),
    ] = DEFAULT
    objective: Annotated[
        str,
        Check(_is_objective),
        option(str, help="What --policy auto picks a policy for: completion, makespan or sla."),
    ] = "completion"
    ageing: Annotated[
        float,
        Check(_is_cost),
        option(float, help="How much cost a second of waiting makes up for, in prompt tokens.", metavar="COST"),
    ] = 0.0
    max_wait: Annotated[
        float,
        Read(_duration),
        option(str, help="A job that has waited so long goes next, whatever its cost.", metavar="DURATION"),
    ] = math.inf
    sla: Annotated[
        dict[str, float],
        Read(_durations),
        option(str, help="How long a job may take, for goodput and SLA attainment.", metavar="DURATION"),
    ] = field(default_factory=dict)
    deadline: Annotated[
        float,
        Read(_moment),
        option(
            str,
            help="Stop in time for 06:00, or for 45m from now, with status 4 if work is left.",
            metavar="TIME|DURATION",
        ),
    ] = math.inf
    stall_timeout: Annotated[
        float,
        Read(_duration),
        option(
            str, help="An engine that has had nothing to tell for so long is started again (10m).", metavar="DURATION"
        ),
    ] = 600.0
    feed: Annotated[
        Literal["continuous", "generate"],
        option(str, help="continuous, or generate: one LLM.generate a batch, the plain way."),
    ] = "continuous"
    limit: Annotated[int | None, Check(_is_positive), option(int, help="Read only the first N rows.")] = None
    columns: Annotated[
        dict[str, str],
        Read(_listed),
        Check(_are_columns),
        option(
            list[str], "--column", help="A column the input calls something else. Repeatable.", metavar="NAME=THEIRS"
        ),
    ] = field(default_factory=dict)
    task_file: Annotated[
        list[str],
        Read(_listed),
        option(list[str], "--task-file", help="A task of your own. Repeatable.", metavar="TOML"),
    ] = field(default_factory=list)
    aspects: Annotated[
        list[str],
        Read(_listed),
        Check(_are_aspects),
        option(list[str], "--aspect", help="An aspect that points may be about besides the usual. Repeatable."),
    ] = field(default_factory=list)
    style: Annotated[
        Literal["auto", "written", "quotes"],
        option(
            str,
            help="Summary and strengths: written and checked, made of quotes, or what suits the model (auto).",
        ),
    ] = "auto"
    single_stage: Annotated[
        bool, option(bool, "--single-stage", help="Name strengths at once, without a comparison in words.")
    ] = False
    max_expansions: Annotated[
        int | None, Check(_are_ways), option(int, help="How many expansions of a query at most, 1 to 10 (5).")
    ] = None
    lang: Annotated[
        str | None,
        Check(_is_code),
        option(str, help="The language of all rows, instead of a `lang` column or their script.", metavar="CODE"),
    ] = None
    max_rejects: Annotated[
        int | None, Check(_is_count), option(int, help="Exit with status 3 when more rows are rejected.")
    ] = None
    format: Annotated[Literal["parquet", "jsonl"], option(str, "--format", help="Results as parquet or jsonl.")] = (
        "parquet"
    )
    calibration: Annotated[
        Literal["raw", "anchors", "corpus"],
        option(str, help="How label probabilities are made: anchors, corpus or raw (see the README)."),
    ] = "anchors"
    engine: Annotated[
        dict[str, Any],
        Read(_listed),
        Check(_are_arguments),
        option(list[str], "--engine", help="Any vLLM engine argument. Repeatable.", metavar="KEY=VALUE"),
    ] = field(default_factory=dict)
