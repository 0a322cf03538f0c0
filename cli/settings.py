"""The settings of a run: options, then environment, then reviewbatch.toml, then defaults."""

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
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

from pipelines.corpus import REQUIRED
from pipelines.errors import ConfigError
from scheduling.policy import DEFAULT, POLICIES, named_by_switches

FILE = "reviewbatch.toml"


class Settings(BaseSettings):
    """What a run may be told. A list or table in the environment is JSON: REVIEWBATCH_INPUT='["a", "b"]'."""

    model_config = SettingsConfigDict(env_prefix="REVIEWBATCH_", toml_file=FILE, extra="forbid")

    input: Annotated[list[str], NoDecode] = Field(default_factory=list)
    output: Path = Path("out")
    model: str | None = None
    policy: str = DEFAULT
    limit: PositiveInt | None = None
    columns: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    max_rejects: NonNegativeInt | None = None
    format: Literal["parquet", "jsonl"] = "parquet"
    calibration: Literal["raw", "anchors", "corpus"] = "anchors"
    engine: Annotated[dict[str, Any], NoDecode] = Field(default_factory=dict)

    @field_validator("input", "columns", "engine", mode="before")
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
        if value not in POLICIES:
            raise ValueError(f"no such policy: it is one of {', '.join(POLICIES)}")
        return value

    @field_validator("columns")
    @classmethod
    def _are_columns(cls, value: dict[str, str]) -> dict[str, str]:
        if unknown := value.keys() - set(REQUIRED):
            raise ValueError(f"no column {min(unknown)!r}: it is one of {', '.join(REQUIRED)}")
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


def load(options: Mapping[str, Any]) -> Settings:
    """Return the settings; an option that is None or empty was not given.

    Raises ConfigError that names the setting and what was expected.
    """
    given = {name: value for name, value in options.items() if value is not None and value not in ([], {})}
    # A switch is environment: weaker than the option, stronger than the file.
    if "policy" not in given and "REVIEWBATCH_POLICY" not in os.environ and (switched := _switched()):
        given["policy"] = switched
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"setting {where}: {message}{_found(first)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FILE} cannot be read: {error}") from error


def pairs(given: Iterable[str], option: str, *, decode: bool = False) -> dict[str, Any]:
    """Return NAME=VALUE arguments as a mapping, the values read as JSON where they are and `decode` is set."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigError(f"{option} {text}: NAME=VALUE expected")
        try:
            found[name] = json.loads(value) if decode else value
        except ValueError:
            found[name] = value
    return found


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
    return f", found {error['input']!r}" if error["type"] != "value_error" else ""
