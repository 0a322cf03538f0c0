"""What the page says, part by part."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from pipelines.corpus.reject import Reason
from pipelines.output import results
from pipelines.output.page import answers, foreseen, hours, reasons, said
from pipelines.output.tables import FORMATS
from pipelines.output.times import JOB, REQUEST, Times


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0.0 s"),
        (0.01, "below 0.1 s"),
        (3.14, "3.1 s"),
        (99.6, "100 s"),
        (1380, "23 min"),
        (11_100, "3 h 05 min"),
        (None, "none"),
    ],
)
def test_times_are_said_as_people_say_them(value, words):
    assert said.seconds(value) == words


def test_nearly_none_is_not_none_and_nearly_all_not_all():
    assert [said.share(n, 1000) for n in (0, 1, 500, 999, 1000)] == ["0 %", "below 1 %", "50 %", "above 99 %", "100 %"]


def test_texts_are_cut_at_a_sentence_where_one_ends():
    assert said.cut("One. Two two two. Three", 18) == "One. Two two two. …"
    assert said.cut("word word word", 10) == "word word …"
    assert said.cut(" a \n b ", 10) == "a b"


def test_counts_have_their_noun():
    assert [said.many(n, "query") for n in (1, 2)] == ["1 query", "2 queries"]


def test_every_reason_has_its_advice():
    assert reasons.ADVICE.keys() == {*Reason}


def test_an_interval_is_within_none_and_all():
    none, all_ = answers.shares({"a": 0, "b": 10})
    assert (none.low, all_.high) == (0.0, pytest.approx(1.0))
    assert none.high == pytest.approx(0.2775, abs=1e-3)  # Wilson's for 0 of 10
    assert answers.shares({"a": 0}) == []


@pytest.mark.parametrize(
    ("scores", "said_of"),
    [
        ([0.5], ["best"]),
        ([-0.5, 0.5], ["best", "worst"]),
        ([-0.5, -0.4, 0.4, 0.5], ["best", "best", "worst", "worst"]),
        ([n / 10 for n in range(1, 10)], ["best"] * 3 + ["worst"] * 3 + ["most divided"] * 3),
    ],
)
def test_of_a_few_restaurants_not_all_are_the_best(scores, said_of):
    counts = {"restaurant_id": [f"x{n}" for n in range(len(scores))], "mean_score": scores, "reviews": 9}
    table = pl.LazyFrame(counts).with_columns(good=pl.lit(5), bad=pl.lit(4))
    assert [one["what"] for one in answers.restaurants(table, ["good", "bad"]).named] == said_of


def test_aspects_are_counted_over_all_restaurants():
    counts = {
        "restaurant_id": ["a", "a", "b", "b", "b"],
        "aspect": ["food", "price", "food", "price", "karaoke"],
        "praised": [3, 0, 1, 0, 1],
        "criticised": [1, 0, 2, 0, 0],
        "not_mentioned": [2, 5, 0, 3, 2],
        "reviews": [5, 5, 3, 3, 3],
    }
    said_of = answers.aspects(pl.LazyFrame(counts).cast(pl.String))  # as CSV has it
    assert [
        (one["aspect"], one["praised"], one["criticised"], one["mentioned"], one["reviews"]) for one in said_of
    ] == [
        ("food", 4, 3, 6, 8),
        ("karaoke", 1, 0, 1, 8),
    ]
    assert answers.aspects(pl.LazyFrame({"aspect": ["food"]})) == []


def test_time_that_several_requests_share_counts_once():
    since, until = np.array([5.0, 0.0, 1.0, 5.5]), np.array([6.0, 2.0, 3.0, 5.6])
    assert hours._covered(since, until) == 4.0
    assert hours._covered(np.zeros(0), np.zeros(0)) == 0.0


def times(requests: list[tuple], jobs: list[tuple]) -> Times:
    """Return the times of one task: of requests the job, scheduling, first and last token, computed and decoded.

    Of jobs the id, requests and predicted seconds.
    """
    asked = [(0, job, 0.0, *moments) for job, *moments in requests]

    def span(id_: int) -> tuple[float, float]:
        own = [moments for job, *moments in requests if job == id_]
        return min(scheduled for scheduled, *_ in own), max(last for _, _, last, *_ in own)

    made = [(0, id_, often, 0, foreseen, np.nan, *span(id_), False) for id_, often, foreseen in jobs]
    return Times(["mood"], np.array(asked, REQUEST), np.array(made, JOB))


def test_in_the_order_of_the_input_a_job_waits_for_those_before_it():
    # The second job went first, and is the smaller.
    took = times([(2, 0, 1, 1, 100, 0), (1, 1, 4, 4, 300, 0)], [(1, 1, 0), (2, 1, 0)])
    found = hours.of(took, {"makespan_s": 4.0})
    assert found.costs.tolist() == [3.0, 1.0]
    assert found.by_input.tolist() == [3.0, 4.0]
    assert not found.at_once


def test_of_jobs_that_went_side_by_side_there_is_no_other_order():
    took = times([(1, 0, 1, 4, 100, 9), (2, 0, 1, 4, 100, 9)], [(1, 1, 0), (2, 1, 0)])
    found = hours.of(took, {"makespan_s": 4.0})
    assert not len(found.by_input)
    assert found.at_once


def test_what_is_asked_once_is_no_job_of_tomorrow():
    took = times([(1, 0, 3, 3, 300, 0), (2, 3, 4, 4, 100, 0)], [(1, 1, 0)])
    assert hours.of(took, {"makespan_s": 4.0}).once == 1.0


def test_the_time_of_a_restart_is_no_idle_one_and_older_runs_have_none():
    took = times([(1, 1, 2, 3, 10, 1), (1, 7, 8, 8, 10, 0)], [(1, 2, 0)])
    parts = {part.name: part.seconds for part in hours.of(took, {"makespan_s": 9.0, "restart_s": 3.0}).parts}
    assert parts == {**dict.fromkeys(parts, 0.0), "prompts": 2.0, "answers": 1.0, "idle": 3.0, "restarts": 3.0}
    facts = {"started": "2026-01-01T00:00:00+00:00", "finished": "2026-01-01T00:00:10+00:00", "makespan_s": 9.0}
    older = hours.of(took, facts)
    assert older.wall == 10.0
    assert {part.name: part.seconds for part in older.parts} == {**parts, "idle": 6.0, "restarts": 0.0, "other": 1.0}


def test_jobs_that_sent_all_they_ask_are_held_against_what_was_foreseen():
    # Each takes a second. The last but one was not foreseen, and the last one's second request another job sent.
    requests = [(n, n, n + 1, n + 1, 10, 0) for n in range(10)]
    jobs = [(n, 1, 2.0) for n in range(8)] + [(8, 1, np.nan), (9, 2, 1.0)]
    took = times(requests, jobs)
    compared = foreseen.of(took, hours.of(took, {}))
    assert compared.took.tolist() == pytest.approx([1.0] * 8)
    assert compared.within == pytest.approx((0.5, 0.5))
    few = times(requests, jobs[1:])
    assert foreseen.of(few, hours.of(few, {})) is None
    none = times([], [])
    assert foreseen.of(none, hours.of(none, {})) is None


@pytest.mark.parametrize(("name", "more"), [("summary", []), ("mine", [("style", "written")])])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_restaurants_card_has_what_is_said_of_it(kind, tmp_path, name, more):
    rows = [
        {"restaurant_id": f"0{n}", "summary": f"Soup {n}.", "praised": [{"aspect": "food", "words": ["soup"], "count": n}], "style": "written",
         "reviews_total": n}
        for n in (4, 7)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows)
    (tmp_path / "results").mkdir()
    results._publish(table.schema, table.to_batches(), tmp_path / "results" / f"{name}.{kind}")
    cards, total = answers.cards(answers.read(tmp_path))
    assert total == 2
    assert [(card["name"], card["reviews"]) for card in cards] == [("07", 7), ("04", 4)], "the largest first"
    assert cards[0]["said"] == [("summary", "Soup 7."), ("praised", "food (7)"), *more]


@pytest.mark.parametrize(
    ("answered", "lost", "why"),
    [(0, 9, "answers of no use"), (3, 9, "answers of no use"), (9, 3, "host-bound"), (0, 0, "nothing was asked")],
)
def test_an_engine_whose_answers_are_none_is_not_said_to_have_waited(answered, lost, why):
    report = {
        "run": {"steps": 9, "dry_steps": 9},
        "rows": {"waiting": 0, "rejects_by_reason": {"no-text": 50}},
        "tasks": {"mine": {"requests": answered, "preemptions": 0}},
    }
    facts = {"started": "2026-01-01T00:00:00+00:00", "finished": "2026-01-01T00:00:10+00:00", "makespan_s": 9.0}
    assert hours.bottleneck(report, hours.of(times([], []), facts), lost)[0] == why
