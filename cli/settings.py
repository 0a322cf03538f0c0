"""The settings of a run: options, then environment, then reviewbatch.toml, then defaults."""

import json
import math
import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from cli.moments import duration, moment
from pipelines.corpus.row import COLUMNS
from pipelines.errors import ConfigError, complaint
from scheduling.forecast import AUTO, OBJECTIVES
from scheduling.policy import DEFAULT, POLICIES, named_by_switches

FILE, PREFIX = "reviewbatch.toml", "REVIEWBATCH_"
ALL = "*"  # the SLA of every task that has none of its own


@dataclass(frozen=True, slots=True)
class Option:
    """How a setting is given on the command line: as what, by which names if not its own, with what help."""

    kind: Any
    typer: Any


def option(kind: Any, *names: str, help: str, metavar: str | None = None) -> Option:  # noqa: A002  as typer has it
    """Make the option of a setting, which is not given unless somebody gives it."""
    return Option(kind | None, typer.Option(*names, help=help, metavar=metavar))


class Settings(BaseSettings):
    """What a run may be told. A list or table in the environment is JSON: REVIEWBATCH_INPUT='["a", "b"]'.

    Each is declared here and nowhere else; --help has them in this order.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=FILE, extra="forbid", validate_default=False)

    input: Annotated[
        list[str],
        NoDecode,
        option(
            list[str], "-i", "--input", help="File, folder or glob of Parquet or JSON lines; - is stdin. Repeatable."
        ),
    ] = Field(default_factory=list)
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
        str, option(str, help="Who goes first: prefill (the cheapest job), fifo, task, hybrid, cost, longest, or auto.")
    ] = DEFAULT
    objective: Annotated[
        str, option(str, help="What --policy auto picks a policy for: completion, makespan or sla.")
    ] = "completion"
    ageing: Annotated[
        float,
        Field(ge=0, allow_inf_nan=False),
        option(float, help="How much cost a second of waiting makes up for, in prompt tokens.", metavar="COST"),
    ] = 0.0
    max_wait: Annotated[
        float, option(str, help="A job that has waited so long goes next, whatever its cost.", metavar="DURATION")
    ] = math.inf
    sla: Annotated[
        dict[str, float],
        NoDecode,
        option(str, help="How long a job may take, for goodput and SLA attainment.", metavar="DURATION"),
    ] = Field(default_factory=dict)
    deadline: Annotated[
        float,
        option(
            str,
            help="Stop in time for 06:00, or for 45m from now, with status 4 if work is left.",
            metavar="TIME|DURATION",
        ),
    ] = math.inf
    stall_timeout: Annotated[
        float,
        option(
            str, help="An engine that has had nothing to tell for so long is started again (10m).", metavar="DURATION"
        ),
    ] = 600.0
    feed: Annotated[
        Literal["continuous", "generate"],
        option(str, help="continuous, or generate: one LLM.generate a batch, the plain way."),
    ] = "continuous"
    limit: Annotated[PositiveInt | None, option(int, help="Read only the first N rows.")] = None
    columns: Annotated[
        dict[str, str],
        NoDecode,
        option(
            list[str], "--column", help="A column the input calls something else. Repeatable.", metavar="NAME=THEIRS"
        ),
    ] = Field(default_factory=dict)
    task_file: Annotated[
        list[str], NoDecode, option(list[str], "--task-file", help="A task of your own. Repeatable.", metavar="TOML")
    ] = Field(default_factory=list)
    single_stage: Annotated[
        bool, option(bool, "--single-stage", help="Ask for strengths in one prompt, not in two.")
    ] = False
    max_expansions: Annotated[int | None, option(int, help="How many expansions of a query at most, 1 to 10 (5).")] = (
        None
    )
    lang: Annotated[
        str | None,
        option(str, help="The language of all rows, instead of a `lang` column or their script.", metavar="CODE"),
    ] = None
    max_rejects: Annotated[
        NonNegativeInt | None, option(int, help="Exit with status 3 when more rows are rejected.")
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
        NoDecode,
        option(list[str], "--engine", help="Any vLLM engine argument. Repeatable.", metavar="KEY=VALUE"),
    ] = Field(default_factory=dict)

    @field_validator("input", "task_file", "columns", "engine", mode="before")
    @classmethod
    def _decode(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith(("[", "{")):
            return json.loads(value)
        return [value]

    @field_validator("policy")
    @classmethod
    def _is_policy(cls, value: str) -> str:
        return _one_of([*POLICIES, AUTO], value, "policy")

    @field_validator("objective")
    @classmethod
    def _is_objective(cls, value: str) -> str:
        return _one_of(OBJECTIVES, value, "objective")

    @field_validator("max_wait", "stall_timeout", mode="before")
    @classmethod
    def _is_duration(cls, value: Any) -> float:
        return duration(str(value))

    @field_validator("sla", mode="before")
    @classmethod
    def _are_durations(cls, value: Any) -> dict[str, float]:
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = json.loads(value)
        of_task = value if isinstance(value, dict) else {ALL: value}
        return {task: duration(str(text)) for task, text in of_task.items()}

    @field_validator("deadline", mode="before")
    @classmethod
    def _is_moment(cls, value: Any) -> float:
        return moment(str(value), datetime.now())  # noqa: DTZ005  a time of day is meant in local time

    @field_validator("max_expansions")
    @classmethod
    def _is_known(cls, value: int | None) -> int | None:
        from pipelines.tasks.expansion import WAYS  # all tasks come along, which --help can do without

        if value is not None and not 1 <= value <= len(WAYS):
            raise ValueError(f"1 to {len(WAYS)} expected, found {value}")
        return value

    @field_validator("columns")
    @classmethod
    def _are_columns(cls, value: dict[str, str]) -> dict[str, str]:
        if unknown := value.keys() - set(COLUMNS):
            raise ValueError(f"no column {min(unknown)!r}: it is one of {', '.join(COLUMNS)}")
        return value

    @field_validator("lang")
    @classmethod
    def _is_code(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z]{2,3}([-_]\w+)*", value):
            raise ValueError(f"a code such as en or ko expected, found {value!r}")
        return value

    @field_validator("engine")
    @classmethod
    def _is_whole(cls, value: dict[str, Any]) -> dict[str, Any]:
        length = value.get("max_model_len", 1)
        if not isinstance(length, int) or length < 1:
            raise ValueError(f"max_model_len is {length!r}: a whole number of tokens expected")
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"a value that JSON does not know: {error}") from error
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Rank the sources, strongest first."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(**options: Any) -> Settings:
    """Return the settings; an option that is None or empty was not given.

    Raises ConfigError that names the setting and what was expected.
    """
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if "columns" in given:
        given["columns"] = _pairs(given["columns"], "--column")
    if "engine" in given:
        given["engine"] = {name: _decoded(value) for name, value in _pairs(given["engine"], "--engine").items()}
    # A switch is environment: weaker than the option, stronger than the file.
    if "policy" not in given and "REVIEWBATCH_POLICY" not in os.environ and (switched := _switched()):
        given["policy"] = switched
    names = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    if unknown := sorted({name for name in os.environ if name.upper().startswith(PREFIX)} - names):
        raise ConfigError(f"environment variable {unknown[0]}: no such setting")
    try:
        return Settings(**given)
    except ValidationError as error:
        where, what = complaint(error, Settings.model_fields)
        raise ConfigError(f"setting {where or 'settings'}: {what}{_found(error.errors()[0])}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FILE} cannot be read: {error}") from error


def _pairs(given: Iterable[str], option: str) -> dict[str, str]:
    """Return NAME=VALUE arguments as a mapping."""
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigError(f"{option} {text}: NAME=VALUE expected")
        pairs[name] = value
    return pairs


def _decoded(value: str) -> Any:
    """Return what the value says in JSON, itself when it is none."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _one_of(names: Iterable[str], value: str, noun: str) -> str:
    if value not in names:
        raise ValueError(f"no such {noun}: it is one of {', '.join(names)}")
    return value


def _switched() -> str | None:
    return named_by_switches(
        priority_queue=_switch("VLLM_USE_PRIORITY_QUEUE"),
        by_prefill_cost=_switch("VLLM_PRIORITY_BY_PREFILL_COST"),
    )


def _switch(name: str) -> bool:
    value = os.environ.get(name, "true").lower()
    if value not in {"true", "1", "yes", "on", "false", "0", "no", "off"}:
        raise ConfigError(f"environment variable {name} is {value!r}: true or false expected")
    return value in {"true", "1", "yes", "on"}


def _found(error: Any) -> str:
    return f", found {error['input']!r}" if error["type"] not in {"value_error", "extra_forbidden"} else ""
