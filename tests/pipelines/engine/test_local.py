"""Replicas in processes of their own: killed, stopped, broken, and left alone by who drives them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest
from slow_engine import SlowEngine, fail, start

from pipelines.engine.fleet import Fleet
from pipelines.engine.interface import Completion, Request, Sampling
from pipelines.engine.local import Local
from pipelines.engine.replica import RemoteEngine
from pipelines.errors import EngineDied, EngineError

KILLS_ITSELF, STOPS, COMES_TO_NOTHING = 2, 3, 4


def asked(id_: int, kind: int = 0) -> Request:
    return Request(id_, [kind] * 10, Sampling(1, (5,)))


@pytest.fixture
def local():
    """Make replicas of what a function starts."""
    made = []

    def local(one=start, count=1, **environment):
        made.append(Local(one, [environment] * count))
        return made[-1]

    yield local
    for one in made:
        one.close()


def up(local, patience=60.0) -> RemoteEngine:
    return local.starts[0](context=100, patience=patience)


def answers(engine, count, patience=60.0) -> list[Completion]:
    done = []
    while len(done) < count:
        done += engine.step(patience)
    return done


def environment(name, *, context, patience):
    """Fail, and tell what a variable is."""
    raise EngineError(f"{name} is {os.environ.get(name)}")


def late(*, context, patience):
    """Take longer than anybody waits."""
    time.sleep(600)


def test_it_is_another_process_that_answers(local):
    engine = up(local())
    engine.submit([asked(n) for n in range(20)])
    done = answers(engine, 20)
    assert [one.id for one in done] == [*range(20)]
    assert done[0].scores == {5: -1.0}
    assert {int(one.text) for one in done} != {os.getpid()}
    assert (engine.limits, engine.replicas) == (SlowEngine.limits, [*SlowEngine.replicas])
    assert (engine.stats.prefilled, engine.stats.decoded) == (200, 20)
    engine.close()
    engine.close()
    assert not psutil.pid_exists(int(done[0].text))


def test_its_times_are_of_one_clock(local):
    engine, before = up(local()), time.monotonic()
    engine.submit([asked(1)])
    (done,) = answers(engine, 1)
    assert before < done.timing.scheduled <= done.timing.last_token < time.monotonic()


def test_the_clock_of_another_machine_is_told_from_ours(local, monkeypatch):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 100.0)  # as if ours were ahead of its
    engine = up(local())
    engine.submit([asked(1)])
    (done,) = answers(engine, 1)
    assert done.timing.last_token == pytest.approx(time.monotonic() - 100.0, abs=5.0)


def test_each_has_an_environment_of_its_own(local):
    with pytest.raises(EngineError, match="CUDA_VISIBLE_DEVICES is 3"):
        up(local(partial(environment, "CUDA_VISIBLE_DEVICES"), CUDA_VISIBLE_DEVICES="3"))


def test_what_does_not_start_says_why(local):
    with pytest.raises(EngineError, match="^no card is left$"):
        up(local(fail))
    with pytest.raises(EngineError, match=r"^a replica was not up within 0 s$"):
        up(local(late), patience=0.05)


def test_one_that_is_killed_is_dead_and_by_what_is_said(local):
    engine = up(local())
    engine.submit([asked(1, KILLS_ITSELF)])
    with pytest.raises(EngineDied, match="a replica's process died: killed by SIGKILL"):
        answers(engine, 1)
    with pytest.raises(EngineDied):
        engine.submit([asked(2)])


@pytest.mark.parametrize("kind", [STOPS, COMES_TO_NOTHING])
def test_one_that_is_silent_for_too_long_is_dead(local, kind):
    engine = up(local())
    engine.submit([asked(0)])
    process = psutil.Process(int(answers(engine, 1)[0].text))
    engine.submit([asked(1, kind)])
    with pytest.raises(EngineDied, match="nothing to tell"):
        answers(engine, 1, patience=1.0)
    assert not process.is_running(), "it is not waited for until it ends"


def test_one_that_works_on_a_long_request_is_not_silent(local):
    engine = up(local(partial(start, 20.0)))  # two seconds for four requests
    engine.submit([asked(n) for n in range(8)])
    assert len(answers(engine, 8, patience=3.5)) == 8


def test_a_fleet_of_them_survives_every_death(local):
    of = local(count=2)
    with closing(Fleet([partial(one, context=100) for one in of.starts], "tiny", lambda _: None)) as fleet:
        while len(fleet.replicas) < 2:
            fleet.step()
        sent = [Request(n, [0] * 10, Sampling(1), replica=n % 2) for n in range(400)]
        fleet.submit(sent[:200])
        done = fleet.step()
        while not done:
            done = fleet.step()
        os.kill(int(done[0].text), signal.SIGKILL)
        fleet.submit(sent[200:])
        while len(done) < 400:
            done += fleet.step(30.0)
        assert sorted(one.id for one in done) == [*range(400)]
        assert fleet.restarts == 1


DRIVER = """
import time
from slow_engine import start
from pipelines.engine.interface import Request, Sampling
from pipelines.engine.local import Local
if __name__ == "__main__":
    engine = Local(start, [{}]).starts[0](context=1, patience=60.0)
    engine.submit([Request(1, [0] * 10, Sampling(1))])
    done = []
    while not done:
        done = engine.step()
    engine.submit([Request(2, [KIND] * 10, Sampling(1))])
    print(done[0].text, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", [0, STOPS])
def test_none_outlives_who_drives_it(kind, tmp_path):
    file = tmp_path / "driver.py"
    file.write_text(DRIVER.replace("KIND", str(kind)))
    here = Path(__file__).parents[3]
    path = os.pathsep.join(map(str, (here, here / "tests" / "stand_ins")))
    driver = subprocess.Popen([sys.executable, file], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path})
    replica = psutil.Process(int(driver.stdout.readline()))
    time.sleep(0.5)
    driver.kill()
    driver.communicate()
    replica.wait(10)
