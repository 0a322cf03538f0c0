"""The machine: the facts that decide whether vLLM can run on it. `vllm_setup.machine` gathers them."""

from dataclasses import KW_ONLY, dataclass

from pipelines.machine.processor import Processor

SHM = "/dev/shm"  # noqa: S108  nothing of ours is put there


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU. `trouble` is why torch cannot use it, and then the rest is not known; `capability` is CUDA's."""

    index: int
    name: str
    capability: tuple[int, ...] = ()
    _: KW_ONLY
    total_bytes: int = 0
    free_bytes: int = 0
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is known of this machine; None is what could not be found out, or does not apply.

    `kind` is vLLM's for the device, cpu or cuda or rocm, and empty when vLLM cannot be used: `trouble` says why.
    `driver` is NVIDIA's, `driver_cuda` the newest CUDA version it is for; `built_cuda` is the version that torch and
    vLLM were built for, `architectures` those that they have code for, such as sm_90 or compute_80.
    """

    kind: str = ""
    name: str = ""
    vllm: str | None = None
    trouble: str | None = None
    cards: tuple[Card, ...] = ()
    driver: str | None = None
    driver_cuda: str | None = None
    built_cuda: str | None = None
    architectures: tuple[str, ...] = ()
    utilization: float | None = None  # the share of a card's memory that vLLM takes when nothing is said
    processor: Processor | None = None  # where vLLM runs on it
    memory_bytes: int | None = None
    memory_free_bytes: int | None = None
    shm_bytes: int | None = None
    shm_free_bytes: int | None = None
