"""No room, permission, memory, open files, home, language: one line says so, nothing is damaged, the next run goes on."""

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Timer

import polars as pl
import psutil
import pytest

SEED = 6
MEMORY = 64 << 20  # bytes
THRASHING = 90  # seconds after which somebody gives it more
HUNG = 200  # and after which somebody stops it
# A control group of its own, as a container has, and what bounds its memory: in the first version, and in the second.
CAGES = (
    (Path(f"/sys/fs/cgroup/memory/reviewbatch-{os.getpid()}"), "memory.limit_in_bytes"),
    (Path(f"/sys/fs/cgroup/reviewbatch-{os.getpid()}"), "memory.max"),
)
# Root is kept out of nothing; without its privileges it is like anybody else.
PLAIN = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []


def no_room(process: psutil.Process, chance: Random) -> None:
    """Let no file grow, as on a full disk."""
    process.rlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def no_files(process: psutil.Process, chance: Random) -> None:
    """Let it open a few more files at most."""
    process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds() + chance.randrange(4),) * 2)


def no_memory(process: psutil.Process, chance: Random) -> None:
    """Let it have a little more memory at most; libraries may wait without an end for threads they could not make."""
    process.rlimit(resource.RLIMIT_AS, (process.memory_info().vms + chance.randrange(MEMORY),) * 2)
    later(HUNG, process.terminate)


def caged(process: psutil.Process, chance: Random) -> None:
    """Have it and what is below it share a little more memory at most; who asks for more is killed by the kernel.

    Or is slowed down without an end, where its own code is what has to be read from the disk again and again.
    """
    cage, limit = next((cage, limit) for cage, limit in CAGES if (cage / limit).exists())
    bound = cage / limit
    bound.write_text(str(chance.randrange(1 << 20, MEMORY)))
    written = bound.read_text()

    def lift() -> None:
        with suppress(OSError):  # it may be gone
            if bound.read_text() == written:
                bound.write_text(str(1 << 50))

    later(THRASHING, lift)
    for one in (process, *process.children(recursive=True)):
        with suppress(ProcessLookupError):
            (cage / "cgroup.procs").write_text(str(one.pid))


def later(seconds: float, do: Callable[[], object]) -> None:
    """Do something in so many seconds, unless all is over by then."""

    def done() -> None:
        with suppress(psutil.NoSuchProcess):
            do()

    after = Timer(seconds, done)
    after.daemon = True
    after.start()


def full(process: psutil.Process, chance: Random) -> None:
    """Fill the disk but for a little."""
    with suppress(OSError), Path("out/ballast").open("wb", 0) as file:
        while file.write(bytes(1 << 16)):
            pass
    os.truncate("out/ballast", Path("out/ballast").stat().st_size - chance.randrange(1 << 16))


ENDED_BY_OTHERS = (no_memory, no_room, caged)


@pytest.mark.parametrize("starve", [no_room, no_files, no_memory])
def test_starved_at_a_random_moment_it_says_so_and_the_next_run_goes_on(endure, often, starve):
    endure(starve, often(1, 100))


def test_a_full_disk_is_said_to_be_full_and_the_next_run_goes_on(endure, often, disk):
    endure(full, often(1, 100))


@pytest.mark.parametrize("apart", [{}, {"VLLM_ENABLE_V1_MULTIPROCESSING": "2"}])
@pytest.mark.usefixtures("cage")
def test_out_of_memory_in_a_container_it_is_killed_at_worst_and_the_next_run_goes_on(endure, often, apart):
    endure(caged, often(1, 50), **apart)


@pytest.fixture
def cage():
    """Make the control group; where that is not allowed, `no_memory` has to do."""
    for cage, limit in CAGES:
        with suppress(OSError):
            cage.mkdir()
            if (cage / limit).exists():
                break
            cage.rmdir()
    else:
        pytest.skip("no control group can be made here")
    yield
    for pid in (cage / "cgroup.procs").read_text().split():  # what has lost its parent, and will see that soon
        with suppress(psutil.NoSuchProcess):
            psutil.Process(int(pid)).wait(30)
    cage.rmdir()


@pytest.fixture
def disk(tmp_path, mounted):
    """Have a small disk of its own at `out`; where that is not allowed, `no_room` has to do."""
    with mounted(tmp_path / "out", "-t", "tmpfs", "-o", "size=8m", "small"):
        yield tmp_path / "out"


@pytest.fixture
def endure(program, work, look, whole, lives_until):
    """Starve runs so many times, each at a random moment; all else is as ever, and each folder comes to its end."""

    def endure(starve: Callable, times: int, **environment) -> None:
        kind, chance, starved, tally = "labels", Random(f"{SEED}{starve.__name__}"), 0, Counter()
        duration = whole(kind).report["run"]["wall_s"]
        while starved < times:
            seen, status = {}, None
            while status != 0:
                process, before = program(*work[kind], "-o", "out", **environment), starved
                if starved < times and lives_until(process, chance, duration):
                    with suppress(psutil.NoSuchProcess):
                        begun = psutil.Process(process.pid)
                        while begun.num_threads() == 1:  # until it has heard of itself, it can say nothing
                            time.sleep(0.01)
                        starve(begun, chance)
                        starved += 1
                _, err = process.communicate()
                status, story = process.returncode, f"seed {SEED}, {starved}, {process.returncode}: {err}"
                tally.update({status: starved - before})
                Path("out/ballast").unlink(missing_ok=True)
                # Short of memory, or of room for torch's own scratch file, libraries or the kernel may end it mid-word.
                assert status == 0 or (starved > before and (status == 1 or starve in ENDED_BY_OTHERS)), story
                assert status != 1 or says_so(err), story
                look().check_files()
                answers = look().answers()
                assert seen.items() <= answers.items(), story
                seen = answers
            look().check_same(whole(kind))
            for path in Path("out").iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        print(f"{starve.__name__} {environment}: {dict(tally)}")  # noqa: T201  pytest -rP shows it

    return endure


def says_so(err: str) -> bool:
    """Say whether there is one line that tells of an error, after warnings perhaps."""
    *warnings, last = err.splitlines()
    return last.startswith("error: ") and all(line.startswith("warning: ") for line in warnings)


@pytest.fixture
def told(surroundings, tmp_path):
    """Run the program, without privileges, to the end that it cannot do it; return the line that says why."""

    def told(*arguments, **how) -> str:
        how = {"stdout": subprocess.DEVNULL, "env": surroundings, **how}
        command = [*PLAIN, sys.executable, "-m", "cli.main", *map(str, arguments)]
        ended = subprocess.run(command, check=False, cwd=tmp_path, text=True, stderr=subprocess.PIPE, **how)
        assert ended.returncode == 1, ended.stderr
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert ended.stderr.startswith("error: "), ended.stderr
        return ended.stderr

    return told


@pytest.mark.parametrize("lock", ["out", ".", "out/results"])
def test_where_nothing_may_be_written_is_said_before_anything_is_asked(told, work, tmp_path, lock):
    (tmp_path / lock).mkdir(parents=True, exist_ok=True)
    (tmp_path / lock).chmod(0o555)
    try:
        assert "cannot write to out: Permission denied" in told(*work["labels"], "-o", "out")
    finally:
        (tmp_path / lock).chmod(0o755)
    assert not (tmp_path / "out" / "run.sqlite").exists()


def test_a_disk_that_may_only_be_read_is_said_to_be_so(told, work, disk):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert "cannot write to out: Read-only file system" in told(*work["labels"], "-o", "out")


def test_what_may_not_be_read_is_named(told, work, tmp_path):
    (tmp_path / "reviews.jsonl").chmod(0)
    assert told(*work["labels"]).endswith("cannot read reviews.jsonl: [Errno 13] Permission denied: 'reviews.jsonl'\n")


def test_too_few_open_files_are_said(told, work, often):
    for few in (8, 16, 32, 64)[: often(1, 4)]:
        line = told(*work["labels"], preexec_fn=lambda few=few: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
        assert "bug" not in line


@pytest.mark.parametrize("arguments", [["tasks"], ["inspect", "reviews.jsonl", "--json"], ["--version"]])
def test_a_full_disk_behind_stdout_is_said(told, work, arguments):
    with open("/dev/full", "w") as out:
        assert "No space left on device" in told(*arguments, stdout=out)


def deep(length: int) -> Path:
    """Return a path of so many characters, of folders within folders."""
    names = ["d" * 99] * (length // 100)
    return Path(*names, "d" * (length % 100)) if length % 100 else Path(*names)


def test_a_path_may_be_as_long_as_the_system_takes(run, told, work, whole, look, tmp_path):
    there = 4000 - len(str(tmp_path))
    os.makedirs(deep(there))
    shutil.copy("reviews.jsonl", deep(there))
    os.makedirs(long := deep(450 - len(str(tmp_path))))
    status, _, err = run(*work["labels"][:-1], deep(there) / "reviews.jsonl", "-o", long)
    assert (status, err) == (0, "")
    assert look(long).report["rows"] == whole("labels").report["rows"]
    assert "no ledger can be where the path has more than 493 bytes" in told(*work["labels"], "-o", deep(there))
    assert "File name too long" in told(*work["labels"], "-o", "d" * 256)
    assert told(*work["labels"], "-o", deep(8000)).startswith("error: cannot write to dddd")


def test_the_language_of_the_machine_is_no_matter(program, work, look, write_jsonl):
    """Before anything of Python's has been started, for which the zygote is too late."""
    rows = [{"review_id": f"가{n}", "restaurant_id": "한옥", "text": f"{n}번 갔는데 국물이 좋아요"} for n in range(3)]
    os.makedirs("리뷰")
    write_jsonl(rows, "리뷰/손님.jsonl")
    process = program(
        *work["labels"][:-1], "리뷰/손님.jsonl", "-o", "결과", fresh=True, LC_ALL="C"
    )  # fmt: skip
    _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    look("결과").check_files()
    assert pl.read_parquet("결과/results/sentiment.parquet")["review_id"].to_list() == ["가0", "가1", "가2"]


def test_without_a_home_or_a_cache_a_run_does_its_work(run, work, whole, look, cache, tmp_path):
    """What the next run would have from there is missing, which a warning says."""
    shutil.copytree(cache / "reviewbatch" / "models", tmp_path / "cache" / "reviewbatch" / "models")
    (tmp_path / "cache" / "reviewbatch" / "measurements").touch()  # where a folder should be
    nowhere = {name: str(tmp_path / "reviews.jsonl") for name in ("HOME", "VLLM_CACHE_ROOT", "TMPDIR")}
    status, _, err = run(*work["labels"], "-o", "out", **nowhere, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert status == 0, err
    assert re.fullmatch("warning: what this run took could not be kept for the next one's plan: .*\n", err)
    look().check_same(whole("labels"))
    status, _, err = run(*work["labels"], "-o", "other", XDG_CACHE_HOME=str(tmp_path / "reviews.jsonl"))
    assert (status, err.count("\n")) == (1, 1), err
    assert err.startswith("error: cannot write the model to "), err


CLOCK = """
import time

def begin():
    real = time.time
    time.time = lambda: real() + 3600 * (-1) ** int(4 * time.monotonic())
"""


def test_a_clock_that_jumps_for_hours_changes_nothing(run, work, whole, look, plug):
    plug("jumping", CLOCK)
    status, _, err = run(*work["labels"], "-o", "out", "--deadline", "3h", "--sla", "30m", "--max-wait", "1m")
    assert (status, err) == (0, "")
    look().check_same(whole("labels"))
    run = look().report["run"]
    assert 0 < run["makespan_s"] < run["wall_s"] < 600
