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
    found = compare(config, ["fifo", "prefill"], 2, lambda **_: lent(), speed=None, emit=events.append)
    return json.loads(json.dumps(found)), events


def test_the_policies_take_turns_there_and_back(compared):
    _, events = compared
    assert [event.policy for event in events if isinstance(event, Passing)] == ["fifo", "prefill", "prefill", "fifo"]
    assert [event.number for event in events if isinstance(event, Passing)] == [1, 1, 2, 2]
    assert len([event for event in events if isinstance(event, EngineStarted)]) == 1


def test_every_figure_is_there_with_its_spread(compared):
    found, _ = compared
    assert found["requests"] == 153 + 48
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
        r"prefill against fifo: a job is complete after \d\S+ \(\S+ to \S+, (within|more than) the noise\) of the time on average, "
        r"all of them after \d\S+ \(\S+ to \S+, (within|more than) the noise\)",
        sentence,
    )


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
            emit=lambda _: None,
        )


def test_figures_that_overlap_are_within_the_noise():
    from pipelines.comparison import _ratios, _verdict

    first, apart, overlapping = ([{"makespan_s": a, "job_completion_mean_s": a} for a in pair] for pair in ([10.0, 12.0], [5.0, 6.0], [11.0, 13.0]))  # fmt: skip
    assert _ratios(first, apart)["makespan_s"] == {"median": 0.5, "low": 0.5, "high": 0.5, "more_than_noise": True}
    assert not _ratios(first, overlapping)["makespan_s"]["more_than_noise"]
    once = _ratios(first[:1], apart[:1])
    assert not once["makespan_s"]["more_than_noise"]
    assert _verdict("b", "a", once, 1).endswith("one pass each says nothing about noise")
