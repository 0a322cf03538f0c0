"""A ledger damaged in every way: nothing but one clear line, and never another answer than was given."""

import random
import re
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from cli import exit_status
from pipelines import run as whole
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.recovery import recover
from pipelines.measurements import Measurements
from pipelines.output import report
from pipelines.tasks import built_in

SEED = 20_261_129
PAGE = 4096
TASKS = ("sentiment", "summary")
ROWS = 120


def flipped(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 5)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def flipped_in_answers(content: bytearray, chance: random.Random) -> None:
    places = [found.start() for found in re.finditer(rb"\[-\d", content)]
    for at in chance.sample(places, chance.randint(1, 5)):
        content[at + chance.randrange(30)] ^= 1 << chance.randrange(8)


def overwritten(content: bytearray, chance: random.Random) -> None:
    size = min(chance.choice([1, 2, 4, 16, 100, 1000, PAGE]), len(content))
    at = chance.randrange(len(content) - size + 1)
    content[at : at + size] = chance.randbytes(size)


def pages_of_noise(content: bytearray, chance: random.Random) -> None:
    for at in chance.sample(range(0, len(content), PAGE), chance.randint(1, 5)):
        content[at : at + PAGE] = chance.randbytes(PAGE)


def zeroed(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(0, len(content), 512)
    content[at : at + PAGE] = bytes(len(content[at : at + PAGE]))


def page_over_another(content: bytearray, chance: random.Random) -> None:
    one, other = chance.sample(range(0, len(content), PAGE), 2)
    content[one : one + PAGE] = content[other : other + PAGE]


def pages_exchanged(content: bytearray, chance: random.Random) -> None:
    one, other = chance.sample(range(0, len(content), PAGE), 2)
    content[one : one + PAGE], content[other : other + PAGE] = content[other : other + PAGE], content[one : one + PAGE]


def truncated(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(1, len(content)) :]


def doubled(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(0, len(content), chance.choice([1, PAGE]))
    content[at:at] = content[at : at + chance.choice([PAGE, len(content)])]


WAYS = (
    flipped, flipped_in_answers, overwritten, pages_of_noise, zeroed, page_over_another, pages_exchanged, truncated, doubled,
)  # fmt: skip


@pytest.fixture
def telling(fake_engine):
    """An engine whose scores are of the prompt alone."""

    class Tells(fake_engine):
        def step(self, *patience):
            prompts = {request.id: request.prompt for request in self.submitted}
            done = super().step(*patience)
            return [replace(one, scores=self._scores(prompts[one.id], one.scores)) for one in done]

        def _scores(self, prompt, scores):
            told = random.Random(repr(list(prompt)))
            return {token: -20 * told.random() for token in scores}

    return Tells


@pytest.fixture
def work(tmp_path, tiny, write_jsonl, reviews, telling):
    """Do the same work in a folder, as the program would; return its exit status, line and how much was asked."""
    rows = [{**row, "text": f"{row['text']} on day {n}"} for n, row in enumerate(reviews(ROWS))]
    path, known = write_jsonl([*rows, {"review_id": "no text"}]), built_in(style="quotes")
    config = Config(
        tasks=[known[name] for name in TASKS], sources=[Source(str(path))], limit=None, model=tiny, arguments={}
    )

    def work(folder: Path) -> tuple[int, str, int]:
        engines = []

        def start(**_):
            engines.append(telling())
            return engines[-1]

        def run() -> None:
            facts = {"device": "cpu", "vllm": "0.32.0"}
            with Ledger(folder) as ledger:
                whole.run(ledger, config, [start], Measurements(tmp_path / "m"), facts=facts, emit=lambda _: None)

        return *ended(run), sum(len(engine.submitted) for engine in engines)

    return work


def ended(command) -> tuple[int, str]:
    """Return the exit status and the line that a command ends with."""
    try:
        command()
    except Exception as error:
        status, line = exit_status.of_error(error)
        if status == exit_status.BUG:
            raise
        return status, line
    return 0, ""


def told(folder: Path) -> None:
    """Draw the report, as the command does."""
    report.write(folder)


def answers(folder: Path) -> dict:
    return {path.name: pl.read_parquet(path) for path in (folder / "results").iterdir()} | {
        "rejects": (folder / "rejects.jsonl").read_bytes()
    }


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(
        a[name].equals(b[name]) if name != "rejects" else a[name] == b[name] for name in a
    )


def test_damaged_in_any_way_it_gives_the_same_answers_or_one_clear_line(tmp_path, work, often):
    status, line, asked = work(tmp_path / "sound")
    assert (status, line) == (0, "")
    expected, sound = answers(tmp_path / "sound"), (tmp_path / "sound" / "run.sqlite").read_bytes()
    for number in range(often(18, 1000)):
        way, chance = WAYS[number % len(WAYS)], random.Random(SEED + number)
        case, folder = f"{way.__name__}, seed {SEED + number}", tmp_path / str(number)
        shutil.copytree(tmp_path / "sound", folder)
        content = bytearray(sound)
        way(content, chance)
        (folder / "run.sqlite").write_bytes(content)
        try:
            saved = survived(folder, work, expected, asked)
            assert saved or way is truncated
        except BaseException as error:
            error.add_note(case)
            raise
        shutil.rmtree(folder)


def survived(folder: Path, work, expected: dict, asked: int) -> bool:
    """Go through all commands on a damaged ledger, and say whether any answer was saved."""
    status, line = ended(lambda: told(folder))
    assert (status == 0) == (line == ""), line
    status, line, _ = work(folder)
    if not status:
        assert same(answers(folder), expected)
        return True
    assert status == exit_status.CANNOT
    assert len(line.splitlines()) == 1
    assert "reviewbatch recover" in line or "another version" in line, line
    before = (folder / "run.sqlite").read_bytes()
    status, line = ended(lambda: recover(folder))
    if status:
        assert "no answer of this version can be read" in line, line
        assert (folder / "run.sqlite").read_bytes() == before
        return False
    assert (folder / "run.sqlite.damaged").read_bytes() == before
    status, line, again = work(folder)
    assert (status, line) == (0, "")
    assert again < asked
    assert same(answers(folder), expected)
    assert ended(lambda: told(folder))[0] == 0
    return True


SMALL = ["--model", "tiny", "--engine", "kv_cache_memory_bytes=268435456"]


def test_the_program_says_what_to_do_and_that_helps(run, write_jsonl, distinct):
    command = ("run", "sentiment", "-i", write_jsonl(distinct(40)), *SMALL)
    assert run(*command)[0] == 0
    assert run("recover", "out")[2] == "the ledger of out is as it was written: there is nothing to recover\n"
    before, path = pl.read_parquet("out/results/sentiment.parquet"), Path("out/run.sqlite")
    content = bytearray(path.read_bytes())
    middle = len(content) // PAGE // 2 * PAGE
    content[100:200], content[middle : middle + 2 * PAGE] = bytes(100), b"\x5a" * 2 * PAGE
    path.write_bytes(content)
    for asked in (command, ("report", "out")):
        status, out, err = run(*asked)
        assert (status, out) == (1, "")
        assert err.startswith("error: out/run.sqlite is damaged (")
        assert err.endswith("): `reviewbatch recover out` saves what can be read\n")
        assert err.count("\n") == 1
    status, _, err = run("recover", "out")
    assert status == 0, err
    assert "answers saved; the damaged ledger is kept as out/run.sqlite.damaged\n" in err
    assert "the same command as before continues, and asks only what was lost\n" in err
    status, _, err = run(*command)
    assert status == 0, err
    after = pl.read_parquet("out/results/sentiment.parquet")
    assert after["review_id"].equals(before["review_id"])
    assert (after["p_positive"] - before["p_positive"]).abs().max() < 1e-3


def test_a_file_of_somebody_else_is_left_to_them(run, write_jsonl, distinct):
    Path("out").mkdir()
    Path("out/run.sqlite").write_bytes(b"mine" * 3000)
    for command in (
        ("run", "sentiment", "-i", write_jsonl(distinct(4)), *SMALL),
        ("report", "out"),
        ("recover", "out"),
    ):
        status, out, err = run(*command)
        assert (status, out) == (1, "")
        assert err.count("\n") == 1
        assert Path("out/run.sqlite").read_bytes() == b"mine" * 3000
    with closing(Ledger(Path("other"))):
        assert "another run is working in other" in run("recover", "other")[2]
