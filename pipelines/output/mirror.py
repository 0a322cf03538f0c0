"""The mirror: a remote place that has what people read of an output folder.

The ledger stays here, for SQLite's write-ahead log needs a disk of this machine; the place has a copy of it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines import remote
from pipelines.errors import RemoteError
from pipelines.events import Emit, Event, Progress, Warned
from pipelines.files import FOR_PEOPLE, RESULTS
from pipelines.ledger import database
from pipelines.output.tables import FORMATS

PROBE = ".reviewbatch"
EVERY = 600.0  # seconds


class Mirror:
    """A remote place that has what people read of a folder. Raises RemoteError when it cannot be written to."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self._address = address.rstrip("/")
        self._files, self._root = remote.place(self._address)
        self._pushed: dict[str, tuple[int, int]] = {}
        with self._reached():  # before a night is spent
            self._files.pipe_file(f"{self._root}/{PROBE}", b"")
            self._files.rm_file(f"{self._root}/{PROBE}")

    def push(self) -> None:
        """Write what has changed since the last time, and take away the tables that are here no more."""
        results = [f"{RESULTS}/{path.name}" for path in sorted((self._folder / RESULTS).glob("[!.]*"))]
        with self._reached():
            for name in [*results, *(name for name in FOR_PEOPLE if (self._folder / name).exists())]:
                status = (self._folder / name).stat()
                if self._pushed.get(name) != (status.st_mtime_ns, status.st_size):
                    self._put(name)
                    self._pushed[name] = status.st_mtime_ns, status.st_size
            for there in self._files.find(f"{self._root}/{RESULTS}", maxdepth=1):
                name = there.rpartition("/")[2]
                if name.rpartition(".")[2] in FORMATS and f"{RESULTS}/{name}" not in results:
                    self._files.rm_file(there)

    def back_up(self) -> None:
        """Write a copy of the ledger, as it is now."""
        with TemporaryDirectory(dir=self._folder) as scratch:
            copied = Path(scratch) / database.NAME
            database.copy(self._folder / database.NAME, copied)
            with self._reached():
                self._files.put_file(str(copied), f"{self._root}/{database.NAME}")

    def put(self, name: str) -> None:
        """Write one file of the folder, and leave what else is there as it is."""
        with self._reached():
            self._put(name)

    def at_intervals(self, write: Callable[[], object], emit: Emit) -> Emit:
        """Return `emit` such that now and then, while the engine works, things are written and mirrored."""
        due = time.monotonic() + EVERY

        def emitting(event: Event) -> None:
            nonlocal due
            emit(event)
            if isinstance(event, Progress) and time.monotonic() >= due:
                write()
                try:
                    self.push()
                except RemoteError as error:  # there will be another time
                    emit(Warned(str(error)))
                due = time.monotonic() + EVERY

        return emitting

    def _put(self, name: str) -> None:
        self._files.put_file(str(self._folder / name), f"{self._root}/{name}")

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of as many kinds as there are libraries
            raise remote.unreachable(self._address, error) from error
