import pytest

from pipelines.dispatch.eta import LEAST_PATIENCE, TIMES, Eta
from pipelines.engine.interface import Completion, EngineStats, Timing
from scheduling.speed import DECODED, REQUEST, Work

LOAD = Work(100.0, 1.0, 20.0)


class Watched(Eta):
    """An ETA and, as in the loop, what is in flight beside it."""

    in_flight = 0.0

    def admit(self):
        self.in_flight += LOAD.size

    def land(self):
        self.in_flight -= LOAD.size
        self.finish(
            LOAD,
            Completion(
                0, "", {}, Timing(0, 0, 0, 0, prompt_tokens=150, cached_tokens=50, output_tokens=21, preemptions=0)
            ),
        )

    def at(self, seconds, requests=0):
        return self.progress(requests, self.in_flight, seconds)


def test_before_anything_is_done_there_is_no_eta():
    assert Watched(10, LOAD + LOAD, EngineStats()).at(3.0, 1).eta is None


def test_the_eta_is_what_is_left_at_the_pace_since_the_first_answer():
    eta = Watched(4, Work(400.0, 4.0, 80.0), EngineStats())
    for seconds, left in ((9.0, None), (10.0, 2.0), (11.0, 1.0), (12.0, 0.0)):
        eta.admit()
        eta.land()
        eta.settle(1, 0)
        assert eta.at(seconds, 0).eta == (left and pytest.approx(left))


def test_where_more_is_to_be_done_than_was_foreseen_nobody_knows_how_long():
    eta = Watched(3, LOAD + LOAD, EngineStats(), 20.0)
    for seconds, left in ((1.0, 10.0), (11.0, None)):
        eta.admit()
        eta.land()
        eta.settle(1, 0)
        assert eta.at(seconds, 0).eta == left
    eta.settle(1, 0)
    assert eta.at(12.0, 0).eta == 0.0


def test_before_there_is_a_pace_the_eta_is_the_predicted_one():
    eta = Watched(4, Work(400.0, 4.0, 80.0), EngineStats(), 20.0)
    assert eta.at(1.0, 1).eta == pytest.approx(20.0)
    eta.admit()
    eta.land()
    assert eta.at(9.0, 0).eta == pytest.approx(15.0)


def test_the_pace_is_that_of_late():
    eta = Watched(40, Work(4000.0, 40.0, 800.0), EngineStats())
    for second in range(1, 31):
        if second <= 20 or second % 5 == 0:  # one a second, then none that is as quick
            eta.admit()
            eta.land()
        progress = eta.at(float(second), 0)
    assert progress.share == pytest.approx(22 / 40)
    assert progress.eta == pytest.approx(18 * 5.0)


def test_what_is_under_way_counts_as_far_as_the_engine_has_come():
    eta = Watched(4, Work(400.0, 4.0, 80.0), EngineStats(1000, 500))
    eta.admit()
    eta.admit()
    assert eta.at(1.0, 2).share == 0.0
    eta.observe(EngineStats(1120, 510))
    progress = eta.at(2.0, 2)
    assert (progress.prefilled, progress.decoded) == (120, 10)
    assert progress.share == pytest.approx((120 + DECODED * 10) / (4 * LOAD.size))
    eta.land()
    assert eta.at(3.0, 1).share == pytest.approx((LOAD.size + 20) / (4 * LOAD.size))
    eta.observe(EngineStats(9000, 9000))  # more than it was thought to be is not more than all of it
    assert eta.at(4.0, 1).share == pytest.approx(2 / 4)
    eta.observe(EngineStats())  # an engine that was started again has counted nothing
    assert eta.at(5.0, 1).share == pytest.approx(1 / 4)


def test_what_is_under_way_is_no_longer_before_the_next():
    eta = Watched(4, Work(400.0, 4.0, 80.0), EngineStats())
    eta.admit()
    eta.land()
    eta.admit()
    assert eta.expected(LOAD, eta.in_flight, 1.0) == pytest.approx(2.0)
    eta.observe(EngineStats(200, 21))
    done = (LOAD.size + 100) / LOAD.size
    assert eta.expected(LOAD, eta.in_flight, 1.0) == pytest.approx((3 - done) / done)
    assert LOAD.size == 100 + REQUEST + DECODED * 20


def test_the_engine_may_be_silent_for_far_longer_than_its_work_takes_and_no_longer():
    eta = Watched(4, Work(400.0, 4.0, 80.0), EngineStats(), 20.0)
    assert eta.patience(eta.in_flight, 1.0, 600.0) == 600.0  # the first step may compile what it needs
    for seconds in (10.0, 11.0, 12.0):
        eta.admit()
        eta.land()
        eta.at(seconds, 0)
    assert eta.patience(eta.in_flight, 12.0, 600.0) == LEAST_PATIENCE  # nothing is in it
    for _ in range(10):
        eta.admit()
    assert eta.patience(eta.in_flight, 12.0, 600.0) == pytest.approx(TIMES * 10 * 1.0)
    assert eta.patience(eta.in_flight, 12.0, 150.0) == 150.0
