"""The guard and the watchdog, with real processes below a program: children, grandchildren, and stopped ones."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]
# A child with a child of its own; it tells the number of the latter.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
# A program of its own, for what is tested kills all that is below it: it does what each line says, and says so.
PROGRAM = f"""
import os, subprocess, sys, time
from pipelines.engine import guard
from pipelines.engine import watchdog

def family():
    child = subprocess.Popen([sys.executable, "-c", {FAMILY!r}], stdout=subprocess.PIPE)
    children.append(child)
    print(child.pid, int(child.stdout.readline()))

def tracker():
    sleeping = "import time; time.sleep(600) # multiprocessing.resource_tracker"
    print(subprocess.Popen([sys.executable, "-c", sleeping], stdout=subprocess.DEVNULL).pid)

children = []
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


@pytest.fixture
def program():
    """Start the program; return what has it do a line, and returns the processes whose numbers that prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    seen = []

    def do(line: str) -> list[psutil.Process]:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        numbers = []
        while (said := process.stdout.readline()) != "done\n":
            assert said, "the program has ended"
            numbers += map(int, said.split())
        seen.extend(numbers)
        return [psutil.Process(number) for number in numbers]

    do.process = process
    yield do
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    for number in seen:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


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


@pytest.mark.parametrize("stopped", [(), (0,), (1,), (0, 1)])
def test_the_guard_kills_all_that_is_below_when_it_is_told_to(program, stopped):
    program("it = guard.Guard()")
    processes = program("family()")
    for number in stopped:
        processes[number].suspend()
    program("time.sleep(0.6); it.kill()")  # it looks a few times a second
    assert not alive(processes, 10)
    others = program("family()")
    program("time.sleep(0.6); it.kill()")  # it goes on watching
    assert not alive(others, 10)
    program("it.dismiss(); it.dismiss(); it.kill()")  # again does nothing


def test_a_grandchild_whose_parent_has_died_is_found_all_the_same(program):
    program("it = guard.Guard()")
    child, grandchild = program("family()")
    program("time.sleep(0.6); children[0].kill(); children[0].wait()")
    assert alive([child, grandchild]) == [grandchild]
    grandchild.suspend()
    program("it.kill()")
    assert not alive([grandchild], 10)


def test_what_is_below_a_program_dies_with_it_but_for_who_frees_its_shared_memory(program):
    program("it = guard.Guard()")
    processes, (tracker,) = program("family()"), program("tracker()")
    processes[1].suspend()
    program("time.sleep(0.6)")
    program.process.kill()
    assert not alive(processes, 30)
    assert alive([tracker])


def test_the_watchdog_bites_when_it_takes_too_long(program):
    program("dog = watchdog.Watchdog(apart=True)")
    processes = program("family()")
    program("with dog.within(60): time.sleep(0.6)")
    program("assert not dog.bitten")
    assert alive(processes) == processes
    program("with dog.within(0.1): children[0].wait(30)")
    program("assert dog.bitten")
    assert not alive(processes, 10)


def test_what_is_left_when_it_is_dismissed_is_killed(program):
    program("dog = watchdog.Watchdog(apart=True)")
    processes = program("family()")
    program("time.sleep(0.6); dog.dismiss(); dog.dismiss()")
    assert not alive(processes, 10)


def test_in_one_process_there_is_nothing_to_kill(program):
    program("watchdog.LOOK = 0.01; dog = watchdog.Watchdog(apart=False)")
    processes = program("family()")
    program("with dog.within(0.0): time.sleep(0.2)")
    program("assert not dog.bitten; dog.dismiss()")
    assert alive(processes) == processes


def test_a_process_number_that_another_has_now_is_left_alone(program):
    """Numbers are used again: known is who began when."""
    child, grandchild = program("family()")
    program("tree = guard._Tree(os.getpid()); tree.grow(); tree.grow()")
    program("tree._began[children[0].pid] = b'0'; tree._send(9)")
    assert not alive([grandchild], 10)
    assert alive([child])
