"""The diagnosis: what the facts about a machine mean for a run on it. Pure; every limit is a parameter."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.machine import memory
from pipelines.machine.facts import SHM, Card, Machine
from pipelines.machine.processor import Processor
from pipelines.models.shape import Shape

Status = Literal["ok", "warning", "missing"]
GIB = 1 << 30
PROMPT = 4096  # tokens: few runs have a longer prompt
# The least driver of each major version of CUDA; any of them runs what was built for any minor version.
DRIVERS = {11: 450, 12: 525, 13: 580}
# What to do about things that go wrong in CUDA and say little.
ADVICE = {
    "system not yet initialized": "NVIDIA's fabric manager has to run, in the same version as the driver",
    "out of memory": "something else fills it: wait for that, or end it",
    "busy or unavailable": "another process has it for itself alone",
    "libcuda.so": "there is no NVIDIA driver here; a container has to be started with --gpus all",
    "libcudart.so": "vLLM and torch are built for different CUDA versions: install them together",
    "NVML": "`nvidia-smi` (AMD's is `rocm-smi`) has to work here; a container has to be started with --gpus all",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is ok, that may go wrong (a warning), or without which a run cannot start (missing)."""

    status: Status
    about: str
    text: str


def diagnose(
    machine: Machine, model: str, shape: Shape, installed: str, *, shm: int = GIB, working: int = memory.WORKING
) -> list[Finding]:
    """Say what there is to say about a run of `model` with default settings.

    `shm` is what has to be free in /dev/shm for several cards to work together, `working` what vLLM needs
    besides weights and KV cache: activations and CUDA graphs.
    """
    if not machine.kind:
        return [Finding("missing", "vllm", _advised(machine.trouble or "vLLM cannot be used"))]
    named = f": {machine.name}" if machine.name != machine.kind else ""
    findings = [Finding("ok", "vllm", f"vLLM {machine.vllm} runs on {machine.kind}{named}")]
    if machine.kind == "cuda":
        findings.append(driver(machine))
    if machine.kind in {"cuda", "rocm"}:
        findings += cards(machine)
        findings += parallel(machine, model, shape, shm=shm)
    elif machine.kind == "cpu" and machine.driver:
        text = f"NVIDIA driver {machine.driver} is here, but this vLLM is the CPU's: pip install '.[gpu]' in a new venv"
        findings.append(Finding("warning", "driver", text))
    dtype = "bfloat16"
    if machine.kind == "cpu":
        finding, dtype = numbers(machine, shape)
        findings.append(finding)
    findings += [weights(model, shape, installed), context(shape, dtype)]
    spare = working + shape.kv_bytes(shape.context, dtype)
    if machine.memory_free_bytes is not None:
        findings.append(fits(model, shape, "the free memory", machine.memory_free_bytes, spare=spare, dtype=dtype))
    for card in machine.cards[:1]:
        if not card.trouble:
            budget = min(card.free_bytes, taken(card, machine.utilization))
            findings.append(fits(model, shape, f"what vLLM may take of card {card.index}", budget, spare=spare))
    return findings


def driver(machine: Machine) -> Finding:
    """Judge the driver against the CUDA version that vLLM was built for; what works all the same is not too old."""
    built, has = machine.built_cuda, machine.driver_cuda
    if not (built and has):
        return Finding("ok", "driver", f"vLLM is built for CUDA {built}; of the driver nothing is known")
    text = f"driver {machine.driver} is for CUDA {has}, vLLM is built for CUDA {built}"
    if _version(has) >= _version(built):
        return Finding("ok", "driver", text)
    if _version(has)[0] == (major := _version(built)[0]):
        return Finding("ok", "driver", f"{text}: the same major version is enough")
    if machine.cards and not any(card.trouble for card in machine.cards):
        return Finding("ok", "driver", f"{text}: CUDA starts all the same")
    newer = f"driver {DRIVERS[major]}" if major in DRIVERS else f"a driver for CUDA {major}"
    return Finding(
        "missing",
        "driver",
        f"{text}: install {newer} or later, or a vLLM that is built for CUDA {_version(has)[0]}; on a data-centre card "
        f"the package cuda-compat-{built.replace('.', '-')} with VLLM_ENABLE_CUDA_COMPATIBILITY=1 will do",
    )


def cards(machine: Machine) -> list[Finding]:
    """Judge each card. Only the first is needed: what is wrong with the others is a warning."""
    if not machine.cards:
        return [Finding("missing", "cards", "no card is visible: see CUDA_VISIBLE_DEVICES")]
    findings = [_card(card, machine) for card in machine.cards]
    good = [card.index for card, finding in zip(machine.cards, findings, strict=True) if finding.status == "ok"]
    if findings[0].status == "missing" and good:
        findings[0] = Finding(
            "missing", "cards", f"{findings[0].text}; CUDA_VISIBLE_DEVICES can put card {good[0]} first"
        )
    return findings


def _card(card: Card, machine: Machine) -> Finding:
    """Judge a card by itself."""
    bad: Status = "missing" if card.index == 0 else "warning"
    name = f"card {card.index}, {card.name}"
    if card.trouble:
        trouble = card.trouble.partition(" Please update")[0]  # a paragraph, for each card
        return Finding(bad, "cards", _advised(f"{name}: torch cannot use it: {trouble}"))
    text = f"{name}: {gib(card.free_bytes)} of {gib(card.total_bytes)} are free"
    if machine.kind == "cuda":
        text += f", compute capability {'.'.join(map(str, card.capability))}"
        if not runs(card.capability, machine.architectures, "sm", "compute"):
            for_these = " ".join(machine.architectures)
            return Finding(bad, "cards", f"{text}, for which vLLM is not built ({for_these}): an older or a newer vLLM")
    wanted = taken(card, machine.utilization)
    if card.free_bytes < wanted:
        share = math.floor(100 * card.free_bytes / card.total_bytes - 2) / 100  # what is free changes a little
        less = f", or --engine gpu_memory_utilization={share}" if share > 0 else ""
        took = f"vLLM takes {gib(wanted)} (gpu_memory_utilization {machine.utilization})"
        return Finding(bad, "cards", f"{text}: {took}, so something else is using it: wait for that, or end it{less}")
    if machine.kind == "cuda" and not runs(card.capability, machine.architectures, "sm"):
        return Finding("warning", "cards", f"{text}: vLLM has no machine code for it, so its first start takes long")
    return Finding("ok", "cards", text)


def parallel(machine: Machine, model: str, shape: Shape, *, shm: int = GIB) -> list[Finding]:
    """Say over how many cards the model can be split, and whether they could talk to each other."""
    usable = sum(not card.trouble for card in machine.cards)
    if not usable:
        return []
    heads = f": {model} has {shape.heads} attention heads, {shape.kv_heads} of keys and values" if usable > 1 else ""
    findings = [Finding("ok", "parallel", f"tensor_parallel_size may be {_either(shape.splits(usable))}{heads}")]
    if (free := machine.shm_free_bytes) is not None:
        text = f"{SHM} has {gib(free)} free"
        if usable > 1 and free < shm:
            how = "start the container with --shm-size=8g or --ipc=host"
            findings.append(Finding("warning", "shm", f"{text}, cards that work together need {gib(shm)}: {how}"))
        else:
            findings.append(Finding("ok", "shm", text))
    return findings


def weights(model: str, shape: Shape, installed: str) -> Finding:
    """Judge whether the model is here; `installed` is what `models.installed` says."""
    text = f"default model {model}, on this machine: {installed}"
    if installed == "no":
        fetched = f"the first run fetches {gib(shape.weights_bytes)} from Hugging Face: let it be a small one"
        return Finding("warning", "model", f"{text}; {fetched}")
    return Finding("missing" if installed.startswith("no:") else "ok", "model", text)


def numbers(machine: Machine, shape: Shape) -> tuple[Finding, str]:
    """Judge what the CPU computes with, and return the number format that follows, too."""
    on = machine.processor or Processor()
    dtype, _ = memory.fit(shape, on.dtype, PROMPT, machine.memory_free_bytes or 0)
    text = f"the processor has {', '.join(on.units) or 'no unit that is known here'}, so numbers are in {on.dtype}"
    if dtype == on.dtype:
        return Finding("ok", "processor", f"{text}: {on.cost}"), dtype
    return Finding(
        "warning", "processor", f"{text} where there is room; here they are in {dtype}, which is slow"
    ), dtype


def context(shape: Shape, dtype: str) -> Finding:
    """Say how long a context vLLM is asked for."""
    whole = f"{shape.context:,} tokens, which take {gib(shape.kv_bytes(shape.context, dtype))} of KV cache"
    return Finding("ok", "context", f"a run's context is as long as its longest prompt needs, of the model's {whole}")


def fits(model: str, shape: Shape, where: str, budget: int, *, spare: int, dtype: str = "bfloat16") -> Finding:
    """Judge whether the weights and a usual prompt fit `budget` bytes, with `spare` left beside the weights."""
    size, prompt = shape.weights(dtype), shape.kv_bytes(PROMPT, dtype)
    text = f"{model} has {gib(size)} of weights in {dtype}, and {where} is {gib(budget)}"
    if budget < size + prompt:
        short = f"too little for it and a prompt of {PROMPT:,} tokens ({gib(prompt)})"
        return Finding("missing", "fit", f"{text}: {short}; choose a smaller --model")
    if budget < size + spare:
        less = "free some, or give the KV cache less with --engine kv_cache_memory_bytes=N"
        return Finding("warning", "fit", f"{text}: it may not fit, {gib(spare)} more are wanted; {less}")
    return Finding("ok", "fit", f"{text}: it fits")


def taken(card: Card, utilization: float | None) -> int:
    """Return the bytes of a card that vLLM takes."""
    return math.ceil(card.total_bytes * (1 if utilization is None else utilization))


def runs(capability: tuple[int, ...], architectures: Sequence[str], *kinds: str) -> bool:
    """Whether code of these `kinds` is there for a card: sm is machine code, compute is for the driver to compile.

    Machine code runs on the same major version and a later minor one, compiled code on all that are later; with an `a`
    behind its number either runs on that very one. Where nothing is known of a build it is taken to be right.
    """

    def covers(architecture: str) -> bool:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", architecture)
        if not match or match[1] not in kinds:
            return False
        made = int(match[2]), int(match[3])
        if match[4] == "a":
            return made == capability
        same = match[1] == "sm" or match[4] == "f"
        return made <= capability and (made[0] == capability[0] or not same)

    return not architectures or any(map(covers, architectures))


def gib(size: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{size / GIB:.1f} GiB"


def _either(sizes: Sequence[int]) -> str:
    head = ", ".join(map(str, sizes[:-1]))
    return f"{head} or {sizes[-1]}" if head else f"{sizes[-1]} only"


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")[:2]))


def _advised(trouble: str) -> str:
    """Return what is wrong, with what is to be done about it if that is known."""
    return next((f"{trouble}: {advice}" for sign, advice in ADVICE.items() if sign in trouble), trouble)
