import json
import re

import pytest

from pipelines.comparison import compare
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.errors import CorpusError
from pipelines.events import EngineStarted, Ordered, Passing
from pipelines.tasks import TASKS


@pytest.fixture(scope="module")
def compared(lent, tiny, tmp_path_factory):
    """The same work under two policies, twice each, on the real engine."""
    sizes = {"large": 120, "medium": 30, "small": 3}
    rows = [
        {"review_id": f"{name}{i}", "restaurant_id": name, "text": f"{name} visit {i} was fine"}
        for name, size in sizes.items()
        for i in range(size)
    ]
    path = tmp_path_factory.mktemp("compared") / "reviews.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    events = []
    config = Config(
        tasks=[TASKS["sentiment"]], sources=[Source(str(path))], limit=None, model=tiny, arguments={},
        sla={"sentiment": 60.0},
    )  # fmt: skip
    facts = {"device": "cpu", "vllm": "0.32.0"}
    found = compare(config, ["fifo", "prefill"], 2, lambda **_: lent(), speed=None, facts=facts, emit=events.append)
    return json.loads(json.dumps(found)), events


def test_the_policies_take_turns_there_and_back(compared):
    _, events = compared
    assert [event.policy for event in events if isinstance(event, Passing)] == ["fifo", "prefill", "prefill", "fifo"]
    assert [event.number for event in events if isinstance(event, Passing)] == [1, 1, 2, 2]
    assert len([event for event in events if isinstance(event, EngineStarted)]) == 1


def test_every_figure_is_there_with_its_spread(compared):
    found, _ = compared
    assert (found["jobs"], found["requests"]) == (3, 153 + 48)
    assert (found["device"], found["unit"], found["max_wait_s"]) == ("cpu", "restaurant", None)
    for figures in found["policies"].values():
        assert len(figures["passes"]) == 2
        for name in (
            "makespan_s",
            "job_completion_p90_s",
            "request_completion_p99_s",
            "ttft_mean_s",
            "goodput_per_min",
            "longest_wait_s",
        ):
            assert figures[name]["low"] <= figures[name]["median"] <= figures[name]["high"]
        assert figures["sla_attainment"]["median"] == 1.0


def test_a_sentence_says_what_changed_and_whether_it_is_noise(compared):
    found, _ = compared
    (sentence,) = found["verdict"]
    assert re.fullmatch(
        r"prefill against fifo: half of the restaurants were done after (below )?\S+ s in place of (below )?\S+ s "
        r"\(\S+x(, within the noise)?\), all of the work after (below )?\S+ s in place of (below )?\S+ s "
        r"\(\S+x(, within the noise)?\)",
        sentence,
    )


def test_each_pass_has_the_moments_at_which_its_jobs_were_done(compared):
    found, _ = compared
    for figures in found["policies"].values():
        assert len(figures["done_s"]) == 2
        for moments, of in zip(figures["done_s"], figures["passes"], strict=True):
            assert len(moments) == 3
            assert moments == sorted(moments)
            assert 0 < moments[0] < moments[-1] <= round(of["makespan_s"], 3)
            assert sum(moments) / 3 == pytest.approx(of["job_completion_mean_s"], abs=1e-3)
    # As a share of the pass, for one pass may be slower than another as a whole.
    first = {name: figures["done_s"][0][0] / figures["done_s"][0][-1] for name, figures in found["policies"].items()}
    assert first["prefill"] < first["fifo"], "the small one went first"


def test_each_policy_says_once_in_what_order_it_goes(compared):
    found, events = compared
    assert [event.policy for event in events if isinstance(event, Ordered)] == ["fifo", "prefill"]
    assert {name: figures["ordered_by"] for name, figures in found["policies"].items()} == {
        "fifo": "fifo",
        "prefill": "prefill",
    }


def test_a_corpus_of_rejects_alone_cannot_be_compared(write_jsonl, tiny):
    config = Config(
        tasks=[TASKS["sentiment"]], sources=[Source(str(write_jsonl([{"review_id": "a", "restaurant_id": "x", "text": ""}])))],
        limit=None, model=tiny, arguments={},
    )  # fmt: skip
    with pytest.raises(CorpusError, match="no row of the input can be used"):
        compare(
            config,
            ["fifo", "prefill"],
            1,
            lambda **_: pytest.fail("no engine is needed"),
            speed=None,
            facts={},
            emit=lambda _: None,
        )


def test_figures_that_overlap_are_within_the_noise():
    from pipelines.comparison import _ratios, _summary, _verdict

    first, apart, overlapping = ([{"makespan_s": a, "job_completion_p50_s": a} for a in pair] for pair in ([10.0, 12.0], [5.0, 6.0], [11.0, 13.0]))  # fmt: skip
    assert _ratios(first, apart)["makespan_s"] == {"median": 0.5, "low": 0.5, "high": 0.5, "more_than_noise": True}
    assert not _ratios(first, overlapping)["makespan_s"]["more_than_noise"]
    once = _ratios(first[:1], apart[:1])
    assert not once["makespan_s"]["more_than_noise"]
    policies = {name: _summary(of) for name, of in (("a", first[:1]), ("b", apart[:1]))}
    found = {"unit": "query", "repeat": 1, "policies": policies, "against_first": {"b": once}}
    assert _verdict(found, "b") == (
        "b against a: half of the queries were done after 5.0 s in place of 10 s (0.50x), "
        "all of the work after 5.0 s in place of 10 s (0.50x); one pass each says nothing about noise"
    )
    found["against_first"]["b"] = {}
    assert "half of the queries were done after no telling how long" in _verdict(found, "b")
