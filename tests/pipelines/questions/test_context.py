"""The context that the engine is set up for, with answers made up and on a real vLLM."""

from contextlib import closing
from dataclasses import replace

import pytest

from pipelines import run
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.prompts.prompts import Prompts
from pipelines.questions import context
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages
from pipelines.tasks import TASKS


@pytest.fixture
def config(tiny, write_jsonl):
    def config(words, *names, **settings):
        rows = [
            {"review_id": f"r{n}", "restaurant_id": f"x{n % 2}", "text": f"{n} " + "fine soup " * (words // 2)}
            for n in range(6)
        ]
        tasks = [TASKS[name] for name in names]
        model = replace(tiny, context=32_768)
        return Config(tasks=tasks, sources=[Source(str(write_jsonl(rows)))], model=model, **settings)

    return config


def needed(config, folder):
    with closing(Ledger(folder)) as ledger:
        prompts = Prompts(config.model, config.arguments, config.templates)
        rows = ingestion(ledger, prompts, Stages(ledger, prompts, config), config, emit=lambda _: None)
        rows.begin({})
        rows.fill(lambda _: None)
        longest = max(ledger.counts().longest.values())
        return longest, context.needed(ledger.counts(), prompts, config)


def test_it_is_what_the_longest_prompt_needs_rounded_up(config, tmp_path):
    longest, short = needed(config(2, "sentiment"), tmp_path / "short")
    assert longest < short < longest + 2 * context.STEP
    assert short % context.STEP == 0
    longest, long = needed(config(900, "sentiment"), tmp_path / "long")
    assert short < longest < long < longest + 2 * context.STEP


def test_where_nothing_waits_it_is_what_an_engine_could_be_set_up_for(config, tmp_path, fake_engine):
    done = config(2, "sentiment")
    with closing(Ledger(tmp_path)) as ledger:
        kept = Measurements(tmp_path / "m.jsonl")
        run.run(ledger, done, [lambda **_: fake_engine()], kept, facts={}, emit=lambda _: None)
        assert ledger.counts().requests == 0
        prompts = Prompts(done.model, done.arguments, done.templates)
        assert context.needed(ledger.counts(), prompts, done) == context.STEP


def test_a_persons_own_setting_wins(config, tmp_path):
    assert needed(config(2, "sentiment", arguments={"max_model_len": 2000}), tmp_path)[1] == 2000


def test_it_is_never_more_than_the_models(config, tmp_path, tiny):
    longest, found = needed(replace(config(400, "strengths"), model=replace(tiny, context=5120)), tmp_path)
    assert longest <= found == 5120


def test_stages_that_follow_fit_as_they_would_in_the_models_own_context(config, tmp_path, fake_engine):
    """Reviews in several chunks, whose answers are merged, and strengths that follow from a comparison."""
    asked = config(1500, "summary", "strengths")
    given = []

    def start(*, context, patience):
        given.append(context)
        return engine

    reports = []
    for arguments in ({}, {"max_model_len": 32_768}):
        engine = fake_engine()
        with closing(Ledger(tmp_path / str(len(given)))) as ledger:
            kept = Measurements(tmp_path / "m.jsonl")
            reports.append(
                run.run(ledger, replace(asked, arguments=arguments), [start], kept, facts={}, emit=lambda _: None)
            )
        assert max(len(request.prompt) + request.sampling.max_tokens for request in engine.submitted) <= given[-1]
    assert given[0] < given[1] == 32_768
    narrow, whole = reports
    assert narrow["rows"] == whole["rows"]
    assert narrow["rows"]["rejected"] == 0
    assert narrow["run"]["context"] == given[0]
