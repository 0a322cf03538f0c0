"""A machine that loses power: the ledger as it may be found then, which is less than what a killed program leaves."""

import filecmp
import shutil
import subprocess
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import psutil
import pytest

SEED = 4
BLOCK = 4096  # bytes that a disk writes at once, in whatever order it likes
DISK = 64 << 20  # bytes
HEADER, FRAME = 32, 24  # bytes at the beginning of the write-ahead log, and before each page in it


def near_the_end(size: int, chance: Random) -> int:
    """Return a place in so many bytes: what is written last is lost first."""
    return int(size * (1 - chance.random() ** 3))


def cut(wal: bytes, chance: Random) -> bytes:
    return wal[: near_the_end(len(wal), chance)]


def cut_between_pages(wal: bytes, chance: Random) -> bytes:
    step = FRAME + int.from_bytes(wal[8:12])
    return wal[: HEADER + step * near_the_end((len(wal) - HEADER) // step, chance)]


def zeros(wal: bytes, chance: Random) -> bytes:
    start = near_the_end(len(wal), chance)
    return wal[:start] + bytes(len(wal) - start)


def out_of_order(wal: bytes, chance: Random) -> bytes:
    """Have the last blocks written in any order, of which the power lets half through."""
    first, found = near_the_end(len(wal), chance) // BLOCK, bytearray(wal)
    for start in range(first * BLOCK, len(wal), BLOCK):
        if chance.random() < 0.5:
            found[start : start + BLOCK] = bytes(len(found[start : start + BLOCK]))
    return bytes(found)


def nothing(wal: bytes, chance: Random) -> bytes:
    return b""


DAMAGES = (cut, cut_between_pages, zeros, out_of_order, nothing)


KILLER = """
import os, signal
from pipelines.ledger.requests import Requests

def begin():
    settle, left = Requests.settle, int(os.environ.get("ANSWERS_TO_LIVE", 1 << 30))

    def counting(self, answers, failures):
        nonlocal left
        settle(self, answers, failures)
        left -= len(answers)
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    Requests.settle = counting
"""


@pytest.fixture
def ended(run, work, plug, distinct, write_jsonl):
    """Have a run end in the folder `whole`, and in `first` after some rows; return its command."""
    plug("killer", KILLER)
    command = [*work["labels"][:2], *work["labels"][4:-1], str(write_jsonl(distinct(200)))]
    for arguments in (("-o", "whole"), ("-o", "first", "--limit", 40)):
        status, _, err = run(*command, *arguments)
        assert (status, err) == (0, "")
    return command


@pytest.fixture
def killed(program, ended, look):
    """Kill that run in the folder `out` in its middle, where the first has ended; return its command, and what that has answered."""
    command = ended
    shutil.copytree("first", "out")
    first, process = look().answers(), program(*command, "-o", "out", ANSWERS_TO_LIVE="90")
    process.communicate()
    assert process.returncode == -9
    return command, first


def test_what_was_committed_last_is_lost_at_most_and_asked_again(killed, run, look, often):
    """Of the log all may be missing that was not written through yet, from its end or in its middle."""
    (command, first), chance, lost, again = killed, Random(SEED), [], 0
    before, wal = look("out").answers(), Path("out/run.sqlite-wal").read_bytes()
    all_questions = len(look("whole").answers())
    order = sorted(when for _, *when in before.values())
    for n in range(often(10, 500)):
        damage = DAMAGES[n % len(DAMAGES)]
        shutil.copytree("out", "cut")
        Path("cut/run.sqlite-shm").unlink()  # which is in memory alone
        Path("cut/run.sqlite-wal").write_bytes(damage(wal, chance))
        kept = look("cut").answers()  # it is found sound, too
        assert first.items() <= kept.items() <= before.items(), (SEED, n, damage)
        assert sorted(when for _, *when in kept.values()) == order[: len(kept)], "what is lost was the last"
        lost.append(len(before) - len(kept))
        if n % 5 == n // 5 % 5:  # each damage in its turn
            again += 1
            go_on(run, command, kept, all_questions)
            look("cut").check_same(look("whole"))
        shutil.rmtree("cut")
    made = f"{len(first)} and {len(before) - len(first)} answers, {len(wal):,} bytes of log"
    print(f"{made}; lost {Counter(lost)}, gone on {again} times")  # noqa: T201  pytest -rP shows it


def go_on(run, command: list[str], kept: dict, all_questions: int, output: str = "cut") -> None:
    """Run the command again, and assert that it asks what was lost, and nothing else."""
    Path("sent").write_bytes(b"")
    status, _, err = run(*command, "-o", output)
    assert (status, err) == (0, "")
    sent = Counter(Path("sent").read_text().split())
    assert len(sent) == sent.total() == all_questions - len(kept)


def test_a_checkpoint_that_was_under_way_loses_nothing(killed, run, look, often):
    """The log is written through before its pages go into the file, where some are not there yet, or by half."""
    chance, before = Random(SEED), look("out").answers()
    wal, file = (Path(f"out/run.sqlite{end}").read_bytes() for end in ("-wal", ""))
    size = int.from_bytes(wal[8:12])
    frames = range(HEADER, len(wal), FRAME + size)
    assert len(frames) > 10
    for _ in range(often(5, 100)):
        found = bytearray(file)
        for frame in frames:
            start, there = (int.from_bytes(wal[frame : frame + 4]) - 1) * size, chance.choice((0, size // 2, size))
            found += bytes(max(0, start + there - len(found)) if there else 0)
            found[start : start + there] = wal[frame + FRAME : frame + FRAME + there]
        shutil.copytree("out", "cut")
        Path("cut/run.sqlite-shm").unlink()
        Path("cut/run.sqlite").write_bytes(found)
        assert look("cut").answers() == before
        status, _, err = run("report", "cut")
        assert status == 0, err
        shutil.rmtree("cut")


def test_what_a_disk_holds_at_any_moment_is_sound_and_the_next_run_goes_on(power, run, look, often):
    """On a disk of its own, of which a copy has what was written through, and what the system had written by itself."""
    chance, tally, all_questions = Random(SEED), Counter(), len(look("whole").answers())
    for n in range(often(2, 60)):
        begun = bool(n % 2)  # by a run that has ended
        with power(chance, begun=begun) as (command, status, before):
            assert len(before) >= len(look("first").answers()) * begun
            kept = look("found/out").answers()
            look("found/out").check_files()
            story = (SEED, n, dict(tally), status)
            assert look("first").answers().keys() <= kept.keys() or not begun, story
            assert kept.items() <= before.items(), story
            assert (
                sorted(when for _, *when in kept.values()) == sorted(when for _, *when in before.values())[: len(kept)]
            )
            if status == 0:
                assert kept == before, story
                look("found/out").check_same(look("whole"))
            go_on(run, command, kept, all_questions, "found/out")
            look("found/out").check_same(look("whole"))
        tally.update(cuts=1, ended=status == 0, kept=len(kept), lost=len(before) - len(kept))
    print(dict(tally))  # noqa: T201  pytest -rP shows it


@pytest.fixture
def power(program, ended, look, mounted):
    """Cut the power at a random moment of that run in `disk/out`; `found` is the disk afterwards.

    Yield the command, its exit status if it had ended, and what it had answered.
    """
    if not shutil.which("mkfs.ext4"):
        pytest.skip("there is no mkfs.ext4 here")
    command, duration = ended, look("whole").report["run"]["wall_s"]

    @contextmanager
    def power(chance: Random, *, begun: bool):
        with mounted("disk", "-o", "loop", made("image")):
            if begun:
                shutil.copytree("first", "disk/out")
                write_through("disk")
            process, through = program(*command, "-o", "disk/out"), chance.random() < 0.5
            wait(process, chance.uniform(0, duration))
            if through:
                write_through("disk")
                wait(process, chance.uniform(0, 1))
            status = process.poll()
            halt(process.pid)
            before = look("disk/out").answers()
            while not (Path("cut").exists() and filecmp.cmp("image", "cut", shallow=False)):
                shutil.copyfile("image", "cut")  # again, if the system has written something meanwhile
            process.kill()
            process.communicate()
        with mounted("found", "-o", "loop", "cut"):
            yield command, status, before
        Path("cut").unlink()

    return power


def made(image: str) -> str:
    """Make an empty file system in a file."""
    with Path(image).open("wb") as file:
        file.truncate(DISK)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    return image


def write_through(place: str) -> None:
    subprocess.run(["sync", "--file-system", place], check=True)


def wait(process, seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def halt(program: int) -> None:
    """Stop a program, and all that is below it, where it is."""
    with suppress(psutil.NoSuchProcess):
        for one in (psutil.Process(program), *psutil.Process(program).children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                one.suspend()
