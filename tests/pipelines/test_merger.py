"""Shards of a corpus, and what they make together: what one run makes of it."""

import json
import math
import shutil
import sqlite3
import time
import zlib
from contextlib import closing
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import polars as pl
import pytest

from pipelines import merger
from pipelines.corpus.rating import Scale
from pipelines.corpus.reading import Reading
from pipelines.corpus.shard import Shard
from pipelines.engine.interface import Failure
from pipelines.errors import LedgerError
from pipelines.export.asked import Questions
from pipelines.ledger import history
from pipelines.output import times
from pipelines.output.page import hours
from pipelines.tasks import built_in

TASKS = ("sentiment", "summary", "strengths")
OF = 3
WORDS = ["soup", "bread", "staff", "garden", "queue", "price", "noodles", "music", "terrace", "coffee"]
REFUSED = "zebra"  # no other review has it


def said(n: int, k: int) -> str:
    """Return what a diner says, who praises the same as all others do in the restaurants with most reviews."""
    large = n % 5 == 4
    word, how = WORDS[(n + k % 3 * (not large)) % 10], "bad" if (n + k) % 4 == 0 and not large else "good"
    return f"The {word} was {how}. And {k} more at {n}."


@pytest.fixture
def rows():
    """Reviews of restaurants in categories and cities, rated; some of no use, some of an id that was there before."""
    found = [
        {
            "review_id": f"r{n}-{k}",
            "restaurant_id": f"place {n}",
            "text": f"정말 맛있는 {k}번 국수" if n == 7 else said(n, k),
            # What a late review says may be another category.
            "category": "vegan" if k == 20 else (None, "thai", "pizza")[n % 3] if k != 2 else None,
            "city": ("Ulm", None)[n % 2],
            # Only all of them show the scale.
            "rating": 10 if n == 3 else 1 + (n + k) % 5 if n % 5 < 4 else None,
            "n": n * k,
            "mixed": k if n % 2 else str(k),
        }
        for n in range(20)
        for k in range(3 + n % 5 * 5)
    ]  # fmt: skip
    found.sort(key=lambda row: int(row["review_id"].partition("-")[2]))
    for n, row in enumerate(found):
        if n % 11 == 5:
            row["text"] = None if n % 2 else 7
        if n % 13 == 6:  # an earlier row's, of this restaurant or another; it may be a reject, too
            row["review_id"] = found[n * 7 // 13]["review_id"]
        if n % 17 == 9:  # the same in several shards
            row["text"] = "good"
    odd = {"r4-9": " ".join(f"word{n}" for n in range(3000)), "r6-3": f"{REFUSED} and nothing else"}
    return [{**row, "text": odd.get(row["review_id"], row["text"])} for row in found]


@pytest.fixture
def few(rows):
    """Those of seven restaurants."""
    return [row for row in rows if int(row["restaurant_id"].split()[1]) < 7]


@pytest.fixture
def judging(reading, tokenizer):
    """Make an engine that reads, has an opinion of every text, and refuses one."""

    class Judges(reading):
        def step(self, patience=math.inf):
            prompts = {request.id: request.prompt for request in self.submitted}
            return [self.judged(done, prompts[done.id]) for done in super().step(patience)]

        def judged(self, done, prompt):
            if REFUSED in tokenizer._backend.decode(prompt):
                return Failure(done.id, "engine-refused", "will not")
            opinions = {token: -(zlib.crc32(f"{prompt} {token}".encode()) % 99) / 9 for token in done.scores}
            return replace(done, scores=opinions)

    return Judges


@pytest.fixture
def sharded(go):
    """Run every shard; return the reports."""

    def sharded(path, start, *names, of=OF, **how):
        shards = [Shard(n, of) for n in range(of)]
        return [go(path, start, *names, shard=one, output=f"shards/{one.name}", **how)[0] for one in shards]

    return sharded


@pytest.fixture
def merged(tmp_path):
    """Merge folders, by names; return the report."""

    def merged(*names, to="merged", tasks=TASKS, style="written"):
        known = built_in(style=style)
        with merger.opened(merger.folders(tmp_path / name for name in names or ("shards",))) as shards:
            return merger.merge(shards, tmp_path / to, [known[name] for name in tasks], lambda _: None)

    return merged


@pytest.fixture
def same(tmp_path):
    """Say that a folder has, to the byte, the tables and rejects of another."""

    def same(one="out", other="merged"):
        names = sorted(file.name for file in (tmp_path / one / "results").iterdir())
        assert sorted(file.name for file in (tmp_path / other / "results").iterdir()) == names
        for name in [*(f"results/{name}" for name in names), "rejects.jsonl"]:
            assert (tmp_path / other / name).read_bytes() == (tmp_path / one / name).read_bytes(), name

    return same


def asked(folder: Path, sql: str) -> list:
    with closing(sqlite3.connect(folder / "run.sqlite")) as db:
        return db.execute(sql).fetchall()


@pytest.mark.parametrize(("style", "calibration"), [("written", "anchors"), ("quotes", "corpus")])
def test_shards_make_together_what_one_run_makes(
    go, sharded, merged, same, write_jsonl, rows, judging, tmp_path, monkeypatch, style, calibration
):
    monkeypatch.setattr("pipelines.corpus.reader.CHUNK", 32)
    how = {
        "style": style,
        "calibration": calibration,
        "reading": Reading(keep=["n", "mixed"]),
        "sla": {"summary": 60.0},
    }
    path = write_jsonl(rows)
    one, _ = go(path, judging, *TASKS, **how)
    parts = sharded(path, judging, *TASKS, **how)
    whole = merged(style=style)
    same()
    reasons = {"duplicate-id", "no-text", "text-not-a-string", "too-long", "engine-refused"}
    assert whole["rows"] == one["rows"]
    assert whole["rows"]["rejects_by_reason"].keys() == reasons
    assert whole["tasks"]["strengths"]["restaurants"] == 20
    assert whole["tasks"]["strengths"]["strengths"] > 0 or style == "quotes"

    # Each row is of one shard, and what a shard says is of its own rows alone.
    folders = [tmp_path / "shards" / Shard(n, OF).name for n in range(OF)]
    everything = "SELECT seq FROM item WHERE seq >= 0 UNION ALL SELECT rowid FROM reject"
    assert sorted(row for folder in folders for row in asked(folder, everything)) == [(n,) for n in range(len(rows))]
    assert [part["rows"]["in"] for part in parts] == [len(asked(folder, everything)) for folder in folders]
    assert all(asked(folder, "SELECT 1 FROM item WHERE seq < 0") for folder in folders)
    assert all(part["rows"]["in"] < len(rows) for part in parts)
    if calibration == "anchors":
        for name in ("sentiment", "points_by_restaurant", "summary", "strengths"):
            tables = [
                pl.read_parquet(folder / "results" / f"{name}.parquet") for folder in (*folders, tmp_path / "out")
            ]
            assert sorted(map(str, pl.concat(tables[:-1]).drop("mixed", strict=False).iter_rows())) == sorted(
                map(str, tables[-1].drop("mixed", strict=False).iter_rows())
            )
    assert all(part["run"]["corpus"]["ratings"]["scale"] == "1-10" for part in parts)

    # The report: counts add up, and times are those of who took longest, whose parts add up, too.
    longest = max((part["run"] for part in parts), key=itemgetter("wall_s"))
    times_of = {name: value for name, value in longest.items() if name.endswith("_s")}
    assert {name: whole["run"][name] for name in times_of} == times_of
    with history.opened(tmp_path / "merged") as (db, run):
        spent = hours.of(times.read(db, run.number), whole["run"])
    assert spent.wall == longest["wall_s"] == pytest.approx(sum(part.seconds for part in spent.parts))
    assert whole["run"]["corpus"] == one["run"]["corpus"]
    assert whole["run"]["shards"] == OF
    assert whole["run"]["steps"] == sum(part["run"]["steps"] for part in parts)
    for name, task in whole["tasks"].items():
        before = one["tasks"][name]
        assert {figure: task[figure] for figure in task["figures"]} == {
            figure: before[figure] for figure in before["figures"]
        }
        assert (task["outcome"], task["reviews"]) == (before["outcome"], before["reviews"])
        for figure in ("requests", "prompt_tokens", "output_tokens"):
            assert task[figure] == sum(part["tasks"][name][figure] for part in parts)
        for figure in ("count", "completed", "promised", "met"):
            assert task["jobs"][figure] == sum(part["tasks"][name]["jobs"][figure] for part in parts)
    assert whole["tasks"]["summary"]["jobs"]["promised"] > 0
    assert (tmp_path / "merged" / "report.html").exists()
    assert "reviewbatch_rows_answered" in (tmp_path / "merged" / "metrics.prom").read_text()


def test_the_merged_folder_is_one_of_a_run(go, sharded, merged, same, write_jsonl, few, judging, tmp_path):
    path = write_jsonl(few)
    go(path, judging, *TASKS)
    sharded(path, judging, *TASKS)
    merged()
    told = {}
    for folder in ("out", "merged"):
        with history.opened(tmp_path / folder) as (db, run):
            told[folder] = {task: {one.key for one in Questions(db, run).of(built_in()[task])} for task in TASKS}
    assert told["out"] == told["merged"]

    again = []

    class Asked(judging):
        def submit(self, requests):
            again.extend(requests)
            super().submit(requests)

    report, _ = go(path, Asked, *TASKS, output="merged")
    assert len(again) == 2  # what was refused, under both of the tasks that read reviews
    assert report["rows"]["waiting"] == 0
    same()


def test_each_row_has_the_answer_of_its_own_shard(go, merged, write_jsonl, few, fake_engine, tmp_path):
    path = write_jsonl([{**row, "text": f"{row['review_id']} {n}"} for n, row in enumerate(few)])
    for n in range(OF):

        class Says(fake_engine):
            word = WORDS[n]

            def says(self, request):
                return json.dumps([[self.word, "food", "good"]])

        go(
            path,
            Says,
            "points",
            "strengths",
            shard=Shard(n, OF),
            output=f"shards/{Shard(n, OF).name}",
            single_stage=True,
        )
    merged(tasks=["points", "strengths"])
    said = asked(
        tmp_path / "merged",
        "SELECT unit, answer FROM item JOIN ask USING (seq) JOIN request ON request.id = request WHERE ask.task = 'points'",
    )
    assert len(said) > len(few) / 2
    for unit, answer in said:
        assert json.loads(answer)[0]["what"] == next(WORDS[n] for n in range(OF) if Shard(n, OF).has(unit))


def test_there_may_be_more_shards_than_restaurants(go, sharded, merged, same, write_jsonl, few, judging):
    path = write_jsonl(few)
    go(path, judging, "strengths", format="csv")
    parts = sharded(path, judging, "strengths", of=10, format="csv")
    assert sum(not part["rows"]["answered"] for part in parts) > 2
    merged(tasks=["strengths"])
    same()


def test_queries_are_shared_too(go, sharded, merged, same, write_jsonl, fake_engine):
    queries = [{"query_id": f"q{n % 25}", "query": f"where is dish {n}"} for n in range(30)]
    path = write_jsonl(queries)
    go(path, fake_engine, "query-expansion", format="jsonl")
    parts = sharded(path, fake_engine, "query-expansion", format="jsonl")
    assert all(part["rows"]["in"] for part in parts)
    merged(tasks=["query-expansion"])
    same()


def test_a_shard_that_is_damaged_is_refused_with_the_way_out(
    sharded, merged, write_jsonl, reviews, fake_engine, tmp_path
):
    sharded(write_jsonl(reviews(12)), fake_engine, of=2)
    damaged = next(
        (tmp_path / "shards" / name)
        for name in ("shard-0-of-2", "shard-1-of-2")
        if asked(tmp_path / "shards" / name, "SELECT 1 FROM item")
    )
    with closing(sqlite3.connect(damaged / "run.sqlite")) as db, db:
        db.execute("UPDATE item SET id = id || 'x' WHERE seq = (SELECT max(seq) FROM item)")
    with pytest.raises(LedgerError, match=f"`reviewbatch recover {damaged}` saves what can be read"):
        merged(tasks=["sentiment"])


def test_a_shard_that_was_stopped_is_refused_until_it_is_done(
    go, sharded, merged, same, write_jsonl, few, judging, stopping, tmp_path
):
    path = write_jsonl(few)
    go(path, judging, "strengths")
    stops = stopping(40, judging)
    with pytest.raises(KeyboardInterrupt):
        sharded(path, stops, "strengths")
    with pytest.raises(LedgerError, match=r"shard-0-of-3 is shard 0/3, and not there: 1/3, 2/3$"):
        merged(tasks=["strengths"])
    parts = sharded(path, judging, "strengths")
    assert parts[0]["run"]["number"] == 2
    report = merged(tasks=["strengths"])
    same()
    (kept,) = report["run"]["kept"]
    assert kept["answers"] >= sum(kept["answers"] for kept in parts[0]["run"]["kept"]) > 0

    with pytest.raises(KeyboardInterrupt):
        go(path, stops, "strengths", shard=Shard(1, OF), output="shards/shard-1-of-3", again=True)
    with pytest.raises(LedgerError, match=r"shard-1-of-3 is not done \(stopped\): the same command"):
        merged(tasks=["strengths"])
    same()  # what was there is left as it was


def test_deadlines_are_those_of_the_shards(sharded, merged, write_jsonl, few, judging):
    past, to_come = time.time() - 60, time.time() + 3600
    for row in few:
        row["deadline"] = past if int(row["restaurant_id"].split()[1]) % 2 else to_come
    path = write_jsonl(
        [{**row, "deadline": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row["deadline"]))} for row in few]
    )
    parts = sharded(path, judging, "sentiment")
    jobs = merged(tasks=["sentiment"])["tasks"]["sentiment"]["jobs"]
    assert (jobs["promised"], jobs["met"]) == (7, sum(part["tasks"]["sentiment"]["jobs"]["met"] for part in parts))
    assert 0 < jobs["met"] < 7


def test_what_was_merged_before_gives_way(go, sharded, merged, same, write_jsonl, few, judging, tmp_path):
    path = write_jsonl(few)
    sharded(path, judging, *TASKS)
    merged()
    sharded(path, judging, "sentiment")
    go(path, judging)
    report = merged(tasks=["sentiment"])
    assert (report["run"]["number"], report["run"]["shards"]) == (2, OF)  # the answers are of runs before
    same()
    with pytest.raises(LedgerError, match="out has a run of its own"):
        merged(tasks=["sentiment"], to="out")
    same()


def test_what_does_not_go_together_is_refused(go, sharded, merged, write_jsonl, few, fake_engine, tmp_path):
    path = write_jsonl(few[:40])
    sharded(path, fake_engine, of=2)
    go(path, fake_engine)
    shutil.copytree(tmp_path / "shards" / "shard-0-of-2", tmp_path / "twin")
    others = {
        "rows": {"path": write_jsonl(few[:41], "more.jsonl")},
        "tasks": {"names": ["points"]},
        "engine": {"arguments": {"quantization": "x", "max_num_seqs": 4}},
        "calibration": {"calibration": "raw"},
        "format": {"format": "csv"},
        "keep": {"reading": Reading(keep=["n"])},
        "lang": {"reading": Reading(lang="ko")},
        "scale": {"reading": Reading(scale=Scale(1, 100))},
    }
    for name, how in others.items():
        settings = {key: value for key, value in how.items() if key not in {"path", "names"}}
        go(how.get("path", path), fake_engine, *how.get("names", ()), shard=Shard(1, 2), output=name, **settings)
    go(path, fake_engine, shard=Shard(1, 2), output="faster", arguments={"max_num_seqs": 4})
    go(path, fake_engine, shard=Shard(1, 3), output="of three")
    zero, one = "shards/shard-0-of-2", "shards/shard-1-of-2"
    for names, message in {
        (zero,): "shard-0-of-2 is shard 0/2, and not there: 1/2",
        (one,): "shard-1-of-2 is shard 1/2, and not there: 0/2",
        (zero, "twin"): "shard 0/2 is there twice: .*shard-0-of-2 and .*twin",
        (zero, "of three"): "shard-0-of-2 is shard 0/2 and .*of three is shard 1/3: name those of one kind",
        ("out",): "out is no shard: its last run had no --shard",
        ("nowhere",): "no such folder: .*nowhere",
        (".",): "no run in .*: it holds no run.sqlite",
        (zero, "rows"): r"shard-0-of-2 and .*rows differ in what they have read: 40 rows \(.*\) and 41 rows \(.*\)",
        (zero, "tasks"): "differ in their tasks: sentiment and points",
        (zero, "engine"): "differ in --engine: none and quantization=x",
        (zero, "calibration"): "differ in --calibration: anchors and raw",
        (zero, "format"): "differ in --format: parquet and csv",
        (zero, "keep"): "differ in --keep: none and n",
        (zero, "lang"): "differ in --lang: none and ko",
        (zero, "scale"): "differ in --rating-scale: 1-10 and 1-100",
    }.items():
        with pytest.raises(LedgerError, match=message) as caught:
            merged(*names, tasks=["sentiment"])
        assert "\n" not in str(caught.value)
    merged(zero, "faster", tasks=["sentiment"])
    with pytest.raises(LedgerError, match="shard-0-of-2 is one of the shards: say with -o where else to write"):
        merged(zero, one, tasks=["sentiment"], to=zero)
