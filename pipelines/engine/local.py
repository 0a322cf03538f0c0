"""Replicas on this machine: each is a process, in a session and with an environment of its own."""

import math
import multiprocessing
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from pipelines.engine.guard import Guard
from pipelines.engine.interface import Engine, Request, Start
from pipelines.engine.replica import Inbox, RemoteEngine, Told, serve
from pipelines.errors import EngineError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Environment = Mapping[str, str]


class Local:
    """Replicas on this machine, one in each of some environments; `starts` has what starts each.

    They hear when this process has died; a `Guard` ends one that cannot hear.
    """

    def __init__(self, start: Start[Engine], environments: Sequence[Environment]) -> None:
        self._guard = Guard()
        self._processes: list[_Process] = []
        self._closed = False
        self.starts: list[Start[RemoteEngine]] = [partial(self._start, start, one) for one in environments]

    def close(self) -> None:
        """End those that are left, such as one that is not up yet."""
        self._closed = True
        for process in self._processes:
            process.kill()
        self._guard.dismiss()

    def _start(self, start: Start[Engine], environment: Environment, *, context: int, patience: float) -> RemoteEngine:
        if self._closed:
            raise EngineError("the run has ended")
        process = _Process(partial(start, context=context, patience=math.inf), environment)
        self._processes.append(process)
        return RemoteEngine(process, patience)


class _Process:
    """A process that an engine is in, and the pipe to it. See `Channel`."""

    def __init__(self, start: partial[Engine], environment: Environment) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_main, args=(start, environment, theirs))
        self._process.start()
        theirs.close()

    def send(self, requests: Sequence[Request] | None) -> None:
        """See `Channel`."""
        self._pipe.send(requests)

    def receive(self, seconds: float) -> Told | None:
        """See `Channel`."""
        if not self._pipe.poll(seconds):
            return None
        try:
            told: Told = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(1.0)
            raise EOFError(_ending(self._process.exitcode)) from None
        return told

    def kill(self) -> None:
        """See `Channel`; what is below it has a guard of its own."""
        if not self._pipe.closed:
            self._process.kill()
            self._process.join()
            self._pipe.close()


def _main(start: partial[Engine], environment: Environment, pipe: "Connection[Told, Sequence[Request] | None]") -> None:
    """Be a replica. Whoever presses Ctrl-C means the process that drives it, which will say what is to be done."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    inbox: Inbox = SimpleQueue()
    Thread(target=_listen, args=(pipe, inbox), daemon=True).start()
    with suppress(OSError):  # nobody listens any more
        serve(start, inbox, pipe.send)


def _listen(pipe: "Connection[Told, Sequence[Request] | None]", inbox: Inbox) -> None:
    """Hand over what comes; end at once when whoever sends it has died, also in the middle of a step."""
    while True:
        try:
            inbox.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(1)


def _ending(code: int | None) -> str:
    if code is None:
        return "it does not answer"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"status {code}"
