"""The user's cache: models that were made here, and what runs have measured."""

import os
from pathlib import Path

from pipelines.errors import ConfigError


def folder(kind: str) -> Path:
    """Return where things of a kind are kept. Raises ConfigError when the user has no home."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111  Path.home may raise
    if home.startswith("~"):
        raise ConfigError(f"there is no home folder to keep {kind} in: set HOME or XDG_CACHE_HOME")
    return Path(home) / "reviewbatch" / kind
