"""The processor: what a CPU computes with, and which number format follows from it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
# What is looked for, best first: its flags in /proc/cpuinfo (x86's, ARM's), and which of oneDNN's instruction sets have
# it, for a machine's can be lowered with ONEDNN_MAX_CPU_ISA.
UNITS: Mapping[str, tuple[set[str], str]] = {
    "AMX": ({"amx_bf16"}, "AMX"),
    "AVX-512 BF16": ({"avx512_bf16"}, "AMX|BF16|FP16|AVX10"),
    "BF16": ({"bf16"}, ""),
    "AVX-512": ({"avx512f"}, "512|AVX10"),
    "AVX2": ({"avx2"}, "AVX2|512|AVX10"),
    "NEON": ({"asimd"}, ""),
}
IN_BFLOAT16 = {"AMX", "AVX-512 BF16", "BF16"}


@dataclass(frozen=True, slots=True)
class Processor:
    """A CPU by the best of its `units` that vLLM may use, of those in `UNITS`; none where nothing is known of it."""

    units: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """The number format that it is quick in: bfloat16 where it computes in it, and else float32.

        Where it does not, every product of bfloat16 is made of conversions.
        """
        return "bfloat16" if IN_BFLOAT16.intersection(self.units) else "float32"

    @property
    def cost(self) -> str:
        """What that format costs, against the other one; measured in benchmarks/results/cpu.md."""
        if self.dtype == "bfloat16":
            return "half the memory of float32, probabilities within 0.03 of its"
        return "twice the memory of bfloat16, which would be 4 to 7 times slower here"


def detect() -> Processor:
    """Return this machine's processor."""
    try:
        flags_line = re.search(r"^(?:flags|Features)\s*:(.*)$", CPUINFO.read_text(), re.MULTILINE)
    except OSError:
        flags_line = None
    lowered = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or "ALL"
    return _of(set(flags_line[1].split()) if flags_line else set(), lowered.upper())


def _of(flags: set[str], isa: str) -> Processor:
    """Return the processor that has these flags, of which oneDNN is to use no more than an instruction set."""
    whole = isa in {"ALL", "DEFAULT"}
    return Processor(
        tuple(name for name, (features, sets) in UNITS.items() if features & flags and (whole or re.search(sets, isa)))
    )
