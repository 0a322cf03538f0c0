"""What a CPU computes with, of machines that are not at hand."""

import pytest

from pipelines.machine import processor

SKYLAKE = "fpu sse2 avx avx2 avx512f avx512bw"
ZEN4 = f"{SKYLAKE} avx512_bf16 avx512_vnni"
SAPPHIRE = f"{ZEN4} amx_bf16 amx_tile amx_int8 avx512_fp16"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    def machine(line, isa=None):
        file = tmp_path / "cpuinfo"
        file.write_text(f"processor : 0\nmodel name : some\n{line}\nbogomips : 1\n\nprocessor : 1\n{line}\n")
        monkeypatch.setattr(processor, "CPUINFO", file)
        monkeypatch.delenv("DNNL_MAX_CPU_ISA", raising=False)
        monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
        if isa:
            monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", isa)
        return processor.detect()

    return machine


@pytest.mark.parametrize(
    ("line", "units", "dtype"),
    [
        (f"flags\t\t: {SAPPHIRE}", ("AMX", "AVX-512 BF16", "AVX-512", "AVX2"), "bfloat16"),
        (f"flags\t\t: {ZEN4}", ("AVX-512 BF16", "AVX-512", "AVX2"), "bfloat16"),
        (f"flags\t\t: {SKYLAKE}", ("AVX-512", "AVX2"), "float32"),
        ("flags\t\t: fpu sse2 avx avx2", ("AVX2",), "float32"),
        ("flags\t\t: fpu sse2", (), "float32"),
        ("Features\t: fp asimd bf16 i8mm", ("BF16", "NEON"), "bfloat16"),
        ("Features\t: fp asimd", ("NEON",), "float32"),
        ("isa : rv64imafdc", (), "float32"),
    ],
)
def test_bfloat16_is_for_processors_that_compute_in_it(machine, line, units, dtype):
    found = machine(line)
    assert (found.units, found.dtype) == (units, dtype)


@pytest.mark.parametrize(
    ("isa", "best", "dtype"),
    [
        ("all", "AMX", "bfloat16"),
        ("AVX512_CORE_AMX", "AMX", "bfloat16"),
        ("avx512_core_bf16", "AVX-512 BF16", "bfloat16"),
        ("AVX512_CORE_VNNI", "AVX-512", "float32"),
        ("AVX2_VNNI", "AVX2", "float32"),
    ],
)
def test_a_lowered_instruction_set_counts(machine, isa, best, dtype):
    found = machine(f"flags : {SAPPHIRE}", isa)
    assert (found.units[0], found.dtype) == (best, dtype)


def test_where_nothing_is_known_it_is_float32(monkeypatch, tmp_path):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "none")
    assert processor.detect().dtype == "float32"
