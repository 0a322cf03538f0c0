"""The settings of a run: options, then environment, then reviewbatch.toml, then defaults."""

import json
import math
import os
import re
import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from cli.moments import duration, moment
from pipelines.config import AUTO
from pipelines.corpus.row import COLUMNS
from pipelines.errors import ConfigError, complaint
from pipelines.tasks import MAX_EXPANSIONS
from pipelines.tasks.expansion import WAYS
from scheduling.forecast import OBJECTIVES
from scheduling.policy import DEFAULT, POLICIES, named_by_switches

FILE, PREFIX = "reviewbatch.toml", "REVIEWBATCH_"
ALL = "*"  # the SLA of every task that has none of its own


class Settings(BaseSettings):
    """What a run may be told. A list or table in the environment is JSON: REVIEWBATCH_INPUT='["a", "b"]'."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=FILE, extra="forbid", validate_default=False)

    input: Annotated[list[str], NoDecode] = Field(default_factory=list)
    output: Path = Path("out")
    model: str | None = None
    policy: str = DEFAULT
    objective: str = "completion"
    ageing: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    max_wait: float = math.inf
    sla: Annotated[dict[str, float], NoDecode] = Field(default_factory=dict)
    deadline: float = math.inf
    stall_timeout: float = 600.0
    feed: Literal["continuous", "generate"] = "continuous"
    limit: PositiveInt | None = None
    columns: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    max_rejects: NonNegativeInt | None = None
    format: Literal["parquet", "jsonl"] = "parquet"
    calibration: Literal["raw", "anchors", "corpus"] = "anchors"
    lang: str | None = None
    max_expansions: Annotated[int, Field(ge=1, le=len(WAYS))] = MAX_EXPANSIONS
    single_stage: bool = False
    again: bool = False
    task_file: Annotated[list[str], NoDecode] = Field(default_factory=list)
    engine: Annotated[dict[str, Any], NoDecode] = Field(default_factory=dict)

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
