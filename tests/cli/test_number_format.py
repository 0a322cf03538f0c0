"""The number format that a processor's instruction set leads to, and the one that a person wants."""

import json

import pytest

from pipelines.engine import vllm_setup

SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]


LOWERED = {"ONEDNN_MAX_CPU_ISA": "AVX2"}


@pytest.mark.parametrize(
    ("arguments", "environment"), [([], LOWERED), (["--engine", "dtype=float32"], {})], ids=["found", "wanted"]
)
def test_where_the_processor_does_not_compute_in_bfloat16_it_is_float32(
    run, write_jsonl, reviews, arguments, environment
):
    command = ("run", "sentiment", "-i", write_jsonl(reviews(6)), "-o", "out", "--model", "tiny", *SMALL, *arguments)
    status, out, err = run(*command, "--json", **environment)
    assert status == 0, err
    assert json.loads(out)["run"]["dtype"] == "float32"
    assert "done: tiny on cpu in float32\n" in err


def test_what_a_person_wants_wins(tiny, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert vllm_setup.number_format(tiny, "cpu", {}) == "float32"
    assert vllm_setup.number_format(tiny, "cpu", {"dtype": "bfloat16"}) == "bfloat16"
    assert vllm_setup.number_format(tiny, "cuda", {}) == "auto"


def test_the_doctor_says_what_the_processor_has_and_what_follows(run):
    _, out, _ = run("doctor", "--json", **LOWERED)
    found = json.loads(out)
    assert found["machine"]["processor"] == {"units": ["AVX2"]}
    (finding,) = (finding for finding in found["findings"] if finding["about"] == "processor")
    assert finding["text"].startswith("the processor has AVX2, so numbers are in float32: twice the memory of bfloat16")
