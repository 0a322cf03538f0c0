"""The loop around an engine whose answers are made up."""

import math
from contextlib import closing
from dataclasses import replace

import pytest

from pipelines.clock import Clock
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.dispatch import backlog
from pipelines.dispatch.backlog import Costing
from pipelines.dispatch.loop import Loop
from pipelines.events import Progress
from pipelines.ledger.ledger import Ledger
from pipelines.prompts.prompts import Prompts
from pipelines.questions.ingest import ingestion
from pipelines.questions.stages import Stages
from pipelines.tasks import TASKS


@pytest.fixture
def work(tmp_path, tiny, write_jsonl, reviews):
    """Do the work of some tasks with an engine; return what the loop says of it and its progress."""

    def work(engine, *names, **settings):
        path = write_jsonl(reviews(12))
        config = Config(tasks=[TASKS[name] for name in names], sources=[Source(str(path))], model=tiny, **settings)
        seen = []
        with closing(Ledger(tmp_path / "out")) as ledger:
            prompts = Prompts(config.model, config.arguments, config.templates)
            stages = Stages(ledger, prompts, config)
            rows = ingestion(ledger, prompts, stages, config, emit=lambda _: None)
            rows.begin({})
            rows.fill(lambda _: None)
            costing = Costing(prompts=prompts, config=config, block_size=32, speed=None, clock=Clock())
            todo, answers = backlog.make(ledger, costing), ledger.counts().answers
            stats = Loop(ledger, stages, todo, engine, answers=answers).run(seen.append)
            return stats, [event for event in seen if isinstance(event, Progress)], ledger.counts()

    return work


def test_all_is_done_and_counted_once(work, fake_engine):
    stats, progress, counts = work(fake_engine(), "sentiment", "summary", "strengths")
    assert (counts.requests, counts.answered) == (0, 12)
    assert progress[-1].answers == progress[-1].all_answers == 48
    assert progress[-1].share == pytest.approx(1.0)
    assert (progress[-1].in_flight, progress[-1].eta) == (0, pytest.approx(0.0))
    assert [now.seconds for now in progress] == sorted(now.seconds for now in progress)
    assert progress[-1].seconds <= stats.makespan_s < math.inf


def test_what_the_next_step_works_at_is_in_flight(work, fake_engine):
    _, progress, _ = work(fake_engine(), "sentiment")
    assert progress[0].answers == 1, "the first request goes alone"
    assert progress[0].in_flight > 1


def test_what_is_asked_a_second_time_is_more_work_than_was_planned(work, fake_engine):
    class Stuttering(fake_engine):
        stuttered = False

        def step(self, patience=math.inf):
            done = super().step(patience)
            if done and not self.stuttered:
                self.stuttered = True
                done[0] = replace(done[0], text='{"summary')
            return done

    _, once, _ = work(fake_engine(), "summary")
    _, again, counts = work(Stuttering(), "summary", again=True)
    assert counts.requests == 0
    # The first request, alone in the engine, is done, and counts for less of all there now is to do.
    assert again[0].share < once[0].share
    assert again[-1].share == pytest.approx(1.0)
