"""The guard and the watchdog, with real processes below this one: children, grandchildren, and stopped ones."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipelines import watchdog
from pipelines.guard import Guard, _Tree
from pipelines.watchdog import Watchdog

ROOT = Path(__file__).parents[2]
# A child with a child of its own; it tells the number of the latter.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def family():
    """Start a child with a child of its own, and leave nothing of them behind."""
    started, numbers = [], []

    def family() -> list[psutil.Process]:
        child = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE)
        started.append(child)
        numbers.extend([child.pid, int(child.stdout.readline())])
        return [psutil.Process(number) for number in numbers[-2:]]

    yield family
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    for child in started:
        child.communicate()


def alive(processes, seconds: float = 0.0) -> list[psutil.Process]:
    """Return those that are, at once or after waiting some time for all of them to be gone."""
    until = time.monotonic() + seconds
    while (found := [process for process in processes if _lives(process)]) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def _lives(process) -> bool:
    try:
        return process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def guard():
    guard = Guard()
    yield guard
    guard.dismiss()
    guard.dismiss()  # again does nothing


@pytest.mark.parametrize("stopped", [(), (0,), (1,), (0, 1)])
def test_the_guard_kills_all_that_is_below_when_it_is_told_to(guard, family, stopped):
    processes = family()
    for number in stopped:
        processes[number].suspend()
    time.sleep(0.6)  # it looks a few times a second
    guard.kill()
    assert not alive(processes, 10)
    others = family()
    time.sleep(0.6)
    guard.kill()  # it goes on watching
    assert not alive(others, 10)


def test_a_grandchild_whose_parent_has_died_is_found_all_the_same(guard, family):
    child, grandchild = family()
    time.sleep(0.6)
    child.kill()
    assert not alive([child], 10)
    grandchild.suspend()
    guard.kill()
    assert not alive([grandchild], 10)


# A program with a guard, a child that has stopped and a grandchild; it tells their numbers and waits.
PROGRAM = f"""
import os, signal, subprocess, sys, time
from pipelines.guard import Guard, _Tree
guard = Guard()
child = subprocess.Popen([sys.executable, "-c", {FAMILY!r}], stdout=subprocess.PIPE)
grandchild = int(child.stdout.readline())
tracker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600) # multiprocessing.resource_tracker"])
os.kill(grandchild, signal.SIGSTOP)
time.sleep(1)
print(child.pid, grandchild, tracker.pid, flush=True)
time.sleep(600)
"""


def test_what_is_below_a_program_dies_with_it_but_for_who_frees_its_shared_memory():
    program = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    *processes, tracker = (psutil.Process(int(pid)) for pid in program.stdout.readline().split())
    program.kill()
    program.wait()
    program.stdout.close()
    try:
        assert not alive(processes, 30)
        assert alive([tracker])
    finally:
        for process in (tracker, *alive(processes)):
            process.kill()


def test_the_watchdog_bites_when_it_takes_too_long(family):
    dog = Watchdog(apart=True)
    processes = family()
    try:
        with dog.within(60):
            time.sleep(0.6)
        assert alive(processes) == processes
        assert not dog.bitten
        with dog.within(0.1):
            assert not alive(processes, 30)
        assert dog.bitten
    finally:
        dog.dismiss()


def test_what_is_left_when_it_is_dismissed_is_killed(family):
    dog = Watchdog(apart=True)
    processes = family()
    time.sleep(0.6)
    dog.dismiss()
    dog.dismiss()
    assert not alive(processes, 10)


def test_in_one_process_there_is_nothing_to_kill(monkeypatch, family):
    monkeypatch.setattr(watchdog, "LOOK", 0.01)
    dog = Watchdog(apart=False)
    processes = family()
    with dog.within(0.0):
        time.sleep(0.1)
    dog.dismiss()
    assert not dog.bitten
    assert alive(processes) == processes


def test_a_process_number_that_another_has_now_is_left_alone(family):
    """Numbers are used again: known is who began when."""
    tree = _Tree(os.getpid())
    (child, grandchild) = processes = family()
    while tree.grow():
        pass
    tree._began[child.pid] = b"0"  # it began at another moment
    tree._send(signal.SIGKILL)
    assert not alive([grandchild], 10)
    assert alive(processes) == [child]
