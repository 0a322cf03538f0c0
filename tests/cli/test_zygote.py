"""What the other tests take for granted of a program that is forked."""

import signal

import pytest


@pytest.mark.parametrize("command", [["--help"], ["tasks"], ["report", "nowhere"], ["run", "mood"], ["--no-such"]])
def test_it_says_and_ends_as_a_fresh_one(run, command):
    assert run(*command) == run(*command, fresh=True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_a_signal_that_it_does_not_listen_to_ends_it(program, number):
    process = program("run", "sentiment", "-i", "-", "--model", "tiny")
    assert process.poll() is None  # nothing has been written to its stdin, nor has that been closed
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == -number


def test_its_environment_is_its_own(run):
    assert "setting limit: " in run("run", "mood", REVIEWBATCH_LIMIT="many")[2]
    assert "setting format: " in run("run", "mood", REVIEWBATCH_FORMAT="xls")[2]
    assert "no task 'mood'" in run("run", "mood")[2]
