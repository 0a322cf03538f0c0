"""A fleet of engines in this process: what one of them suffers, the others do not."""

import itertools
import time
from contextlib import closing
from functools import partial
from threading import Event

import pytest
from slow_engine import SlowEngine, fail, start

from pipelines.engine import keeper, supervised
from pipelines.engine.fleet import Fleet
from pipelines.engine.interface import Completion, Failure, Request, Sampling
from pipelines.engine.supervised import SupervisedEngine
from pipelines.errors import EngineError, OutOfTimeError
from pipelines.events import EngineStarted, EngineStarting, Warned

GOOD, DEADLY = 0, 1


def asked(id_: int, replica: int = 0, kind: int = GOOD) -> Request:
    return Request(id_, [kind] * 10, Sampling(1), replica=replica)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(keeper, "PAUSE", 0.05)
    monkeypatch.setattr(supervised, "PAUSES", (0.01, 0.01))


@pytest.fixture
def fleet():
    """Make a fleet of what some functions start; return it and what it tells."""
    made = []

    def fleet(*starts, **settings):
        told = []
        made.append(Fleet([partial(one, context=100) for one in starts], "tiny", told.append, **settings))
        return made[-1], told

    yield fleet
    for one in made:
        one.close()


def until(fleet, true, seconds=20.0) -> list[Completion | Failure]:
    """Step until something is true of what has finished; return that."""
    done, end = [], time.monotonic() + seconds
    while not true(done):
        assert time.monotonic() < end
        done += fleet.step()
    return done


def warnings(told) -> list[str]:
    return [event.text for event in told if isinstance(event, Warned)]


def test_each_request_goes_to_its_replica_and_comes_back_once(fleet):
    it, told = fleet(start, start, start)
    until(it, lambda _: len(it.replicas) == 3)
    assert [replica.number for replica in it.replicas] == [0, 1, 2]
    assert it.limits == SlowEngine.limits
    it.submit([asked(n, n % 3) for n in range(100)])
    done = until(it, lambda done: len(done) == 100)
    assert sorted(one.id for one in done) == [*range(100)]
    assert it.stats.prefilled == 1000
    assert it.stats.decoded == 100
    assert [type(event) for event in told] == [EngineStarting, EngineStarted]
    assert it.restarts == 0


def test_it_is_up_with_the_first_and_the_others_join_later(fleet):
    late = Event()

    def waits(**given):
        late.wait()
        return start(**given)

    it, _ = fleet(waits, start)
    assert len(it.replicas) == 1
    it.submit([asked(n) for n in range(10)])
    assert len(until(it, lambda done: len(done) == 10)) == 10
    assert len(it.replicas) == 1
    late.set()
    until(it, lambda _: len(it.replicas) == 2)


def test_a_death_costs_the_others_nothing_and_poison_is_refused(fleet):
    it, told = fleet(start, start)
    until(it, lambda _: len(it.replicas) == 2)
    it.submit([asked(n, 1) for n in range(40)] + [asked(100, 0, DEADLY), *(asked(n, 0) for n in range(50, 60))])
    done = until(it, lambda done: len(done) == 51)
    assert [one.id for one in done if isinstance(one, Failure)] == [100]
    assert len({one.id for one in done}) == 51
    assert {replica.number: replica.restarts > 0 for replica in it.replicas} == {0: True, 1: False}
    assert it.restarts == it.replicas[0].restarts
    assert all(text.startswith("replica 0: it was deadly") for text in warnings(told))


def test_one_that_is_being_started_again_is_not_up(fleet):
    gate, begun = Event(), itertools.count()

    def again(**given):
        if next(begun):
            gate.wait()
        return start(**given)

    it, _ = fleet(again, start)
    until(it, lambda _: len(it.replicas) == 2)
    it.submit([asked(n, replica.number, DEADLY) for n, replica in enumerate(it.replicas)])
    done = until(it, lambda done: len(done) == 1 and not all(replica.up for replica in it.replicas))
    gate.set()
    done += until(it, lambda done: done)
    assert {type(one) for one in done} == {Failure}
    assert all(replica.up for replica in it.replicas)


def test_what_cannot_be_started_again_is_given_up_and_another_takes_its_place(fleet):
    begun = itertools.count()

    def breaks(**given):
        if 0 < next(begun) < 5:
            raise EngineError("the card fell off")
        return start(**given)

    it, told = fleet(start, breaks)
    until(it, lambda _: len(it.replicas) == 2)
    # Whichever of the two has the number, it is the one that breaks when both are asked.
    it.submit([asked(n, replica.number, DEADLY) for n, replica in enumerate(it.replicas)])
    until(it, lambda _: {replica.number for replica in it.replicas} > {2})
    assert any(text.startswith("a replica is given up, going on with 1: the card fell off") for text in warnings(told))
    it.submit([asked(9, 2)])
    assert 9 in [one.id for one in until(it, lambda done: any(one.id == 9 for one in done))]
    assert it.restarts > 1


def test_the_time_in_which_none_is_up_is_counted(fleet):
    begun = itertools.count()

    def slowly(**given):
        time.sleep(0.5)
        return start(**given)

    def again(**given):
        return (slowly if next(begun) else start)(**given)

    it, _ = fleet(again)
    until(it, lambda _: it.replicas)
    it.submit([asked(1, kind=DEADLY)])
    until(it, lambda done: done)
    assert 0.5 * it.restarts - 0.1 < it.restarting < 0.5 * it.restarts + 0.5
    both, _ = fleet(start, slowly)
    until(both, lambda _: len(both.replicas) == 2)
    both.submit([asked(1, kind=DEADLY)])
    until(both, lambda done: done)
    assert both.restarts == 2
    assert both.restarting == 0.0, "the other one went on"


def test_when_none_starts_it_says_why_once(fleet):
    with pytest.raises(EngineError, match="no card is left"):
        fleet(fail, fail, fail)


def test_when_some_do_not_start_the_others_do_the_work(fleet):
    it, told = fleet(fail, start, fail)
    until(it, lambda _: len(warnings(told)) == 1)
    assert "no card is left" in warnings(told)[0]
    assert it.restarts == 0, "what has never been there has not died"
    (left,) = it.replicas
    it.submit([asked(1, left.number)])
    assert len(until(it, lambda done: done)) == 1


def test_when_the_last_is_gone_it_waits_for_another_or_says_why(fleet):
    alive = itertools.count()

    def once(**given):
        if next(alive):
            raise EngineError("the card fell off")
        return start(**given)

    it, told = fleet(once, fail)
    it.submit([asked(1, it.replicas[0].number, DEADLY)])
    with pytest.raises(EngineError, match="the card fell off"):
        until(it, lambda _: False)
    assert any("none is there now" in text for text in warnings(told))


def test_a_deadline_that_has_passed_is_told_from_a_fault(fleet):
    with closing(SlowEngine()) as engine:
        it, _ = fleet(lambda **_: engine, fail, deadline=time.monotonic() + 0.5)
        time.sleep(0.6)
        it.submit([asked(1, it.replicas[0].number, DEADLY)])
        with pytest.raises(OutOfTimeError):
            until(it, lambda _: False)


def test_closing_closes_them_all_also_one_that_starts():
    engines, gate = [], Event()

    def made(**_):
        engines.append(SlowEngine())
        return engines[-1]

    def waits(**given):
        gate.wait()
        return made(**given)

    it = Fleet([partial(one, context=1) for one in (made, made, waits)], "tiny", lambda _: None)
    until(it, lambda _: len(it.replicas) == 2)
    it.close()
    assert [engine.closed for engine in engines] == [True, True]
    gate.set()
    it._keepers[2].join(5.0)
    assert [engine.closed for engine in engines] == [True, True, True]


def test_a_bug_in_a_replica_is_one_of_the_run(fleet):
    class Broken(SlowEngine):
        def step(self, patience):
            raise KeyError("nobody thought of it")

    it, _ = fleet(lambda **_: Broken(), lambda **_: Broken())
    it.submit([asked(1, it.replicas[0].number)])
    with pytest.raises(KeyError, match="nobody thought of it"):
        until(it, lambda _: False)


def test_a_single_one_needs_no_fleet():
    from pipelines.engine.fleet import supervised as made

    engine = made([partial(start, context=1)], "tiny", lambda _: None)
    assert isinstance(engine, SupervisedEngine)
    engine.close()


def test_patience_is_handed_to_every_replica(fleet):
    heard = []

    class Patient(SlowEngine):
        def step(self, patience):
            heard.append(patience)
            return super().step(patience)

    it, _ = fleet(lambda **_: Patient(), lambda **_: Patient())
    it.step(77.0)
    it.submit([asked(1, it.replicas[0].number)])
    while not it.step(77.0):
        pass
    assert heard == [77.0]
