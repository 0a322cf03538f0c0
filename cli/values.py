"""Values: what people write for a setting, made into what it means, or refused with what was expected instead."""

import json
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from cli.moments import duration, moment
from pipelines.corpus.rating import Scale
from pipelines.corpus.shard import Shard
from pipelines.errors import UsageError
from scheduling.forecast import AUTO, OBJECTIVES
from scheduling.policy import POLICIES

ALL = "*"  # the SLA of every task that has none of its own
DEEPEST = 50  # lists or tables in one another
MOST = 2**63  # what no number is that is counted with


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many rows may be rejected: so many, or such a share of all."""

    most: Fraction
    share: bool = False

    def exceeded(self, rejected: int, rows: int) -> bool:
        """Say whether more are."""
        return rejected > self.most * (rows if self.share else 1)

    def __str__(self) -> str:
        most = float(self.most)
        return f"{most:.4%}".rstrip("0%").rstrip(".") + "%" if self.share else f"{most:,.0f}"


def plain(value: Any, *, path: bool = False, depth: int = DEEPEST) -> Any:
    """Return what may stand in a setting, and be written down. Raises ValueError for what may not.

    A `path` may be of bytes that are no text, as names of files are.
    """
    if not depth:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("text without a zero byte (NUL) expected")
        try:
            os.fsencode(value) if path else value.encode()
        except UnicodeEncodeError as error:
            raise ValueError("text in UTF-8 expected") from error
    elif isinstance(value, int) and not -MOST <= value < MOST:
        raise ValueError("a number of at most 18 digits expected")
    elif isinstance(value, dict | list):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            plain(part, path=path, depth=depth - 1)
    return value


def decoded(text: str) -> Any:
    """Return what a text says in JSON. Raises ValueError when it is none."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def listed(value: Any) -> Any:
    """Return a list or a table that is written in JSON, and what else is written as a list of one."""
    if not isinstance(value, str):
        return value
    return decoded(value) if value.lstrip().startswith(("[", "{")) else [value]


def seconds(value: Any) -> float:
    """Return a duration in seconds. Raises ValueError for what is none."""
    return duration(str(value))


def durations(value: Any) -> dict[str, float]:
    """Return durations in seconds by task, one without a task as that of all. Raises ValueError for what is none."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = decoded(value)
    by_task = value if isinstance(value, dict) else {ALL: value}
    return {task: duration(str(text)) for task, text in by_task.items()}


def instant(value: Any) -> float:
    """Return a moment in seconds since the epoch. Raises ValueError for what is none."""
    return moment(str(value), datetime.now())  # noqa: DTZ005  a time of day is meant in local time


def is_place(value: str) -> str:
    """Return where something is to be. Raises ValueError for nowhere."""
    if not value:
        raise ValueError("a folder expected, found nothing")
    return value


def is_policy(value: str) -> str:
    """Return the name of a policy. Raises ValueError for what is none."""
    return _one_of([*POLICIES, AUTO], value, "policy")


def is_objective(value: str) -> str:
    """Return the name of an objective. Raises ValueError for what is none."""
    return _one_of(OBJECTIVES, value, "objective")


def is_cost(value: float) -> float:
    """Return a finite number that is not below 0. Raises ValueError for what is none."""
    if not 0 <= value < math.inf:
        raise ValueError(f"a number that is not below 0 expected, found {value}")
    return value


def count_or_auto(value: Any) -> int | None:
    """Return how many, None for `auto`. Raises ValueError for what is neither."""
    if value == "auto":
        return None
    if not re.fullmatch(r"\d{1,6}", str(value)) or not int(value):
        raise ValueError(f"a whole number above 0, or auto, expected, found {value}")
    return int(value)


def is_positive(value: int | None) -> int | None:
    """Return a whole number above 0. Raises ValueError for what is none, or counts more than there can be."""
    if value is not None and not 1 <= value < MOST:
        raise ValueError(f"a whole number above 0, of at most 18 digits, expected, found {value}")
    return value


def are_ways(value: int | None) -> int | None:
    """Return how many expansions a query gets. Raises ValueError for what is none."""
    from pipelines.tasks.expansion import WAYS  # all tasks come along, which --help can do without

    if value is not None and not 1 <= value <= len(WAYS):
        raise ValueError(f"1 to {len(WAYS)} expected, found {value}")
    return value


def are_aspects(value: list[str]) -> list[str]:
    """Return aspects, each a word or a few. Raises ValueError for what is none."""
    if wrong := [name for name in value if not re.fullmatch(r"\w+([ -]\w+)*", name)]:
        raise ValueError(f"a word or a few expected, such as parking, found {wrong[0]!r}")
    return value


def allowed(value: Any) -> Allowed:
    """Return how many rows may be rejected. Raises ValueError for what is none."""
    found = re.fullmatch(r"(\d{1,18})|(\d{1,3}(?:\.\d{1,18})?)%", str(value).strip())
    if not found:
        raise ValueError(f"a whole number of at most 18 digits, or a share such as 5%, expected, found {value}")
    number, share = found.groups()
    return Allowed(Fraction(number)) if number else Allowed(Fraction(share) / 100, share=True)


def shard(value: Any) -> Shard:
    """Return a shard. Raises UsageError for what is none: so much is one of many commands that it must not begin."""
    try:
        return Shard.read(str(value))
    except ValueError as error:
        raise UsageError(f"--shard: {error}") from error


def scale(value: Any) -> Scale:
    """Return a scale of ratings. Raises ValueError for what is none."""
    return Scale.read(str(value))


def are_columns(value: dict[str, str]) -> dict[str, str]:
    """Return what the input calls columns, by names that there are. Raises ValueError for what is none."""
    from pipelines.corpus.row import COLUMNS

    if unknown := value.keys() - set(COLUMNS):
        raise ValueError(f"no column {min(unknown)!r}: it is one of {', '.join(COLUMNS)}")
    return value


def is_code(value: str | None) -> str | None:
    """Return the code of a language. Raises ValueError for what is none."""
    if value is not None and not re.fullmatch(r"[A-Za-z]{2,3}([-_]\w+)*", value):
        raise ValueError(f"a code such as en or ko expected, found {value!r}")
    return value


def are_arguments(value: dict[str, Any]) -> dict[str, Any]:
    """Return engine arguments that can be written down. Raises ValueError for what is none."""
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
