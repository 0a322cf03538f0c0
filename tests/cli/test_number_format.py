"""The number format that a processor's instruction set leads to, and the one that a person wants."""

import json

import pytest

SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


@pytest.mark.parametrize(
    ("arguments", "dtype"), [([], "float32"), (["--engine", "dtype=bfloat16"], "bfloat16")], ids=["found", "wanted"]
)
def test_where_the_processor_does_not_compute_in_bfloat16_it_is_float32(run, write_jsonl, reviews, arguments, dtype):
    command = ("run", "sentiment", "-i", write_jsonl(reviews(6)), "-o", "out", "--model", "tiny", *SMALL, *arguments)
    status, out, err = run(*command, "--json", ONEDNN_MAX_CPU_ISA="AVX2")
    assert status == 0, err
    assert json.loads(out)["run"]["dtype"] == dtype
    assert f"tiny on cpu in {dtype}, policy prefill" in err


def test_the_doctor_says_what_the_processor_has_and_what_follows(run):
    _, out, _ = run("doctor", "--json", ONEDNN_MAX_CPU_ISA="AVX2")
    found = json.loads(out)
    assert found["machine"]["processor"] == {"units": ["AVX2"]}
    (finding,) = (finding for finding in found["findings"] if finding["about"] == "processor")
    assert finding["text"].startswith("the processor has AVX2, so numbers are in float32: twice the memory of bfloat16")
