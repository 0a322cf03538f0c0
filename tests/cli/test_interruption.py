"""Signals and silence while the program is in somebody else's hands, where Python heeds neither."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Many rounds of a hash: like a kernel it lets other threads run, and hears nothing until it is done.
DEAF = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"


@pytest.fixture
def deaf():
    """Start a program that does something and is then deaf."""
    started = []

    def deaf(script):
        lines = f"import sys; sys.argv[1:] = ['run']; from cli import interruption\n{script}\nprint('deaf', flush=True)"
        process = subprocess.Popen(
            [sys.executable, "-c", f"{lines}\n{DEAF}"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "deaf\n"
        time.sleep(1)  # it is about to be
        return process

    yield deaf
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_some_seconds_after_a_signal_it_ends(deaf, number):
    process = deaf("interruption.GRACE = 2.0; interruption.install()")
    process.send_signal(number)
    process.send_signal(signal.SIGTERM)  # at once, as `timeout` sends it again to the group: it is the same one
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began > 1.5
    assert process.returncode in {128 + number, 143}
    assert err == "interrupted: every answer so far is kept, and the same command continues\n"


PARTING = """
import time
interruption.GRACE = 1.0
interruption.PARTING = 1.0
interruption.install()
from pipelines import events
def parting(status, line):
    print(status, line, flush=True)
    {}
interruption.heeding(lambda event: None, parting=parting)(events.EngineStarted(1.0))
"""


@pytest.mark.parametrize("then", ["return True", "raise OSError", "time.sleep(60)"])
def test_what_is_written_down_last_keeps_it_for_a_moment_at_most(deaf, then):
    process = deaf(PARTING.replace("{}", then))
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    line = "interrupted: every answer so far is kept, and the same command continues\n"
    assert (process.returncode, out, err) == (143, f"143 {line}", line)


# Hears of a signal and takes longer than the grace to write down what is to be written.
SLOW = "while not interruption.asked(): time.sleep(0.01)\ntime.sleep(1.5); print('written', flush=True); sys.exit(7)"


@pytest.mark.parametrize(("there", "status", "said"), [("True", 143, ""), ("False", 7, "written\n")])
def test_what_is_about_to_write_it_down_itself_has_as_long(deaf, there, status, said):
    parting = PARTING.replace("print(status, line, flush=True)\n    {}", f"return {there}").replace(
        "PARTING = 1", "PARTING = 9"
    )
    process = deaf(f"{parting}\nprint('deaf', flush=True)\n{SLOW}")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (status, said)


def test_a_signal_that_is_sent_twice_is_one_also_where_it_is_heard_of_late(deaf):
    late = "heard = interruption._heard\ninterruption._heard = lambda *of: time.sleep(0.7 * bool(interruption.asked())) or heard(*of)"
    script = f"import time\n{late}\n{PARTING.replace('{}', 'return True').replace('GRACE = 1', 'GRACE = 4')}"
    process = deaf(f"{script}\nprint('deaf', flush=True)\nwhile True: time.sleep(0.01)")
    began = time.monotonic()
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert process.wait(timeout=30) == 143
    assert time.monotonic() - began > 3.5


def test_at_a_second_signal_it_ends_at_once(deaf):
    process = deaf("interruption.GRACE = 60.0; interruption.install()")
    process.send_signal(signal.SIGTERM)
    time.sleep(1.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 143


EVENT = """
from pipelines import events
from pipelines.dispatch import loop
loop.GRACE = 0.2
interruption.install()
emit = interruption.heeding(lambda event: None, {})
emit(events.EngineStarted(1.0))
"""
STARTING = (
    f"from pipelines.engine import supervised\nsupervised.STARTING = 0.5\n{EVENT}emit(events.EngineStarting('m'))"
)


@pytest.mark.parametrize(
    ("bounds", "status"), [("stall_timeout=0.5", 1), ("deadline=__import__('time').time() + 0.5", 4)]
)
def test_an_engine_in_this_process_that_does_not_come_back_ends_the_program(deaf, bounds, status):
    process = deaf(EVENT.replace("{}", bounds))
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    kept = "every answer so far is kept, and the same command continues"
    assert err == f"error: vLLM has not ended its last step: {kept}\n"


@pytest.mark.parametrize(("bounds", "status"), [("", 1), ("deadline=__import__('time').time() - 0.2", 4)])
def test_one_that_does_not_start_ends_the_program_too(deaf, bounds, status):
    process = deaf(STARTING.replace("{}", bounds))
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert err.startswith("error: vLLM has not ended its start: every answer so far is kept")


def test_one_that_is_started_again_has_its_time_anew(deaf):
    again = "import time\nfor _ in range(20): time.sleep(0.1); emit(events.Warned('again'))"
    process = deaf(f"{STARTING.replace('{}', '')}\n{again}")
    assert process.wait(timeout=60) == 1


NO_THREADS = """
def start(thread):
    raise RuntimeError("can't start new thread")
interruption.threading.Thread.start = start
"""


def test_it_ends_where_no_thread_can_be_made_any_more(deaf):
    """For want of memory, say: then nothing can be written down, and it ends all the same."""
    process = deaf(f"{PARTING.replace('{}', 'return True')}\n{NO_THREADS}")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (143, "")
    assert err.startswith("interrupted: every answer")


def test_writing_the_results_may_take_as_long_as_it_takes(deaf):
    process = deaf(f"{EVENT.replace('{}', 'stall_timeout=0.2')}\nemit(events.WritingResults())")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=2.5)
