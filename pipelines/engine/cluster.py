"""Replicas on a Ray cluster: each is an actor, which Ray places where there is room for it."""

import os
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from pipelines.engine.interface import Engine, Request, Start
from pipelines.engine.replica import BEAT, Inbox, RemoteEngine, Told, serve
from pipelines.errors import EngineError, first_line

REACH = 5.0  # seconds that a cluster may take to be reached, and between two looks at its nodes
LOCAL = "local"  # the address of a cluster that is made for the run, on this machine
PRIVATE = {"RAY_USAGE_STATS_ENABLED": "0"}
ALONE = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}  # nothing of it is reached from elsewhere


class Cluster:
    """A Ray cluster that replicas are on: `count` of them or as many as fit, each of which takes so many cards.

    `starts` has what starts each, once Ray has room for it: the driver sends again what an actor has not answered, so
    Ray itself restarts nothing. Without cards they share the processors. Raises EngineError when there is no cluster.
    """

    def __init__(self, start: Start[Engine], count: int | None, address: str, *, cards: int) -> None:
        os.environ.update(PRIVATE)
        heard = signal.getsignal(signal.SIGTERM)
        try:
            import ray
        except ImportError as error:
            raise EngineError("Ray is not installed: pip install 'reviewbatch[ray]'") from error
        signal.signal(signal.SIGTERM, heard)  # Ray has one of its own, which would end us in the middle of a step
        self._ray: Any = ray
        try:
            _reach(address)
            self._ray.init(address, log_to_driver=False, configure_logging=False, **(ALONE if address == LOCAL else {}))
            has = self._ray.cluster_resources()
        except Exception as error:  # Ray raises whatever its parts raise
            raise EngineError(f"no Ray cluster at {address}: {first_line(error)}") from error
        count = count or max(1, int(has.get("GPU", 0) // cards if cards else 1))
        takes = {"num_gpus": cards, "num_cpus": 1 if cards else max(1, int(has.get("CPU", 1) // count))}
        self._actor = self._ray.remote(**takes, max_restarts=0, max_task_retries=0, max_concurrency=4)(_Actor)
        self.starts: list[Start[RemoteEngine]] = [partial(self._start, start)] * count

    def close(self) -> None:
        """Leave the cluster; Ray ends all actors that were made here."""
        self._ray.shutdown()

    def _start(self, start: Start[Engine], *, context: int, patience: float) -> RemoteEngine:
        try:
            actor = self._actor.remote(partial(start, context=context, patience=float("inf")))
        except Exception as error:
            raise EngineError(f"Ray makes no replica: {first_line(error)}") from error
        return RemoteEngine(_Way(self._ray, actor), patience)


def _reach(address: str) -> None:
    """Raise OSError where nobody listens at an address, for which Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=REACH).close()


class _Way:
    """The way to an actor. See `Channel`."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor
        self._looked = time.monotonic()
        self._coming: Any = None
        self._come: deque[Told] = deque()

    def send(self, requests: Sequence[Request] | None) -> None:
        """See `Channel`."""
        with _gone():
            self._actor.send.remote(requests)

    def receive(self, seconds: float) -> Told | None:
        """See `Channel`."""
        if not self._come:
            with _gone():
                self._coming = self._coming or self._actor.receive.remote()
                if not self._ray.wait([self._coming], timeout=seconds)[0]:
                    self._look()
                    return None
                coming, self._coming = self._coming, None
                self._come.extend(self._ray.get(coming))
        return self._come.popleft() if self._come else None

    def _look(self) -> None:
        """Raise EOFError when no node is left, of which Ray says nothing to whoever waits."""
        if time.monotonic() - self._looked > REACH:
            self._looked = time.monotonic()
            if not any(node["Alive"] for node in self._ray.nodes()):
                raise EOFError("no node of the Ray cluster is left")

    def kill(self) -> None:
        """See `Channel`."""
        with suppress(Exception):  # it is gone
            self._ray.kill(self._actor, no_restart=True)


@contextmanager
def _gone() -> Iterator[None]:
    """Raise EOFError in place of what Ray raises of an actor that is not there any more."""
    try:
        yield
    except Exception as error:
        raise EOFError(first_line(error)) from error


class _Actor:
    """A replica in an actor: requests go in, and what it has done comes out."""

    def __init__(self, start: partial[Engine]) -> None:
        for name in [name for name in os.environ if name.startswith("VLLM_DP_")]:
            del os.environ[name]  # of another's data parallelism
        self._inbox: Inbox = SimpleQueue()
        self._outbox: SimpleQueue[Told | None] = SimpleQueue()
        Thread(target=self._serve, args=(start,), daemon=True).start()

    def send(self, requests: Sequence[Request] | None) -> None:
        """Hand requests to the engine."""
        self._inbox.put(requests)

    def receive(self) -> list[Told]:
        """Return what there is to tell, after a moment if there is nothing; an error when it has ended."""
        told: list[Told | None] = []
        with suppress(Empty):
            told.append(self._outbox.get(timeout=BEAT))
        while not self._outbox.empty():
            told.append(self._outbox.get())
        if told and told[-1] is None:
            told.pop()
            self._outbox.put(None)
            if not told:
                raise EOFError
        return [one for one in told if one is not None]

    def _serve(self, start: partial[Engine]) -> None:
        try:
            serve(start, self._inbox, self._outbox.put)
        finally:
            self._outbox.put(None)
