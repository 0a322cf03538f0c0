"""What the page says, part by part."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.corpus.reject import Reason
from pipelines.output import results
from pipelines.output.page import answers, hours, reasons, said
from pipelines.output.tables import FORMATS


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


def test_time_that_several_requests_share_counts_once():
    since, until = np.array([5.0, 0.0, 1.0, 5.5]), np.array([6.0, 2.0, 3.0, 5.6])
    assert hours._covered(since, until) == 4.0
    assert hours._covered(np.zeros(0), np.zeros(0)) == 0.0


def test_in_the_order_of_the_input_a_job_waits_for_those_before_it():
    # Job, scheduled, first and last token, computed, decoded: the second job went first, and is the smaller.
    work = np.array([[2, 0, 1, 1, 100, 0], [1, 1, 4, 4, 300, 0]], dtype=float)
    assert hours._by_input(work, [{"job": 1}, {"job": 2}], 4.0, 4.0).tolist() == [3.0, 4.0]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_restaurants_card_has_what_is_said_of_it(kind, tmp_path):
    rows = [
        {"restaurant_id": f"0{n}", "summary": f"Soup {n}.", "praised": [{"aspect": "food", "words": ["soup"], "count": n}], "style": "written",
         "reviews_total": n}
        for n in (4, 7)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows)
    (tmp_path / "results").mkdir()
    results._publish(table.schema, table.to_batches(), tmp_path / "results" / f"digest.{kind}")
    cards, total = answers.cards(answers.read(tmp_path))
    assert total == 2
    assert [(card["name"], card["reviews"]) for card in cards] == [("07", 7), ("04", 4)], "the largest first"
    assert cards[0]["said"] == [("summary", "Soup 7."), ("praised", "food (7)")]
