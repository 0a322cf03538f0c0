"""The engine arguments: what nobody may tell vLLM, and what only somebody who types it may. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from pipelines.errors import ConfigError

# What this program decides itself: the model is known by its files, the scores by what they are.
OURS = ("model", "tokenizer", "skip_tokenizer_init", "runner", "convert", "logprobs_mode", "disable_log_stats")
# The formats of weights that are numbers and nothing else. Reading a pickle may do anything; `auto` and `hf` read one
# where there is nothing else.
FORMATS = (
    "safetensors", "fastsafetensors", "instanttensor", "mistral", "runai_streamer", "runai_streamer_sharded",
    "sharded_state", "dummy",
)  # fmt: skip
# The sums behind an answer depend on what is computed beside it, on which part of its prompt was there before, and
# where it is cut. Nothing is drawn by the seed: one that nobody else says tells these answers from those of other runs,
# which are not kept for them.
ALONE: Mapping[str, Any] = {
    "max_num_seqs": 1, "enable_prefix_caching": False, "max_num_batched_tokens": 4096, "seed": 32_452_843,
}  # fmt: skip
# What has vLLM run code that is not its own, by how the argument is called, and by a value that names an object of
# Python's, for the next version will have others.
RUNS_CODE = re.compile(
    r"trust_remote_code|\w*(_cls|plugin|module_path|class_overrides|logits_processors|log\w*_config_file)",
    re.IGNORECASE,
)
NAMES_CODE = re.compile(r"[a-z_]\w*([.:][a-z_]\w*)+|.*\.py", re.IGNORECASE | re.DOTALL)


def check(arguments: Mapping[str, Any]) -> None:
    """Raise ConfigError when an argument is not anybody's to set."""
    if taken := sorted(set(OURS) & arguments.keys()):
        raise ConfigError(f"--engine {taken[0]} is not to be set: the program decides it (--model names the model)")
    if "hf_token" in arguments:
        raise ConfigError("--engine hf_token would be written down with the run: set HF_TOKEN in the environment")
    if (given := arguments.get("load_format", FORMATS[0])) not in FORMATS:
        raise ConfigError(
            f"--engine load_format is {given!r}: weights are read as safetensors alone, for other files may hold code; "
            f"it is one of {', '.join(FORMATS)}"
        )


def alone(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an engine that computes each prompt by itself, and knows none before it.

    Raises ConfigError where one of them says otherwise.
    """
    if other := [name for name, value in ALONE.items() if arguments.get(name, value) != value]:
        raise ConfigError(f"--reproducible decides --engine {other[0]}: leave one of the two out")
    return {**arguments, **ALONE}


def running_code(arguments: Mapping[str, Any]) -> list[str]:
    """Return which arguments may have vLLM run code that is neither its own nor this program's."""
    return [name for name, value in arguments.items() if _runs_code(name, value)]


def _runs_code(name: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_runs_code(str(inner), part) for inner, part in value.items())
    if isinstance(value, list):
        return any(_runs_code(name, part) for part in value)
    if not value:
        return False
    return bool(RUNS_CODE.fullmatch(name.replace("-", "_")) or (isinstance(value, str) and NAMES_CODE.fullmatch(value)))
