"""The facts about a machine, gathered on this one, and where torch and NVML answer as they would with cards."""

import warnings
from types import SimpleNamespace

import pytest

from pipelines.engine import vllm_setup
from pipelines.errors import EngineError
from pipelines.machine.diagnosis import GIB
from pipelines.machine.facts import Card


@pytest.fixture
def quiet():
    with warnings.catch_warnings(action="ignore"):  # of torch's and vLLM's own deprecations
        yield


def test_the_facts_about_this_machine(quiet):
    found = vllm_setup.machine()
    assert (found.kind, found.cards, found.trouble) == ("cpu", (), None)
    assert 0 < found.memory_free_bytes <= found.memory_bytes
    assert 0 < found.shm_free_bytes <= found.shm_bytes
    assert found.processor.units


def nvml(trouble=None):
    """Return a stand-in that answers as NVML would."""

    class NVMLError(Exception):
        pass

    def init():
        if trouble:
            raise NVMLError(trouble)

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=init,
        nvmlSystemGetDriverVersion=lambda: "570.86.10",
        nvmlSystemGetCudaDriverVersion=lambda: 12080,
        nvmlShutdown=lambda: None,
    )


@pytest.fixture
def with_cards(quiet, monkeypatch):
    """Have torch and NVML answer as they would with three cards, of which torch can use the first."""
    import torch
    from vllm import platforms

    class Platform(platforms.interface.Platform):
        device_type = "cuda"

        @classmethod
        def get_device_name(cls, index=0):
            if index == 2:
                raise LookupError("GPU is lost")
            return "L4"

    def memory(index):
        if index:
            raise RuntimeError("\nCUDA error: out of memory\nCUDA kernel errors might be ...")
        return 22 * GIB, 23 * GIB

    monkeypatch.setattr(platforms, "_current_platform", Platform())
    monkeypatch.setattr("vllm.utils.import_utils.import_pynvml", nvml)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "mem_get_info", memory)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(name="NVIDIA L4", major=8, minor=9)
    )
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_80", "sm_90"])
    monkeypatch.setattr(torch.version, "cuda", "12.9")


def test_the_facts_about_cards(with_cards):
    from vllm.config import CacheConfig

    found = vllm_setup.machine()
    assert (found.kind, found.name, found.driver, found.driver_cuda) == ("cuda", "L4", "570.86.10", "12.8")
    assert (found.built_cuda, found.architectures) == ("12.9", ("sm_80", "sm_90"))
    assert found.cards == (
        Card(0, "NVIDIA L4", (8, 9), total_bytes=23 * GIB, free_bytes=22 * GIB),
        Card(1, "L4", trouble="CUDA error: out of memory"),
        Card(2, "GPU is lost", trouble="CUDA error: out of memory"),
    )
    assert 0.5 < found.utilization == CacheConfig().gpu_memory_utilization < 1


def test_a_gpu_build_without_a_gpu(quiet, monkeypatch):
    from vllm import platforms

    monkeypatch.setattr(platforms, "_current_platform", platforms.interface.UnspecifiedPlatform())
    monkeypatch.setattr("vllm.utils.import_utils.import_pynvml", lambda: nvml("Driver Not Loaded"))
    with pytest.raises(EngineError, match=r"finds no device to run on \(NVML: Driver Not Loaded\); see"):
        vllm_setup.device()
    found = vllm_setup.machine()
    assert (found.kind, found.trouble.endswith("(NVML: Driver Not Loaded)")) == ("", True)
