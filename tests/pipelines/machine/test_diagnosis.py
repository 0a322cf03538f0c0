"""What the doctor says of machines that are not at hand."""

from dataclasses import replace

import pytest

from pipelines.machine.diagnosis import GIB, diagnose, runs
from pipelines.machine.facts import Card, Machine
from pipelines.machine.processor import Processor
from pipelines.models import catalog

QWEN, SMOLLM = catalog.ALIASES["qwen2.5-1.5b"].shape, catalog.ALIASES["smollm2-135m"].shape
HALF = replace(QWEN, weights_bytes=988_000_000, layers=24, heads=14, head_size=64, intermediate=4864)  # Qwen2.5-0.5B
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
OLD = "The NVIDIA driver on your system is too old (found version 12000). Please update your GPU driver by downloading"


def card(index=0, name="NVIDIA H100 80GB HBM3", capability=(9, 0), total=79.2, free=78.7, trouble=None):
    return (
        Card(index, name, trouble=trouble)
        if trouble
        else Card(index, name, capability, total_bytes=int(total * GIB), free_bytes=int(free * GIB))
    )


def machine(*cards, **others):
    facts = {
        "kind": "cuda", "name": "NVIDIA H100 80GB HBM3", "vllm": "0.25.1", "cards": cards, "driver": "580.95.05",
        "driver_cuda": "13.0", "built_cuda": "13.0", "architectures": ARCHITECTURES, "utilization": 0.92,
        "shm_bytes": 16 * GIB, "shm_free_bytes": 16 * GIB,
    }  # fmt: skip
    return Machine(**facts | others)


def said(on, model="qwen2.5-1.5b", shape=QWEN, installed="in the hub cache", **limits):
    """Return what is said about each thing: a status and a text for each finding."""
    found = {}
    for finding in diagnose(on, model, shape, installed, **limits):
        found.setdefault(finding.about, []).append((finding.status, finding.text))
    return found


def statuses(found):
    return {about: [status for status, _ in findings] for about, findings in found.items()}


def test_a_free_card_is_ready():
    found = said(machine(card()))
    assert {status for findings in statuses(found).values() for status in findings} == {"ok"}
    assert found["vllm"] == [("ok", "vLLM 0.25.1 runs on cuda: NVIDIA H100 80GB HBM3")]
    assert found["driver"] == [("ok", "driver 580.95.05 is for CUDA 13.0, vLLM is built for CUDA 13.0")]
    assert found["cards"] == [
        ("ok", "card 0, NVIDIA H100 80GB HBM3: 78.7 GiB of 79.2 GiB are free, compute capability 9.0")
    ]
    assert found["parallel"] == [("ok", "tensor_parallel_size may be 1 only")]
    fit = "qwen2.5-1.5b has 2.9 GiB of weights in bfloat16, and what vLLM may take of card 0 is 72.9 GiB: it fits"
    assert found["fit"] == [("ok", fit)]


def test_a_card_in_use_stops_a_run_if_it_is_the_first():
    busy, idle = card(free=10.5), card(1)
    found = said(machine(busy, idle))
    assert statuses(found)["cards"] == ["missing", "ok"]
    text = found["cards"][0][1]
    assert "vLLM takes 72.9 GiB (gpu_memory_utilization 0.92), so something else is using it" in text
    assert "--engine gpu_memory_utilization=0.11;" in text
    assert text.endswith("CUDA_VISIBLE_DEVICES can put card 1 first")
    assert statuses(found)["fit"] == ["ok"]  # with that setting

    found = said(machine(replace(idle, index=0), replace(busy, index=1)))
    assert statuses(found)["cards"] == ["ok", "warning"]
    assert "missing" not in {status for findings in statuses(found).values() for status in findings}


def test_what_is_suggested_for_a_card_in_use_would_be_taken():
    for free in (1.0, 20.3, 72.8):
        (_, text), *_ = said(machine(card(free=free)))["cards"]
        share = text.partition("gpu_memory_utilization=")[2]
        assert not share or 0 < float(share) * 79.2 < free


def test_a_card_that_the_build_has_no_code_for():
    t4 = card(name="Tesla T4", capability=(7, 5), total=14.6, free=14.5)
    ampere = ("sm_80", "sm_90", "compute_90")
    ((status, text),) = said(machine(t4, architectures=ampere))["cards"]
    assert status == "missing"
    assert "compute capability 7.5, for which vLLM is not built (sm_80 sm_90 compute_90)" in text
    assert statuses(said(machine(t4)))["cards"] == ["ok"]
    later = card(capability=(12, 0))
    ((status, text),) = said(machine(later, architectures=ampere))["cards"]
    assert (status, "its first start takes long" in text) == ("warning", True)


@pytest.mark.parametrize(
    ("capability", "architectures", "machine_code", "any_code"),
    [
        ((9, 0), ("sm_90",), True, True),
        ((8, 9), ("sm_80",), True, True),
        ((8, 0), ("sm_86",), False, False),
        ((9, 0), ("sm_80",), False, False),
        ((9, 0), ("compute_80",), False, True),
        ((9, 0), ("sm_90a",), True, True),
        ((10, 3), ("sm_100a",), False, False),
        ((10, 3), ("sm_100f",), True, True),
        ((12, 0), ("compute_90a",), False, False),
        ((12, 0), ("sm_120",), True, True),
        ((7, 5), (), True, True),
        ((9, 0), ("gfx942",), False, False),
    ],
)
def test_which_code_runs_on_which_card(capability, architectures, machine_code, any_code):
    assert runs(capability, architectures, "sm") == machine_code
    assert runs(capability, architectures, "sm", "compute") == any_code


def test_a_driver_that_is_too_old():
    found = said(machine(card(trouble=OLD), driver="525.85.12", driver_cuda="12.0"))
    ((status, text),) = found["driver"]
    assert status == "missing"
    assert text.startswith("driver 525.85.12 is for CUDA 12.0, vLLM is built for CUDA 13.0: install driver 580")
    assert "cuda-compat-13-0" in text
    ((status, text),) = found["cards"]
    assert status == "missing"
    assert text.endswith("torch cannot use it: The NVIDIA driver on your system is too old (found version 12000).")
    assert "fit" not in found
    assert "parallel" not in found


@pytest.mark.parametrize(
    ("has", "built", "text"),
    [
        ("13.0", "13.2", "the same major version is enough"),
        ("13.2", "13.0", "built for CUDA 13.0"),
        ("13.0", "12.9", "built for CUDA 12.9"),
        ("12.8", "13.0", "CUDA starts all the same"),  # a compatibility package, since torch can use the card
    ],
)
def test_a_driver_that_will_do(has, built, text):
    ((status, said_of_it),) = said(machine(card(), driver_cuda=has, built_cuda=built))["driver"]
    assert (status, said_of_it.endswith(text)) == ("ok", True)


def test_what_cuda_says_of_a_card_comes_with_what_to_do():
    trouble = "Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized"
    ((status, text), *_) = said(machine(card(trouble="CUDA error: out of memory"), card(1)))["cards"]
    assert status == "missing"
    assert "CUDA error: out of memory: something else fills it: wait for that, or end it; CUDA_VISIBLE_DEVICES" in text
    ((_, text),) = said(machine(card(trouble=trouble)))["cards"]
    assert text.endswith("not yet initialized: NVIDIA's fabric manager has to run, in the same version as the driver")


def test_no_card():
    assert said(machine())["cards"] == [("missing", "no card is visible: see CUDA_VISIBLE_DEVICES")]
    trouble = "vLLM 0.25.1 finds no device to run on (NVML: Driver Not Loaded)"
    ((about, ((status, text),)),) = said(Machine(trouble=trouble)).items()
    assert (about, status) == ("vllm", "missing")
    assert text.startswith(f"{trouble}: `nvidia-smi`")


def test_several_cards_need_shared_memory_and_a_number_that_divides_the_model():
    eight = [card(n) for n in range(8)]
    found = said(machine(*eight, shm_free_bytes=64 << 20), "qwen2.5-0.5b", HALF)
    assert found["parallel"] == [
        ("ok", "tensor_parallel_size may be 1 or 2: qwen2.5-0.5b has 14 attention heads, 2 of keys and values")
    ]
    ((status, text),) = found["shm"]
    assert status == "warning"
    assert text.startswith("/dev/shm has 0.1 GiB free, cards that work together need 1.0 GiB: start the container with")
    assert statuses(said(machine(*eight, shm_free_bytes=64 << 20), shm=32 << 20))["shm"] == ["ok"]
    assert statuses(said(machine(card(), shm_free_bytes=64 << 20)))["shm"] == ["ok"]  # it works alone
    broken = [card(n, trouble="lost" if n > 2 else None) for n in range(8)]
    assert "may be 1 or 2:" in said(machine(*broken))["parallel"][0][1]


def test_whether_the_model_fits():
    small = card(name="GeForce", capability=(8, 6), total=3, free=2.9)
    ((status, text),) = said(machine(small))["fit"]
    assert (status, "too little for it and a prompt of 4,096 tokens (0.1 GiB)" in text) == ("missing", True)
    small = replace(small, total_bytes=6 * GIB, free_bytes=int(5.8 * GIB))
    ((status, text),) = said(machine(small))["fit"]
    assert (status, "2.9 GiB more are wanted" in text) == ("warning", True)
    assert statuses(said(machine(small), working=GIB))["fit"] == ["ok"]


def test_a_model_that_is_not_here():
    ((status, text),) = said(machine(card()), installed="no")["model"]
    assert (status, "the first run fetches 2.9 GiB from Hugging Face" in text) == ("warning", True)
    ((status, _),) = said(machine(card()), installed="no: the model package is not installed")["model"]
    assert status == "missing"


def test_rocm_is_told_what_torch_knows():
    found = said(machine(card(name="AMD Instinct MI300X"), kind="rocm", driver=None, driver_cuda=None, built_cuda=None,
                         architectures=("gfx942",)))  # fmt: skip
    assert found["cards"] == [("ok", "card 0, AMD Instinct MI300X: 78.7 GiB of 79.2 GiB are free")]
    assert "driver" not in found


CPU = Machine(kind="cpu", name="cpu", vllm="0.32.0", processor=Processor(("AVX2",)), memory_bytes=16 * GIB,
              memory_free_bytes=15 * GIB)  # fmt: skip


@pytest.mark.parametrize(("free", "status"), [(15, "ok"), (2.4, "warning"), (0.3, "missing")])
def test_a_cpu_needs_memory_too(free, status):
    found = said(replace(CPU, memory_free_bytes=int(free * GIB)), "smollm2-135m", SMOLLM, "unpacked")
    assert found["fit"][0][0] == status
    assert statuses(found)["vllm"] == statuses(found)["context"] == ["ok"]


def test_what_a_cpu_computes_with_and_in():
    ((status, text),) = said(CPU, "smollm2-135m", SMOLLM)["processor"]
    assert status == "ok"
    assert text.startswith("the processor has AVX2, so numbers are in float32: twice the memory of bfloat16")
    quick = replace(CPU, processor=Processor(("AMX", "AVX-512 BF16", "AVX-512", "AVX2")))
    ((status, text),) = said(quick, "smollm2-135m", SMOLLM)["processor"]
    assert (status, "so numbers are in bfloat16: half the memory of float32" in text) == ("ok", True)
    ((status, text),) = said(replace(CPU, memory_free_bytes=7 * GIB), shape=QWEN)["processor"]
    assert (status, "here they are in bfloat16, which is slow" in text) == ("warning", True)


def test_the_context_is_what_is_needed():
    ((_, text),) = said(machine(card()))["context"]
    assert text.endswith("of the model's 32,768 tokens, which take 0.9 GiB of KV cache")


def test_the_cpu_build_where_there_is_a_card():
    found = said(replace(CPU, driver="580.95.05", driver_cuda="13.0"), "smollm2-135m", SMOLLM, "unpacked")
    ((status, text),) = found["driver"]
    assert (status, "but this vLLM is the CPU's" in text) == ("warning", True)
