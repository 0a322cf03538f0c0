"""The zygote: a process that has imported vLLM once, and forks a child for each command of the tests.

The child is a process like any that is started: its arguments, environment, folder, streams, signals and exit status are
its own. It imports for itself what is this project's, and what starts threads when it is imported (polars, pyarrow):
a fork takes along no thread but the one that forks, and what looks about when it is imported has to see the child.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

HEAVY = (
    "jsonschema",
    "pydantic_settings",
    "vllm.entrypoints.llm",
    "vllm.model_executor.layers.quantization.online.base",
    "vllm.model_executor.models.llama",
    "vllm.v1.attention.backends.cpu_attn",
    "vllm.v1.core.sched.scheduler",
    "vllm.v1.executor.uniproc_executor",
    "vllm.v1.structured_output.backend_xgrammar",
    "vllm.v1.worker.cpu_worker",
)


def main() -> None:
    """Import, then fork for whoever holds the other end of the socket at stdin; be the program in a child."""
    wire = socket.socket(fileno=0)
    for name in HEAVY:
        with suppress(ImportError):  # another vLLM may call it otherwise; the child imports what it needs
            importlib.import_module(name)
    sys.stdout.flush()
    # A collection in a child would copy all that is shared, and vLLM makes several as it ends.
    gc.collect()
    gc.freeze()
    gc.unfreeze = lambda: None
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest, with which this ends
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    _be(*_fork(wire))


def _be(arguments: list[str], environment: dict[str, str], folder: str, streams: list[int]) -> None:
    """Be what `python -m cli.main` is, which does not return."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv[1:] = arguments
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runpy.run_module("cli.main", run_name="__main__", alter_sys=True)


def _fork(wire: socket.socket) -> tuple[list[str], dict[str, str], str, list[int]]:
    """Return in a child, with what it is to do; the zygote itself forks until the other end is closed."""
    while True:
        message, fds, _, _ = socket.recv_fds(wire, 1 << 20, 4)
        if not message:
            os._exit(0)
        threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
        if len(threads) > 1:
            raise RuntimeError(f"an import has started threads, which a fork would lose: {threads}")
        if not os.fork():
            wire.close()
            _keep(*fds)
            return *json.loads(message), fds[1:]
        for fd in fds:
            os.close(fd)


def _keep(back: int, *streams: int) -> None:
    """Fork the program, in which this returns; tell its number and, once it has ended, its status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    with socket.socket(fileno=back) as wire:
        if pid:
            for stream in streams:
                os.close(stream)
            wire.send(str(pid).encode())
            wire.send(str(os.waitpid(pid, 0)[1]).encode())
            os._exit(0)


if __name__ == "__main__":
    main()
