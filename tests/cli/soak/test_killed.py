"""kill -9 at random moments, of the program and of what is below it, again and again until the work is done."""

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import pytest

SEED = 9
WINDOW = 2 * 4  # questions that are in an engine at once: twice as many as it works on, which is four
# How the engine is there: in the program, in a process of its own, or as two replicas; and how many there are.
ALONE, APART, TWO = ((), {}, 1), ((), {"VLLM_ENABLE_V1_MULTIPROCESSING": "2"}, 1), (("--replicas", "2"), {}, 2)


@pytest.mark.parametrize(("kind", "times", "soak"), [("reviews", 4, 750), ("queries", 2, 250)])
def test_killed_until_it_is_done_it_has_answered_every_row_once(attack, look, whole, work, often, kind, times, soak):
    chance, duration, tally = Random(f"{SEED}{kind}"), whole(kind).report["run"]["wall_s"], Counter()
    while tally["kills"] < often(times, soak):
        attack(work[kind], chance, duration, tally)
        look().check_same(whole(kind))
        shutil.rmtree("out")
        tally["folders"] += 1
    print(f"{kind}: {dict(tally)}")  # noqa: T201  pytest -rP shows it


@pytest.fixture
def attack(program, look, lives_until):
    """Run a command in a folder, killed again and again, until it is done; tally what that has cost."""

    def attack(command: list[str], chance: Random, duration: float, tally: Counter) -> None:
        folder, seen, status = look(), {}, None
        while status != 0:
            Path("sent").write_bytes(b"")
            before = folder.last_run()
            options, environment, engines = chance.choices((ALONE, APART, TWO), (18, 1, 1))[0]
            process = program(*command, *options, "-o", "out", **environment)
            struck, family = strike(process, chance, lambda process=process: lives_until(process, chance, duration))
            _, err = process.communicate()
            status = process.returncode
            story = f"seed {SEED}, {dict(tally)}, {options}, {environment}, {struck}, {status}: {err}"
            assert status in {0, -9} or (status == 1 and "engine" in struck and "did not start" in err), story
            assert not psutil.wait_procs(family, timeout=30)[1], story
            tally.update(struck, kills=struck.count("engine") + (status == -9), runs=1)

            answers, sent = folder.answers(), Counter(Path("sent").read_text().split())
            assert seen.items() <= answers.items(), f"an answer was lost, or given twice: {story}"
            seen = answers
            folder.check_files()
            answered, retried = folder.answered_since(before)
            in_flight, twice = len(sent) - answered, sent.total() - len(sent) - retried
            assert 0 <= in_flight <= WINDOW * engines, story
            assert twice <= WINDOW * len(struck), story
            tally.update(sent=sent.total(), again=in_flight + max(twice, 0))

    return attack


def strike(process, chance: Random, lives_on: Callable[[], bool]) -> tuple[list[str], list[psutil.Process]]:
    """Kill a program, first perhaps its engine, at random moments; return what was killed, and all that was below."""
    struck, family = [], []
    while lives_on():
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(process.pid).children(recursive=True)
        engines = [] if struck else [one for one in family if is_engine(one)]  # a second death would be the rows' fault
        match chance.choice(("program", "all", *["engine"] * 2 * bool(engines))):
            case "engine":
                chance.choice(engines).kill()
                struck.append("engine")
                continue
            case "all":
                for one in family:
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
                struck.append("all")
            case "program":
                struck.append("program")
        process.kill()
        break
    return struck, family


def is_engine(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        line = " ".join(process.cmdline())
        return "EngineCore" in line or "spawn_main" in line
    return False
