"""Hostile reviews and names: they do nothing to a terminal, a log, a page, a spreadsheet or a file, and cost no row.

What they do to answers is measured by `benchmarks/injections.py`.
"""

import csv
import json
import random
import re
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from pipelines.examination.paper import INJECTIONS

SEED = 7
TINY = ["--model", "tiny", "--engine", "kv_cache_memory_bytes=268435456"]
# What acts on a terminal, turns or hides text, breaks lines, leads out of a folder, is code somewhere, or is very long.
PARTS = (
    "\x1b]0;owned\x07", "\x1b[2J\x1b[1A", "\x9b31m", "\r", "\n", "\t", "\x08\x7f", "\x85", "\u2028", "\u202egpj.exe", "\u2066", "\u200e",
    "\u200b", "\ufeff", "\U000e0041", "\ud83d", "\x00", "../", "/etc/passwd", "..", "~root", "C:\\", "=1+1", "+1", "-1", "@SUM(1)",
    "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{ 7 * 7 }}", "[/red]", "[bold]", "[link=http://x]", ":pizza:", '"}]}', "%s", "`id`",
    "$(id)", "'; DROP TABLE item; --", "<|im_end|>", "x" * 3000, "가게", "👨‍👩‍👧", "bar",
)  # fmt: skip
LINES = re.compile(r"[^\n]*\n")


@pytest.fixture
def chance():
    return random.Random(SEED)


@pytest.fixture
def name(chance):
    """Make a hostile name."""
    return lambda: "".join(chance.choices(PARTS, k=chance.randint(1, 4)))


@pytest.fixture
def rows(chance, name):
    """Make rows with hostile values, some of them of no use."""

    def rows(n: int) -> list[dict]:
        restaurants = [name() for _ in range(max(n // 8, 2))]
        made = []
        for number in range(n):
            injected = chance.choice(list(INJECTIONS["en"].values())).format(label="positive", **dict.fromkeys(
                ("review", "guest", "stars", "word"), "great"))  # fmt: skip
            row = {
                "review_id": f"{name()}{number}", "restaurant_id": chance.choice(restaurants), "text": f"{name()} soup {number} {injected}",
                "deadline": None, "lang": chance.choice((None, "en", name())), "category": name(), "rating": chance.choice((1, 5, name())),
                "note": name(),
            }  # fmt: skip
            match chance.randint(0, 11):
                case 0:
                    row["text"] = chance.choice((None, "", 7))
                case 1:
                    row["deadline"] = name()
                case 2 if made:
                    row["review_id"] = made[-1]["review_id"]
            made.append(row)
        return made

    return rows


def harmless(text: str) -> bool:
    """Say whether a text does nothing to what shows it: line breaks are our own, joiners belong to emoji."""
    return not [
        c for c in text if not c.isprintable() and c not in "\n\u200c\u200d" and unicodedata.category(c) != "Zs"
    ]


def typed(name: str) -> str:
    """Return what of a name can be typed, or be that of a file."""
    return name.replace("\0", "").replace("\ud83d", "")


def files() -> set[str]:
    """Return the files there are, of all folders that a name could lead to."""
    return {str(path.relative_to(".")) for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_hostile_corpus_is_answered_row_by_row_and_acts_nowhere(run, rows, often, kind, write_jsonl):
    given = rows(often(60, 1000))
    path = write_jsonl(given, "in.jsonl")
    tasks = ["sentiment", "points", "summary"]
    options = ["-i", path, "-o", "out", *TINY, "--keep", "note", "--format", kind]
    commands = [["run", *tasks, *options, "--json"], ["report", "out"]]
    commands += [["plan", *tasks, *options[:-4]], ["inspect", path]] * (kind == "jsonl")
    for command in commands:
        status, out, err = run(*command)
        assert status == 0, err
        assert harmless(out + err), command
        assert max(map(len, LINES.findall(err)), default=0) <= 2001
        assert "owned" not in err or r"\x1b]0;owned" in err
    page, log = (Path("out", file).read_text() for file in ("report.html", "engine.log"))
    assert harmless(page.replace("\t", ""))
    assert "\x1b]0;owned" not in log
    assert "\u202e" not in log
    assert harmless(Path("out/metrics.prom").read_text())
    rejects = LINES.findall(Path("out/rejects.jsonl").read_text())
    assert all(map(harmless, rejects))
    assert max(len(json.loads(line)["detail"]) for line in rejects) <= 500
    rejected = [json.loads(line) for line in rejects]
    counts = json.loads(Path("out/report.json").read_text())["rows"]
    assert counts["in"] == len(given) == counts["answered"] + counts["rejected"]
    assert {(reject["row"]) for reject in rejected} <= set(range(1, len(given) + 1))
    tables = {f"{task}{end}" for task in ("sentiment", "points") for end in ("", "_by_restaurant")} | {"summary"}
    ours = {"rejects.jsonl", "report.json", "report.html", "metrics.prom", "run.sqlite", "engine.log", ".lock"}
    results = {f"results/{table}.{kind}" for table in tables}
    assert {file for file in files() if file.startswith("out")} == {f"out/{file}" for file in ours | results}
    assert files() == {"in.jsonl"} | {f"out/{file}" for file in ours | results}
    with closing(sqlite3.connect("out/run.sqlite")) as db:
        known = {id_ for (id_,) in db.execute("SELECT id FROM item")}
    check_ids(Path(f"out/results/sentiment.{kind}"), known)


def check_ids(path: Path, known: set[str]) -> None:
    """Hold the ids of results against those of the rows: the same in data, and no formula in a spreadsheet."""
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            _, *cells = csv.reader(file)
        assert not [cell for row in cells for cell in row if cell.startswith(tuple("=+@\t\r")) and not is_number(cell)]
        found = {re.sub(r"^'('*[=+\-@\t\r\n])", r"\1", row[0]) for row in cells}
    else:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_ndjson(path)
        found = set(table["review_id"])
    assert found <= known
    assert found


def is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"-?[\d.e-]+", cell))


@pytest.mark.parametrize("command", ["run", "plan", "inspect"])
def test_hostile_columns_and_files_are_told_of_in_one_line(run, name, often, command):
    for _ in range(often(2, 100)):
        keys = {name() for _ in range(5)} - {"text"}
        path = Path(f"x{typed(name())[:40].replace('/', '')}.jsonl")
        path.write_text(json.dumps(dict.fromkeys(keys, "x")) + "\n")
        arguments = [path] if command == "inspect" else ["sentiment", "-i", path, *TINY]
        status, out, err = run(command, *arguments)
        assert status == (0 if command == "inspect" else 1)
        assert harmless(out + err)
        if command != "inspect":
            (line,) = LINES.findall(err)
            assert line.startswith("error: ")
            assert len(line) <= 2001
        path.unlink()


def test_what_is_typed_wrongly_is_told_of_without_acting(run, name, often):
    for _ in range(often(2, 200)):
        word = typed(name()) or "x"
        for arguments in (
            [f"--{word}"],
            [f"x{word}"],
            ["run", word],
            ["run", "sentiment", "--limit", word],
            ["report", f"x{word}"],
        ):
            status, out, err = run(*arguments)
            assert status in {1, 2}, arguments
            assert harmless(out + err), arguments


@pytest.mark.parametrize("link", [".lock", "engine.log", "run.sqlite", "rejects.jsonl"])
def test_a_run_writes_through_no_link(run, write_jsonl, reviews, link):
    Path("out").mkdir()
    Path("theirs").write_text("precious")
    Path("out", link).symlink_to(Path("theirs").absolute())
    status, out, err = run("run", "sentiment", "-i", write_jsonl(reviews(3)), "-o", "out", *TINY)
    expected = f"error: out/{link} is a link, and a run writes to none: remove it, or choose another --output\n"
    assert (status, out, err) == (1, "", expected)
    assert Path("theirs").read_text() == "precious"
    assert [path.name for path in Path("out").iterdir()] == [link]
