"""Replicas as actors of a real Ray cluster on this machine, killed in all its parts."""

import itertools
import os
import signal
import time
from contextlib import closing
from functools import partial

import psutil
import pytest
import slow_engine

from pipelines.engine import cluster as clusters
from pipelines.engine import keeper, supervised
from pipelines.engine.cluster import LOCAL, Cluster
from pipelines.engine.fleet import Fleet
from pipelines.engine.interface import Request, Sampling
from pipelines.errors import EngineError
from pipelines.events import Warned

ray = pytest.importorskip("ray")


@pytest.fixture
def cluster():
    ray.cloudpickle.register_pickle_by_value(slow_engine)  # the actors cannot import it
    with closing(Cluster(slow_engine.start, 2, LOCAL, cards=0)) as cluster:
        yield cluster


@pytest.fixture
def fleet(cluster, monkeypatch):
    monkeypatch.setattr(keeper, "PAUSE", 0.05)
    monkeypatch.setattr(supervised, "PAUSES", (0.05, 0.05))
    monkeypatch.setattr(clusters, "REACH", 1.0)
    told = []
    with closing(Fleet([partial(start, context=1) for start in cluster.starts], "tiny", told.append)) as fleet:
        while len(fleet.replicas) < 2:
            fleet.step()
        fleet.told = told
        yield fleet


def asked(id_: int, replica: int) -> Request:
    return Request(id_, [0] * 10, Sampling(1), replica=replica)


def below(name: str) -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if name in " ".join(one.cmdline() or [one.name()])]


def test_actors_answer_and_one_that_is_killed_costs_a_second_try(fleet):
    sent = [asked(n, n % 2) for n in range(400)]
    fleet.submit(sent[:200])
    done = []
    while not done:
        done = fleet.step()
    os.kill(int(done[0].text), signal.SIGKILL)
    fleet.submit(sent[200:])
    while len(done) < 400:
        done += fleet.step(60.0)
    assert sorted(one.id for one in done) == [*range(400)]
    assert fleet.restarts == 1
    assert {one.timing.last_token <= time.monotonic() for one in done} == {True}
    (warned,) = [event.text for event in fleet.told if isinstance(event, Warned)]
    assert "starting it again" in warned
    assert "\n" not in warned


def test_when_the_cluster_dies_it_is_said_in_one_line(fleet):
    fleet.submit([asked(1, 0), asked(2, 1)])
    for raylet in below("raylet/raylet"):
        raylet.kill()

    def go_on() -> None:
        for id_ in itertools.count(3):
            fleet.submit([asked(id_, replica.number) for replica in fleet.replicas[:1] if replica.up])
            fleet.step(5.0)

    with pytest.raises(EngineError) as error:
        go_on()
    assert "\n" not in str(error.value)


def test_nothing_is_left_of_it():
    with closing(Cluster(slow_engine.start, 1, LOCAL, cards=0)) as cluster:
        engine = cluster.starts[0](context=1, patience=60.0)
        engine.submit([asked(1, 0)])
        done = []
        while not done:
            done = engine.step()
        assert psutil.pid_exists(int(done[0].text))
    psutil.wait_procs(below("ray"), timeout=10)
    assert not psutil.pid_exists(int(done[0].text))


def test_a_cluster_that_is_not_there_is_a_line():
    with pytest.raises(EngineError, match=r"^no Ray cluster at 127\.0\.0\.1:1: .*refused"):
        Cluster(slow_engine.start, 2, "127.0.0.1:1", cards=0)
