"""A folder that appears whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.errors import ConfigError
from pipelines.output import targets


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Lend an empty folder beside `folder`; put it in its place when the block ends well.

    Raises ConfigError when there is something there: what else is in it nobody knows.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is not empty: name a new folder")
    folder = folder.absolute()
    targets.check(folder.parent)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        yield fresh
        fresh.rename(folder)
