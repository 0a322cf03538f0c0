"""Loading: the settings of a run out of options, then environment, then reviewbatch.toml, then defaults."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import MISSING, fields, replace
from functools import partial
from typing import Annotated, Any, get_type_hints

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from cli import values
from cli.settings import Check, Read, Settings
from pipelines.engine import arguments
from pipelines.errors import ConfigError, UsageError, complaint, unreadable
from scheduling.policy import named_by_switches

FILE, PREFIX = "reviewbatch.toml", "REVIEWBATCH_"
NAMES = [setting.name for setting in fields(Settings)]
PATHS = {"input", "task_file"}  # of files that are there already, by whatever name


class _Ranked(BaseSettings):
    """Where values come from. A list or table in the environment is JSON: REVIEWBATCH_INPUT='["a", "b"]'."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=FILE, extra="forbid", validate_default=False)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Rank the sources, strongest first."""
        del dotenv_settings, file_secret_settings
        file = TomlConfigSettingsSource(settings_cls)
        for where, source in ((f"{PREFIX}ENGINE", env_settings), (FILE, file)):
            _only_harmless(where, source().get("engine"))
        return init_settings, env_settings, file


def _only_harmless(where: str, engine: Any) -> None:
    """Raise ConfigError where engine arguments that nobody has typed would have code run."""
    with suppress(ValueError):  # what is none is told of by and by
        engine = values.listed(engine)
    if isinstance(engine, dict) and (names := arguments.running_code(engine)):
        raise ConfigError(
            f"{where}: {names[0]} may have code run, which only the command line may: --engine {names[0]}=..."
        )


def _model() -> type[BaseSettings]:
    """Return what checks the settings as they are declared."""
    hints = get_type_hints(Settings, include_extras=True)
    declared: dict[str, Any] = {}
    for setting in fields(Settings):
        # The one written last is the first to look; what was read of a text is looked at again.
        look = BeforeValidator(partial(values.plain, path=setting.name in PATHS))
        kind: Any = Annotated[hints[setting.name].__origin__, look]
        for part in hints[setting.name].__metadata__:
            if isinstance(part, Read):
                kind = Annotated[kind, BeforeValidator(part.function)]
            elif isinstance(part, Check):
                kind = Annotated[kind, AfterValidator(part.function)]
        made = setting.default_factory
        default = Field(default=setting.default) if made is MISSING else Field(default_factory=made)
        declared[setting.name] = Annotated[kind, look, NoDecode], default
    return create_model("Settings", __base__=_Ranked, **declared)


MODEL = _model()


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
    if "shard" in options and not {"shard", "REVIEWBATCH_SHARD"} & {*given, *os.environ} and (shard := _of_array()):
        given["shard"] = shard
    names = {f"{PREFIX}{name}".upper() for name in NAMES}
    if unknown := sorted({name for name in os.environ if name.upper().startswith(PREFIX)} - names):
        raise ConfigError(f"environment variable {unknown[0]}: no such setting")
    try:
        checked = MODEL(**given)
    except ValidationError as error:
        where, what = complaint(error, NAMES)
        name = where.partition(".")[0]
        of_file = "" if name in given or f"{PREFIX}{name}".upper() in os.environ else f"{FILE}: "
        raise ConfigError(f"{of_file}setting {where or 'settings'}: {what}{_found(error.errors()[0])}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{FILE} cannot be read: {unreadable(error)}") from error
    settings = Settings(**{name: getattr(checked, name) for name in NAMES})
    arguments.check(settings.engine)
    return replace(settings, engine=arguments.alone(settings.engine)) if settings.reproducible else settings


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
    except RecursionError as error:
        raise ConfigError("setting engine: nested too deeply") from error
    except ValueError:
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


def _of_array() -> str | None:
    """Return which shard this task of a Slurm array is, None where there is none."""
    told = {name: os.environ.get(f"SLURM_ARRAY_TASK_{name}") for name in ("ID", "COUNT", "MIN", "MAX", "STEP")}
    if not (told["ID"] and told["COUNT"]):
        return None
    try:
        number, count = int(told["ID"]), int(told["COUNT"])
        first, step = int(told["MIN"] or 0), int(told["STEP"] or 1)
        last = int(told["MAX"] or first + (count - 1) * step)
    except ValueError as error:
        raise UsageError(f"a variable SLURM_ARRAY_TASK_... is no number, so give --shard I/N: {error}") from error
    if (number - first) % step or last != first + (count - 1) * step:
        raise UsageError(f"the {count} ids of the Slurm array up to {last} are not in a row: give --shard I/N")
    return f"{(number - first) // step}/{count}"


def _found(error: Any) -> str:
    return f", found {error['input']!r}" if error["type"] not in {"value_error", "extra_forbidden"} else ""
