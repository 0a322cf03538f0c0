"""The set-up: what vLLM runs on here, and what it is told."""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.engine import process, root_cause
from pipelines.engine.interface import Limits
from pipelines.errors import EngineError, first_line
from pipelines.machine import memory, processor
from pipelines.machine.facts import SHM, Card, Machine
from pipelines.models.catalog import Model
from pipelines.models.shape import read

# An engine process that is forked inherits the ledger's lock and file, and half-finished threads.
ENVIRONMENT = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn"}
# Nobody is told that there is a run, or of what kind: neither vLLM's makers nor Hugging Face.
PRIVATE = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
# An engine on one machine talks to itself; left alone, it looks up the machine's name and address in the network.
LOOPBACK = {"VLLM_HOST_IP": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
# Measured on a 2-core CPU: in one process, with threads left to the OS, prefill is twice as fast and
# the start takes 17 s in place of 44 s. They are read when the engine is made; what a person sets wins.
CPU_ENVIRONMENT = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
CPU_ARGUMENTS: Mapping[str, Any] = {
    "enforce_eager": True,  # compiling takes longer than most jobs do
    "block_size": 32,  # the smallest it takes: finer blocks share more of a common prefix
    "gpu_memory_utilization": 0.5,  # a share of the free memory, also on CPU; 0.92 fails on a machine in use
}
SEE = "; see `reviewbatch doctor`"


@dataclass(frozen=True, slots=True)
class Device:
    """What vLLM found: `kind` is cpu, cuda, rocm, ...; `name` is the device's own.

    Of an NVIDIA card it is known how much memory it has.
    """

    kind: str
    name: str
    vllm: str
    card_bytes: int | None = None


def device() -> Device:
    """Ask vLLM what it runs on. Raises EngineError when vLLM is missing, cannot be imported, or finds nothing."""
    if importlib.util.find_spec("vllm") is None:
        raise EngineError(
            "vLLM is not installed: pip install 'reviewbatch[gpu]' on a CUDA machine, `make venv` for the CPU set"
        )
    process.default(PRIVATE)  # which is read when vLLM and what it needs are imported
    try:
        from vllm import __version__
        from vllm.platforms import current_platform

        kind = current_platform.device_type
        name = current_platform.get_device_name() if kind else ""
    except Exception as error:  # vLLM, torch and NVML raise their own
        raise EngineError(f"vLLM cannot be used: {first_line(error)}{SEE}") from error
    if not kind:
        raise EngineError(f"vLLM {__version__} finds no device to run on (NVML: {_driver()[2]}){SEE}")
    return Device(kind, name, __version__, _card_bytes() if kind == "cuda" else None)


def machine() -> Machine:
    """Gather the facts about this machine. Starts CUDA in this process: whether it starts is the fact that matters."""
    shm = shutil.disk_usage(SHM) if Path(SHM).is_dir() else None
    machine = Machine(shm_bytes=shm and shm.total, shm_free_bytes=shm and shm.free)
    try:
        on = device()
    except EngineError as error:
        return replace(machine, trouble=str(error).removesuffix(SEE))
    driver, driver_cuda, _ = _driver()
    machine = replace(machine, kind=on.kind, name=on.name, vllm=on.vllm, driver=driver, driver_cuda=driver_cuda)
    if on.kind == "cpu":
        here = _memory()
        return replace(
            machine,
            processor=processor.detect(),
            memory_bytes=here.total_memory,
            memory_free_bytes=here.available_memory,
        )
    import torch
    from vllm.config import CacheConfig

    return replace(
        machine,
        cards=tuple(map(_card, range(torch.cuda.device_count()))),
        built_cuda=torch.version.cuda,
        architectures=tuple(torch.cuda.get_arch_list()),
        utilization=CacheConfig.gpu_memory_utilization,
    )


def _card(index: int) -> Card:
    """Return what torch says of a card; when it cannot use it, its name as NVML has it, which does without CUDA."""
    import torch

    try:
        free, total = torch.cuda.mem_get_info(index)
        properties = torch.cuda.get_device_properties(index)
    except RuntimeError as error:
        return Card(index, _name(index), trouble=first_line(error))
    return Card(index, properties.name, (properties.major, properties.minor), total_bytes=total, free_bytes=free)


def _name(index: int) -> str:
    from vllm.platforms import current_platform

    try:
        return str(current_platform.get_device_name(index))
    except Exception as error:  # noqa: BLE001  a card that is lost says so in NVML's own way
        return first_line(error)


def _driver() -> tuple[str | None, str | None, str]:
    """Return NVIDIA's driver and the newest CUDA version it is for, if there is one, and what NVML says otherwise."""
    from vllm.utils.import_utils import import_pynvml

    nvml = import_pynvml()
    try:
        nvml.nvmlInit()
        driver, cuda = nvml.nvmlSystemGetDriverVersion(), nvml.nvmlSystemGetCudaDriverVersion()
        nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        return None, None, str(error)
    return driver, f"{cuda // 1000}.{cuda % 1000 // 10}", "no card"


def _card_bytes() -> int | None:
    """Return the memory of the first card, None where NVML cannot tell. It does not start CUDA, as torch would."""
    from vllm.platforms import current_platform

    try:
        return int(current_platform.get_device_total_memory(0))
    except Exception:  # noqa: BLE001  whatever it is, the smaller default will do
        return None


def limits(model: Model, arguments: Mapping[str, Any], context: int) -> Limits:
    """Say what an engine of this model and context would be set up for, without loading its weights.

    Raises EngineError when vLLM does not take the arguments.
    """
    settings = prepare(model, {"max_model_len": context, **arguments})
    from vllm.engine.arg_utils import EngineArgs
    from vllm.usage.usage_lib import UsageContext

    try:
        config = EngineArgs(**settings).create_engine_config(UsageContext.LLM_CLASS)
    except Exception as error:  # vLLM raises whatever its parts raise
        raise EngineError(f"vLLM would not start: {root_cause.explain(error, '')}") from error
    return limits_of(config)


def prepare(model: Model, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Set the process up for vLLM on its device, and return what vLLM is to be told."""
    on = device()
    process.hide_switches()
    process.default(ENVIRONMENT | (CPU_ENVIRONMENT if on.kind == "cpu" else {}))
    if not _across_machines(arguments):
        process.default(LOOPBACK)
    settings = {
        "model": str(model.folder),
        "load_format": _load_format(model),
        "max_model_len": model.context,
        "disable_log_stats": False,  # the timings of each request come from these
        # Left free to, a small model fills JSON with white space.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "scheduling_policy": "priority",  # of what is in flight, too, the best goes first and the worst is preempted
        **(_on_cpu(model, arguments) if on.kind == "cpu" else {}),
        **arguments,
    }
    if on.kind == "cpu":
        process.keep_freed_memory()
        if settings["enforce_eager"]:
            import torch

            # Eager is meant whole: left alone, torch compiles a helper of vLLM's sampler on the first answer, for
            # longer than the helper could ever save here.
            torch.compiler.set_stance("force_eager")
    return settings


def _across_machines(arguments: Mapping[str, Any]) -> bool:
    """Say whether one engine is on several machines, as vLLM's own arguments can have it."""
    return arguments.get("distributed_executor_backend") == "ray" or arguments.get("nnodes", 1) != 1


def _load_format(model: Model) -> str:
    """Return how weights are read: as safetensors, never as pickles; Mistral has safetensors of its own kind."""
    return "mistral" if any(model.folder.glob("consolidated*.safetensors")) else "safetensors"


def replicas(arguments: Mapping[str, Any]) -> int:
    """Return how many replicas have a card each, or as many as an engine takes; one where there is no card."""
    return max(1, len(_visible()) // (cards(arguments) or 1))


def cards(arguments: Mapping[str, Any]) -> int:
    """Return how many cards an engine takes, 0 where it runs on processors."""
    across = int(arguments.get("tensor_parallel_size", 1)) * int(arguments.get("pipeline_parallel_size", 1))
    return across if device().kind != "cpu" else 0


def apart_from_each_other(
    model: Model, arguments: Mapping[str, Any], count: int
) -> tuple[Mapping[str, Any], list[dict[str, str]]]:
    """Return what each of some replicas on this machine is told, and the environment of each.

    Each has cards of its own; on processors they share the cores and the memory. Raises EngineError when there are too
    few cards.
    """
    each = cards(arguments)
    if not each:
        threads = str(max(1, (os.cpu_count() or 1) // count))
        told = {**_on_cpu(model, arguments, part=1 / count), **arguments}
        return told, [{"OMP_NUM_THREADS": threads}] * count
    if len(visible := _visible()) < each * count:
        raise EngineError(f"--replicas {count}: {each * count} cards expected, found {len(visible)}")
    from vllm.platforms import current_platform

    name = current_platform.device_control_env_var
    return arguments, [{name: ",".join(visible[n * each : (n + 1) * each])} for n in range(count)]


def _visible() -> list[str]:
    """Return the cards that may be used, as CUDA_VISIBLE_DEVICES or its like has them; CUDA is not started for it."""
    if device().kind == "cpu":
        return []
    from vllm.platforms import current_platform

    if (given := os.environ.get(current_platform.device_control_env_var)) is not None:
        return [card for card in given.split(",") if card]
    return [str(number) for number in range(current_platform.device_count())]


def number_format(model: Model, kind: str, arguments: Mapping[str, Any]) -> str:
    """Return the format of numbers that an engine on a device of this kind will be told to have."""
    given = arguments.get("dtype")
    return str(given or (_on_cpu(model, arguments)["dtype"] if kind == "cpu" else "auto"))


def _on_cpu(model: Model, arguments: Mapping[str, Any], part: float = 1.0) -> dict[str, Any]:
    """Return what vLLM is told on a CPU: a number format it is quick in, as far as that fits its part of the memory."""
    wanted, shape = arguments.get("dtype", processor.detect().dtype), read(model.folder)
    context = arguments.get("max_model_len", model.context)
    dtype, kv_cache = memory.fit(shape, wanted, context, int(part * _memory().available_memory))
    return {**CPU_ARGUMENTS, "dtype": dtype, "kv_cache_memory_bytes": kv_cache}


def _memory() -> Any:
    """Return total and available memory as vLLM reads them: a container's own, if it has a limit."""
    from vllm.utils.cpu_resource_utils import get_memory_node_info

    return get_memory_node_info()


def apart() -> bool:
    """Say whether vLLM's engine will be a process of its own, once `prepare` has been called."""
    return os.environ.get("VLLM_ENABLE_V1_MULTIPROCESSING") != "0"


def limits_of(config: Any) -> Limits:
    """Return what a configuration of vLLM's sets an engine up for."""
    scheduler, cache = config.scheduler_config, config.cache_config
    return Limits(
        max_num_seqs=scheduler.max_num_seqs,
        max_num_batched_tokens=scheduler.max_num_batched_tokens,
        block_size=cache.block_size if cache.enable_prefix_caching else 0,
        dtype=str(config.model_config.dtype).removeprefix("torch."),
    )
