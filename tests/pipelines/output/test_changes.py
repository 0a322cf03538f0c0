"""Two runs side by side: what differs between them, and which rows they have answered otherwise."""

import json
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.corpus.reading import Reading
from pipelines.errors import LedgerError
from pipelines.ledger.ledger import Ledger
from pipelines.output import changes, flips


@pytest.fixture
def aside(tmp_path):
    """Put the output folder of a run aside under another name."""

    def aside(name):
        return shutil.move(tmp_path / "out", tmp_path / name)

    return aside


@pytest.fixture
def contrary(fake_engine):
    """Make an engine that likes other words best: labels and expansions are other ones."""

    class Contrary(fake_engine):
        def step(self, *patience):
            done = super().step(*patience)
            for completion in done:
                if completion.scores:
                    worst = dict(zip(completion.scores, reversed(completion.scores.values()), strict=True))
                    completion.scores.update(worst)
            return done

        def says(self, request):
            return super().says(request).replace("x", "y")

    return Contrary


RAW = {"calibration": "raw"}


def test_a_language_that_was_chosen_is_a_setting(go, write_jsonl, reviews, fake_engine, aside, tmp_path):
    path = write_jsonl(reviews(12))
    go(path, fake_engine, **RAW)
    a = aside("a")
    go(path, fake_engine, reading=Reading(lang="ko"), **RAW)
    assert changes.between(a, tmp_path / "out")["settings"]["lang"] == {"a": None, "b": "ko"}


def test_settings_figures_and_labels_of_two_runs(go, write_jsonl, reviews, fake_engine, contrary, aside, tmp_path):
    rows = reviews(12)
    go(write_jsonl([*rows, {"nothing": 1}]), fake_engine, policy="fifo", **RAW)
    a = aside("a")
    altered = [row | {"text": "closed"} if row["review_id"] == "r3" else row for row in rows[1:]]
    more = [{"review_id": f"new{n}", "restaurant_id": "large", "text": f"new {n}"} for n in range(2)]
    go(write_jsonl([*altered, *more]), contrary, **RAW)
    found = changes.between(a, tmp_path / "out")
    json.dumps(found, allow_nan=False)
    assert (found["schema"], found["a"]["output"], found["b"]["status"]) == (1, str(a), "done")
    assert found["settings"] == {
        "policy": {"a": "fifo", "b": "prefill"}, "ordered_by": {"a": "fifo", "b": "prefill"},
    }  # fmt: skip
    assert found["figures"]["rows.rejected"] == {
        "a": 1, "b": 0, "ratio": 0.0, "runs": [1, 1], "more_than_noise": None,
    }  # fmt: skip
    assert found["figures"]["rows.answered"]["ratio"] == pytest.approx(13 / 12)
    assert "tasks.sentiment.ttft_s.p99" in found["figures"]
    assert not [path for path in found["figures"] if path.startswith(("run.engine_up", "run.ageing", "run.number"))]
    said = found["answers"]["sentiment"]
    counts = {name: said[name] for name in ("rows", "only_in_a", "only_in_b", "other_text", "changed")}
    assert counts == {"rows": 10, "only_in_a": 1, "only_in_b": 2, "other_text": 1, "changed": 10}
    assert said["flips"] == [{"from": "positive", "to": "negative", "rows": 10}]
    assert len(said["examples"]) == flips.EXAMPLES
    first = said["examples"][0]
    (text,) = [row["text"] for row in rows if row["review_id"] == first["id"]]
    assert text.startswith(first["text"].removesuffix(" ..."))
    assert (first["a"]["label"], first["b"]["label"]) == ("positive", "negative")
    assert 0 < first["a"]["confidence"] < 1
    assert not changes.between(a, a)["settings"]
    assert changes.between(a, a)["answers"]["sentiment"]["changed"] == 0


@pytest.mark.parametrize("kinds", [("parquet", "jsonl"), ("csv", "parquet"), ("jsonl", "csv"), ("csv", "csv")])
def test_results_of_all_formats_are_read(go, write_jsonl, corpus, reading, aside, tmp_path, kinds):
    path, names = write_jsonl(corpus({"a": 30, "b": 9}, words=1)), ("sentiment", "summary", "strengths")
    folders = []
    for kind in kinds:
        go(path, reading, *names, format=kind)
        folders.append(shutil.copytree(tmp_path / "out", tmp_path / f"as-{len(folders)}"))
    found = changes.between(*folders)["answers"]
    assert found.keys() >= {"points", "sentiment", "summary", "strengths"}
    assert {name: (said["rows"], said["changed"]) for name, said in found.items()} == {
        name: (2 if name in {"summary", "strengths"} else 39, 0) for name in found
    }


def test_other_answers_are_counted_where_a_row_has_several_lines_or_none(
    go, write_jsonl, corpus, reading, aside, tmp_path
):
    go(write_jsonl(corpus({"a": 8}, words=1)), reading, "points")
    a = shutil.copytree(tmp_path / "out", tmp_path / "a")
    table = tmp_path / "out" / "results" / "points.parquet"
    points = pl.read_parquet(table)
    sure = pl.lit(0.1).alias("confidence")  # which is not what is answered
    twice = pl.concat([points.tail(1).with_columns(aspect=pl.lit("price")), points]).with_columns(sure)
    twice.filter(pl.col("review_id") != "a-0").write_parquet(table)
    said = changes.between(a, tmp_path / "out")["answers"]["points"]
    assert said == {"rows": 8, "only_in_a": 0, "only_in_b": 0, "other_text": 0, "changed": 2}


@pytest.mark.parametrize("kinds", [("parquet", "jsonl"), ("csv", "parquet"), ("jsonl", "jsonl")])
def test_columns_that_are_kept_are_no_answer(go, write_jsonl, corpus, reading, aside, tmp_path, kinds):
    rows = corpus({"a": 8}, words=1)
    for n, kind in enumerate(kinds):
        votes = pa.array([Decimal(f"{n}.{k}0") for k in range(8)])
        pq.write_table(pa.Table.from_pylist(rows).append_column("votes", votes), tmp_path / "rows.parquet")
        go(tmp_path / "rows.parquet", reading, "points", reading=Reading(keep=["votes"]), format=kind)
        aside(f"as-{n}")
    said = changes.between(tmp_path / "as-0", tmp_path / "as-1")["answers"]["points"]
    assert (said["rows"], said["changed"]) == (8, 0)


def test_fields_that_are_called_as_those_of_labels_are_none(go, write_jsonl, corpus, reading, tmp_path):
    go(write_jsonl(corpus({"a": 8}, words=1)), reading, "points")
    table = tmp_path / "out" / "results" / "points.parquet"
    pl.read_parquet(table).with_columns(label=pl.lit("x"), confidence=pl.lit("high")).write_parquet(table)
    said = changes.between(tmp_path / "out", tmp_path / "out")["answers"]["points"]
    assert said == {"rows": 8, "only_in_a": 0, "only_in_b": 0, "other_text": 0, "changed": 0}


def test_written_answers_differ_as_wholes(go, write_jsonl, fake_engine, contrary, aside, tmp_path):
    queries = write_jsonl([{"query_id": f"q{n}", "query": f"soup {n}"} for n in range(4)])
    go(queries, fake_engine, "query-expansion")
    a = aside("a")
    go(queries, contrary, "query-expansion")
    said = changes.between(a, tmp_path / "out")["answers"]["query-expansion"]
    assert (said["rows"], said["changed"]) == (4, 4)


def test_what_is_not_written_or_not_asked_in_both_is_said_to_be(
    go, write_jsonl, reviews, fake_engine, stopping, aside, tmp_path
):
    path = write_jsonl(reviews(12))
    go(path, fake_engine, "sentiment", "mood")
    a = aside("a")
    with pytest.raises(KeyboardInterrupt):
        go(path, stopping(3))
    found = changes.between(a, tmp_path / "out")
    assert (found["b"]["status"], found["answers"]) == ("stopped", {"sentiment": None})
    assert (found["a"]["tasks_of_its_own"], found["b"]["tasks_of_its_own"]) == (["mood"], [])
    with pytest.raises(LedgerError, match="no run in"):
        changes.between(a, tmp_path / "none")


def runs(folder, makespans, **facts):
    """Make a ledger of runs that took so long."""
    ledger = Ledger(folder)
    for seconds in makespans:
        ledger.begin({"policy": "fifo", **facts})
        ledger.note("done", **{"makespan_s": seconds, "steps": 100, "tasks": {}, **facts})
    ledger.close()
    return folder


@pytest.mark.parametrize(
    ("a", "b", "noise"),
    [
        ([5.0, 6.0], [7.0, 8.0, 9.0], True),
        ([5.0, 7.0], [6.0, 8.0], False),
        ([5.0], [7.0, 8.0], None),
    ],
)
def test_earlier_runs_of_the_same_work_tell_the_noise(tmp_path, a, b, noise):
    found = changes.between(runs(tmp_path / "a", a), runs(tmp_path / "b", b))["figures"]["run.makespan_s"]
    assert found == {
        "a": a[-1], "b": b[-1], "ratio": b[-1] / a[-1], "runs": [len(a), len(b)], "more_than_noise": noise,
    }  # fmt: skip


def test_runs_of_other_settings_or_less_work_tell_nothing(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    runs(a, [1.0, 2.0], policy="prefill")
    runs(a, [5.0])
    ledger = Ledger(b)
    for steps in (3, 100):  # the first had little to ask
        ledger.begin({"policy": "fifo"})
        ledger.note("done", makespan_s=float(steps), steps=steps, tasks={})
    ledger.close()
    assert changes.between(a, b)["figures"]["run.makespan_s"]["runs"] == [1, 1]


def test_many_rows_are_compared_in_bounded_time_and_memory(tmp_path):
    n = 50_000
    folders = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(folders):
        runs(folder, [1.0], tasks={"mine": {"calibration": "raw"}})
        with closing(sqlite3.connect(folder / "run.sqlite")) as db, db:
            db.execute("INSERT INTO job VALUES (0, 'mine', 'x', 0, NULL, NULL, NULL)")
            db.execute(
                "INSERT INTO request (id, key, task, form, stage, state) VALUES (1, x'00', 'mine', 'ask.en', 0, 'answered')"
            )
            rows = ((seq, f"r{seq}", "x", "f", seq, "en", f"text {seq}") for seq in range(n))
            db.executemany(
                "INSERT INTO item (seq, id, unit, source, row, lang, text) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
            )
            db.execute("INSERT INTO ask SELECT 'mine', seq, 0, 1 FROM item")
        (folder / "results").mkdir()
        label = pl.when(pl.col("n") % 1000 < number).then(pl.lit("bad")).otherwise(pl.lit("good"))
        pl.DataFrame({"n": range(n)}).select(
            review_id=pl.format("r{}", "n"), label=label, confidence=0.5 + pl.col("n") / (2 * n)
        ).write_parquet(folder / "results" / "mine.parquet")
    said = changes.between(*folders)["answers"]["mine"]
    assert (said["rows"], said["flips"]) == (n, [{"from": "good", "to": "bad", "rows": n // 1000}])
    assert said["examples"][0]["id"] == f"r{n - 1000}"
