import time

import pytest

from pipelines.engine.interface import Completion, Failure, Request, Sampling
from pipelines.engine.supervised import SupervisedEngine
from pipelines.errors import EngineError, OutOfTimeError
from pipelines.events import Warned

DEADLY = 666


def request(number: int, token: int = 1) -> Request:
    return Request(number, [token], Sampling(1))


def drain(engine, steps: int = 60) -> dict[int, Completion | Failure]:
    found = {}
    for _ in range(steps):
        for done in engine.step():
            assert done.id not in found, "answered twice"
            found[done.id] = done
    return found


@pytest.fixture
def supervised(fake_engine):
    made, deaths = [], []

    def start(patience):
        made.append(fake_engine(latency=2, deadly=DEADLY))
        return made[-1]

    engine = SupervisedEngine(
        start, "fake", lambda event: deaths.append(event.text) if isinstance(event, Warned) else None
    )
    engine.made, engine.reported = made, deaths
    return engine


def test_a_request_that_kills_twice_is_poison_and_the_others_are_answered(supervised):
    supervised.submit([request(0), request(1, DEADLY), request(2)])
    supervised.step()
    supervised.submit([request(3)])
    found = drain(supervised)
    assert {number for number, done in found.items() if isinstance(done, Completion)} == {0, 2, 3}
    assert found[1].reason == "poison"
    assert len(supervised.reported) == 2
    assert all(engine.closed for engine in supervised.made[:-1])


def test_a_few_in_flight_at_a_death_go_one_at_a_time(supervised):
    supervised.submit([request(0), request(1, DEADLY), request(2), request(3)])
    drain(supervised)
    assert [engine.most_in_flight for engine in supervised.made[1:]] == [1, 1]


@pytest.mark.parametrize("poisoned", [0, 1000, 2047])
def test_poison_among_many_is_found_in_a_few_deaths_and_groups(supervised, poisoned):
    """Asked one at a time it would cost two deaths and 2,048 rounds, each as long as an answer takes."""
    supervised.submit([request(n, DEADLY if n == poisoned else 1) for n in range(2048)])
    found, rounds = {}, 0
    while len(found) < 2048:
        found |= {done.id: done for done in supervised.step()}
        rounds += 1
    assert [number for number, done in found.items() if isinstance(done, Failure)] == [poisoned]
    assert found[poisoned].reason == "poison"
    assert len(supervised.reported) == 4  # of all, of 128, of 8, of the one
    assert rounds <= 2 * (16 + 16 + 8)  # a round of the fake engine is two steps: 2 % of those of asking singly


def test_many_poison_rows_at_once_are_all_found(supervised):
    poison = {3, 4, 5, 700, 1500, 1501}
    supervised.submit([request(n, DEADLY if n in poison else 1) for n in range(2048)])
    found = {}
    while len(found) < 2048:
        found |= {done.id: done for done in supervised.step()}
    assert {number for number, done in found.items() if isinstance(done, Failure)} == poison


def test_what_is_handed_over_meanwhile_is_not_taken_for_a_suspect(supervised):
    supervised.submit([request(n, DEADLY if n == 7 else 1) for n in range(40)])
    supervised.step()
    supervised.submit([request(n) for n in range(40, 80)])
    found = drain(supervised, 200)
    assert len(found) == 80
    assert all(engine.most_in_flight <= 3 for engine in supervised.made[1:-1])
    assert supervised.made[-1].most_in_flight == 40


def test_past_the_deadline_a_dead_engine_is_not_started_again(fake_engine):
    starts = []

    def start(patience):
        starts.append(patience)
        return fake_engine(deadly=DEADLY)

    engine = SupervisedEngine(start, "fake", lambda _: None, time.monotonic() + 0.05)
    engine.submit([request(1, DEADLY)])
    time.sleep(0.06)
    with pytest.raises(OutOfTimeError):
        engine.step()
    assert len(starts) == 1
    assert 0 < starts[0] <= 0.05


def test_an_engine_that_is_not_up_at_the_deadline_is_given_up(monkeypatch):
    def start(patience):
        time.sleep(patience)
        raise EngineError(f"vLLM did not start: it took more than {patience} s")

    with pytest.raises(OutOfTimeError):
        SupervisedEngine(start, "fake", lambda _: None, time.monotonic() + 0.05)


def test_poison_rows_side_by_side_are_all_found(supervised):
    supervised.submit([request(0), *(request(n, DEADLY) for n in range(1, 6)), request(6)])
    found = drain(supervised)
    assert {number for number, done in found.items() if isinstance(done, Failure)} == {1, 2, 3, 4, 5}
    assert len(found) == 7


def test_an_engine_that_dies_again_and_again_is_given_up(supervised):
    supervised.submit([request(n, DEADLY) for n in range(20)])
    with pytest.raises(EngineError, match="died 10 times in a row"):
        drain(supervised)


def test_a_suspect_that_was_answered_is_none_when_it_is_asked_again(supervised):
    supervised.submit([request(0), request(1, DEADLY)])
    drain(supervised)
    supervised.submit([request(0), request(2)])
    assert len(drain(supervised)) == 2
    assert supervised.made[-1].most_in_flight == 2


def test_it_tries_to_start_again_while_the_memory_of_the_dead_one_is_not_free(fake_engine, monkeypatch):
    monkeypatch.setattr("pipelines.engine.supervised.PAUSES", (0.0, 0.0))
    starts = []

    def start(patience):
        starts.append(len(starts))
        if 1 <= len(starts) - 1 <= full:
            raise EngineError("Free memory on device is less than desired")
        return fake_engine(deadly=DEADLY)

    full = 2
    reported = []
    engine = SupervisedEngine(start, "fake", reported.append)
    engine.submit([request(0), request(1, DEADLY)])
    assert isinstance(drain(engine)[0], Completion)
    assert any("Free memory" in said.text for said in reported if isinstance(said, Warned))
    starts.clear()
    full = 9
    engine = SupervisedEngine(start, "fake", reported.append)
    engine.submit([request(1, DEADLY)])
    with pytest.raises(EngineError, match="Free memory"):
        drain(engine)
    assert len(starts) == 4


def test_it_knows_how_long_it_was_down(fake_engine):
    def start(patience):
        time.sleep(0.1)
        return fake_engine(deadly=DEADLY)

    engine = SupervisedEngine(start, "fake", lambda _: None)
    assert engine.restarting == 0.0
    engine.submit([request(0), request(1, DEADLY)])
    drain(engine, 10)
    assert 0.1 * engine.restarts <= engine.restarting < 0.1 * engine.restarts + 0.3


def test_nothing_changes_while_it_lives(supervised):
    supervised.submit([request(n) for n in range(5)])
    assert len(drain(supervised)) == 5
    assert len(supervised.made) == 1
    assert (supervised.limits.max_num_seqs, supervised.replicas[0].kv_cache_tokens) == (4, 100_000)
