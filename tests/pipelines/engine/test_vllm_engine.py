"""Real vLLM on the tiny model: one engine for all of these."""

import json
import math
import os
import threading
import time
import warnings
from dataclasses import replace

import pytest

from pipelines.engine.interface import Completion, Failure, Request, Sampling
from pipelines.engine.vllm_engine import FRESH, GenerateEngine
from pipelines.engine.vllm_setup import LOOPBACK, limits, prepare
from pipelines.errors import EngineDied, EngineError


def ask(engine, *requests, answers=None):
    engine.submit(requests)
    found = {}
    for _ in range(500):
        for done in engine.step():
            found[done.id] = done
        if len(found) == (answers or len(requests)):
            return found
    pytest.fail("the engine did not answer")


def test_scores_are_the_models_own_log_probabilities(engine, tiny):
    import torch
    from transformers import AutoModelForCausalLM

    prompt, score = [300, 301, 302, 303, 304], (310, 320, 330)
    done = ask(engine, Request(1, prompt, Sampling(1, score)))[1]
    model = AutoModelForCausalLM.from_pretrained(tiny.folder, dtype=torch.float32)
    with torch.inference_mode():
        expected = model(torch.tensor([prompt])).logits[0, -1].log_softmax(-1)
    assert set(done.scores) == set(score)
    for token in score:
        assert math.isclose(done.scores[token], expected[token].item(), abs_tol=0.15)  # vLLM may compute in bfloat16


@pytest.mark.parametrize("fed", ["engine", "generating"])
def test_marked_tokens_have_their_probabilities_wherever_one_is_said(request, tiny, tokenizer, fed):
    """A random model would say neither; held to a schema it does, and how likely each was is still its own."""
    import torch
    from transformers import AutoModelForCausalLM

    marked = tuple(tokenizer.encode(word)[0] for word in ("zk", "qv"))
    words = '{"type": "array", "items": {"enum": ["zk", "qv"]}, "minItems": 2, "maxItems": 2}'
    asked = Request(1, [300, 301, 302], Sampling(40, schema=words, marked=marked))
    done = ask(request.getfixturevalue(fed), asked)[1]
    said = [("zk", "qv")[mark.said] for mark in done.marks]
    assert said == json.loads(done.text)
    model = AutoModelForCausalLM.from_pretrained(tiny.folder, dtype=torch.float32)
    before = [300, 301, 302, *tokenizer.encode('["')]
    with torch.inference_mode():
        expected = model(torch.tensor([before])).logits[0, -1]
    first, second = done.marks[0].logprobs
    assert math.isclose(first - second, (expected[marked[0]] - expected[marked[1]]).item(), abs_tol=0.15)
    assert all(math.isfinite(logprob) for mark in done.marks for logprob in mark.logprobs)


def test_timing_is_vllms_own_and_in_order(engine):
    found = ask(engine, *(Request(n, [400 + n] * 40, Sampling(3)) for n in range(12)))
    for done in found.values():
        t = done.timing
        assert 0 < t.queued <= t.scheduled < t.first_token < t.last_token
        assert (t.prompt_tokens, t.output_tokens, t.preemptions) == (40, 3, 0)
    # Eight slots, twelve requests: some had to wait for the others.
    assert max(done.timing.scheduled for done in found.values()) >= min(
        done.timing.last_token for done in found.values()
    )


def test_a_common_beginning_is_computed_once(engine):
    head = list(range(500, 596))
    first = ask(engine, Request(1, [*head, 1], Sampling(1, (5,))))[1]
    second = ask(engine, Request(2, [*head, 2], Sampling(1, (5,))))[2]
    assert first.timing.cached_tokens == 0
    assert second.timing.cached_tokens == 96


def test_a_prompt_it_will_not_take_is_refused_and_the_others_are_answered(engine, tiny):
    found = ask(engine, Request(1, [7] * 9, Sampling(1)), Request(2, [7] * (tiny.context + 1), Sampling(1)))
    assert isinstance(found[1], Completion)
    assert isinstance(found[2], Failure)
    assert found[2].reason == "engine-refused"
    assert "8192" in found[2].detail


def test_what_is_under_way_is_counted(engine):
    def stats():
        time.sleep(2 * FRESH)
        return engine.stats

    before = stats()
    engine.submit([Request(1, list(range(600, 650)), Sampling(100))])
    for _ in range(10):
        assert engine.step() == []
    during = stats()
    assert during.prefilled - before.prefilled == 50
    assert 5 <= during.decoded - before.decoded <= 10
    while not (done := engine.step()):
        pass
    after = stats()
    assert after.prefilled - before.prefilled == 50
    assert after.decoded - before.decoded == done[0].timing.output_tokens


def test_one_that_waits_for_its_own_threads_for_too_long_has_nothing_to_tell(engine, monkeypatch):
    """As where a grammar is never compiled, for want of memory: its steps end, and nothing comes of them."""
    manager, compiled = engine._llm.llm_engine.engine_core.engine_core.structured_output_manager, threading.Event()
    compile_ = manager._create_grammar
    monkeypatch.setattr(manager, "_create_grammar", lambda of: compiled.wait() and compile_(of))
    began = time.monotonic()
    engine.submit([Request(1, [7] * 9, Sampling(40, schema=json.dumps({"type": "array", "maxItems": 1})))])
    try:
        with pytest.raises(EngineDied, match="nothing to tell for far longer"):
            assert not any(engine.step(0.5) for _ in iter(lambda: time.monotonic() - began < 60, False))
        assert time.monotonic() - began > 0.5
    finally:
        compiled.set()
    assert 1 in ask(engine, Request(2, [7] * 9, Sampling(1)), answers=2)


def test_an_empty_engine_steps_without_work(engine):
    assert engine.step() == []


def test_its_size_is_known(engine):
    assert engine.limits.max_num_seqs == 8
    assert engine.replicas[0].kv_cache_tokens >= 8192


@pytest.mark.parametrize("arguments", [{"dtype": "float99"}, {"no_such_argument": 1}])
def test_an_argument_vllm_does_not_take_is_one_clear_line(engine, tiny, arguments):
    from pipelines.engine.vllm_engine import VllmEngine

    with pytest.raises(EngineError, match=r"^vLLM did not start: [^\n]+$"):
        VllmEngine(tiny, arguments)


def test_who_is_submitted_last_with_the_best_rank_is_scheduled_next(engine):
    waiting = [Request(n, [600 + n] * 40, Sampling(4), priority=10) for n in range(24)]
    engine.submit(waiting)
    done = {finished.id: finished for finished in engine.step()}  # eight are running, sixteen wait
    late = Request(99, [700] * 40, Sampling(4), priority=-(2**50))
    engine.submit([late])
    for _ in range(500):
        done |= {finished.id: finished for finished in engine.step()}
        if len(done) == 25:
            break
    assert len(done) == 25
    scheduled = {id_: finished.timing.scheduled for id_, finished in done.items()}
    running = sorted(scheduled.values())[:8]
    assert scheduled[99] > max(running)
    assert scheduled[99] <= min(moment for id_, moment in scheduled.items() if id_ != 99 and moment not in running)


def test_what_it_has_forgotten_is_computed_again(engine):
    head = list(range(800, 896))
    ask(engine, Request(1, [*head, 1], Sampling(1, (5,))))
    engine.reset_prefix_cache()
    assert ask(engine, Request(2, [*head, 2], Sampling(1, (5,))))[2].timing.cached_tokens == 0


def test_what_it_is_set_up_for_is_known_without_starting_it(engine, tiny):
    arguments = {"kv_cache_memory_bytes": 1 << 28, "max_num_seqs": 8}
    with warnings.catch_warnings(action="ignore"):  # vLLM's own, as it loads
        assert limits(tiny, arguments, 8192) == engine.limits
        assert limits(tiny, {**arguments, "enable_prefix_caching": False}, 8192).block_size == 0
        with pytest.raises(EngineError, match="vLLM would not start: "):
            limits(tiny, {"max_num_batched_tokens": -3}, 8192)


@pytest.fixture
def generating(engine):
    """The session's engine, fed the plain way."""
    lent = GenerateEngine.__new__(GenerateEngine)
    lent._llm, lent._batch, lent.limits, lent.replicas = engine._llm, [], engine.limits, engine.replicas
    lent._watchdog = engine._watchdog
    return lent


def test_a_batch_is_answered_as_a_whole_and_as_one_by_one(engine, generating):
    requests = [Request(n, [900 + n] * 30, Sampling(1, (5, 6))) for n in range(20)]
    one_by_one = ask(engine, *requests)
    generating.submit(requests)
    batch = generating.step()
    assert [done.id for done in batch] == [request.id for request in requests]
    for done in batch:
        assert done.scores == pytest.approx(one_by_one[done.id].scores, abs=0.02)
    assert generating.step() == []


def test_one_prompt_it_will_not_take_does_not_cost_its_batch(generating, tiny):
    generating.submit([Request(1, [7] * 9, Sampling(1)), Request(2, [7] * (tiny.context + 1), Sampling(1))])
    good, bad = generating.step()
    assert isinstance(good, Completion)
    assert (bad.id, bad.reason) == (2, "engine-refused")


def test_vllm_reads_safetensors_and_tells_nobody_that_it_runs(engine):
    from vllm.usage.usage_lib import is_usage_stats_enabled

    assert engine._llm.llm_engine.vllm_config.load_config.load_format == "safetensors"
    assert not is_usage_stats_enabled()
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize(
    ("arguments", "address"),
    [({}, "127.0.0.1"), ({"distributed_executor_backend": "ray"}, None), ({"nnodes": 2}, None)],
)
def test_an_engine_talks_to_this_machine_unless_it_is_on_several(tiny, monkeypatch, arguments, address):
    for name in LOOPBACK:
        monkeypatch.setenv(name, "")  # so that it is taken back
        monkeypatch.delenv(name)
    prepare(tiny, arguments)
    assert os.environ.get("VLLM_HOST_IP") == address


def test_what_a_person_sets_wins(tiny, monkeypatch):
    monkeypatch.setenv("VLLM_HOST_IP", "10.0.0.1")
    prepare(tiny, {})
    assert os.environ["VLLM_HOST_IP"] == "10.0.0.1"


def test_weights_of_mistrals_own_kind_are_read_as_such(tiny, tmp_path):
    (tmp_path / "consolidated.safetensors").touch()
    assert prepare(replace(tiny, folder=tmp_path), {"dtype": "float32"})["load_format"] == "mistral"
