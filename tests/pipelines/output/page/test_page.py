"""The page of whole runs: it shows what there is, says what is missing, and fetches nothing."""

import json
import re
import shutil
import sqlite3
import subprocess
from html.parser import HTMLParser

import polars as pl
import pytest

from pipelines.corpus.reading import Reading
from pipelines.ledger import history
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measured, Measurements
from pipelines.output import report, times
from pipelines.output.page import hours
from scheduling.speed import Slice

EVIL = "<script>alert(1)</script>"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Reader(HTMLParser):
    """Collects a page's text, and holds that every element that opens also closes."""

    VOID = frozenset({"meta", "br", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.text, self.tags, self.ids = [], [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.VOID or self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text.append(data)


def read(folder) -> tuple[str, str]:
    """Return a page, which is well formed and fetches nothing, and the text on it."""
    page = (folder / "report.html").read_text()
    reader = Reader(page)
    assert not re.findall(r"https?://|src=|@import|<link", page), "it needs something else"
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))
    assert reader.tags.count("script") == 1
    return page, " ".join(" ".join(reader.text).split())


@pytest.fixture
def ran(go, tmp_path, write_jsonl, corpus, fake_engine):
    """Do a run of ten restaurants and return the folder."""
    go(write_jsonl(corpus({f"place {n}": n + 1 for n in range(10)}, words=2)), fake_engine)
    return tmp_path / "out"


def test_a_run_is_judged_at_a_glance(ran):
    page, text = read(ran)
    assert "Done: 55 of 55 reviews answered in" in text
    assert page.count("<svg") == 4
    assert page.count("<details>") == 1, "there are no summaries, only the settings"
    assert "Of restaurants with 5 reviews or more" in text
    assert "Tomorrow:" in text


def test_the_same_run_gives_the_same_page(ran):
    before = (ran / "report.html").read_text()
    report.write(ran)
    assert (ran / "report.html").read_text() == before


def test_the_parts_add_up_to_the_time_between_start_and_end(ran):
    with history.opened(ran) as (db, run):
        time = hours.of(times.read(db, run.number), run.facts | {"started": run.started})
    assert time.wall == run.facts["wall_s"]
    assert sum(part.seconds for part in time.parts) == pytest.approx(time.wall)
    assert all(part.seconds >= 0 for part in time.parts)
    (other,) = [part.seconds for part in time.parts if part.name == "other"]
    assert other < 0.25 * time.wall, "a run of a second has more of it than one of a night"
    assert len(time.jobs) == 10
    assert not len(time.by_input), "all of them were in the engine at once"


def test_what_jobs_took_is_held_against_what_was_foreseen(go, tmp_path, write_jsonl, corpus, lent):
    kept = Measurements(tmp_path / "measurements" / "tiny.jsonl")
    kept.add(Measured([Slice(2.0, 8000.0, 100.0, 0.0)] * 5, {"sentiment": (500, 0)}, 0.0), pytest.fail)
    path = write_jsonl(corpus({f"place {n}": n + 1 for n in range(10)}, words=2))
    go(path, lent)
    page, text = read(tmp_path / "out")
    assert "Job by job, nine of ten took between" in text
    assert page.count("<svg") == 6
    go(path, lent)  # nothing is left to ask
    assert "Job by job" not in read(tmp_path / "out")[1]


def test_what_reviews_and_restaurants_are_called_is_text(go, tmp_path, write_jsonl, corpus, fake_engine):
    rows = [
        row | {"review_id": f"{EVIL}{n}", "text": f"{EVIL} {n}"} for n, row in enumerate(corpus({EVIL: 9, "$b_{$": 2}))
    ]
    go(write_jsonl([*rows, rows[0], {"review_id": EVIL, "restaurant_id": EVIL, "text": ""}]), fake_engine, "sentiment", "summary",
       style="quotes")  # fmt: skip
    page, text = read(tmp_path / "out")
    assert EVIL not in page
    assert text.count(EVIL) > 10
    assert "an id seen before: 1 time" in text


def test_what_would_act_or_hide_is_spelled_out_in_its_source(go, tmp_path, write_jsonl, corpus, fake_engine):
    name = "Rosa\x1b[31m\u202eBar\u2066\x07\x85"
    go(write_jsonl([*corpus({name: 9, "가게": 2}), {"review_id": name, "restaurant_id": name, "text": "", "deadline": name}]),
       fake_engine)  # fmt: skip
    page, text = read(tmp_path / "out")
    assert page.replace("\n", "").replace("\xa0", "").isprintable()
    assert r"Rosa\x1b[31m\u202eBar\u2066\x07\x85" in text
    assert "가게" in text


def test_one_row_is_enough_for_a_page_without_pictures(go, tmp_path, write_jsonl, fake_engine):
    go(write_jsonl([{"review_id": "a", "restaurant_id": "b", "text": "good"}]), fake_engine)
    page, text = read(tmp_path / "out")
    assert "1 of 1 review answered" in text
    assert "Tomorrow:" not in text, "of one nobody knows what a thousand take"
    assert "<svg" not in page


def test_a_page_of_queries_speaks_of_queries(go, tmp_path, write_jsonl, fake_engine):
    go(write_jsonl([{"query_id": f"q{n}", "query": f"soup {n}"} for n in range(12)]), fake_engine, "query-expansion")
    _, text = read(tmp_path / "out")
    assert "12 of 12 queries answered" in text
    assert "a job is one query" in text


def test_a_page_of_reviews_speaks_of_reviews_whatever_their_numbers_are(go, tmp_path, write_jsonl, fake_engine):
    rows = [{"review_id": n, "restaurant_id": 1 + n % 2, "text": f"soup {n}"} for n in range(1, 4)]
    go(write_jsonl(rows), fake_engine)
    assert "3 of 3 reviews answered" in read(tmp_path / "out")[1]


def test_that_all_digests_are_of_one_style_is_no_wonder(go, tmp_path, write_jsonl, corpus, fake_engine):
    go(write_jsonl(corpus({f"place {n}": 2 for n in range(60)}, words=1)), fake_engine, "summary", style="quotes")
    assert "have the label quotes" not in read(tmp_path / "out")[1]


def test_many_rejects_are_told_with_advice(go, tmp_path, write_jsonl, corpus, fake_engine):
    rows = corpus({"a": 20})
    go(write_jsonl([row | {"text": ""} if n > 1 else row for n, row in enumerate(rows)]), fake_engine)
    _, text = read(tmp_path / "out")
    assert "2 of 20 reviews answered" in text
    assert "18 rejected, all without a text." in text
    assert "90 % of the rows were rejected" in text
    assert text.count("text is empty") == 2
    assert "--column text=" in text


def test_of_answers_that_are_none_the_requests_are_counted_and_not_the_rows_behind_them(
    go, tmp_path, write_jsonl, corpus, fake_engine
):
    rows = [row | {"text": "soup"} for row in corpus({"a": 60})]
    go(write_jsonl([*rows, *corpus({"b": 3})]), fake_engine)
    with sqlite3.connect(tmp_path / "out" / "run.sqlite") as db:
        key = "SELECT request FROM ask GROUP BY request ORDER BY count(*) DESC LIMIT 1"
        db.execute(f"UPDATE request SET state = 'rejected', reason = 'truncated', detail = '' WHERE id = ({key})")
    report.write(tmp_path / "out")
    _, text = read(tmp_path / "out")
    assert "60 rejected, all an answer that was cut off" in text
    assert "answers of no use" not in text


def test_a_run_that_is_interrupted_says_so_and_how_to_go_on(go, tmp_path, write_jsonl, corpus, stopping):
    with pytest.raises(KeyboardInterrupt):
        go(write_jsonl(corpus({"a": 20, "b": 20})), stopping(10))
    _, text = read(tmp_path / "out")
    assert "Stopped by an error or a signal" in text
    assert "The same command on the same folder continues" in text


def test_a_run_that_is_interrupted_before_its_first_answer_does_not_say_that_it_asked_nothing(
    go, tmp_path, write_jsonl, corpus, stopping
):
    with pytest.raises(KeyboardInterrupt):
        go(write_jsonl(corpus({"a": 20, "b": 20})), stopping(0))
    _, text = read(tmp_path / "out")
    assert "40 still to ask" in text
    assert "no answer yet" in text
    assert "nothing was asked" not in text.lower()


def test_a_run_without_an_answer_has_a_page(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.begin({})
    report.write(tmp_path)
    ledger.close()
    _, text = read(tmp_path)
    assert "reviewbatch, run 1: running" in text
    assert "There are no results yet" in text


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_results_are_read_in_every_format(kind, go, tmp_path, write_jsonl, corpus, fake_engine):
    go(write_jsonl(corpus({f"0{n}": 6 for n in range(3)})), fake_engine, format=kind)
    _, text = read(tmp_path / "out")
    assert "00 best" in text, "a name of digits is a name"
    assert "least sure" in text


def test_results_that_are_broken_or_of_another_make_are_left_out(ran):
    (ran / "results" / "sentiment.parquet").write_bytes(b"none")
    pl.DataFrame({"a": [1]}).write_parquet(ran / "results" / "sentiment_by_restaurant.parquet")
    report.write(ran)
    _, text = read(ran)
    assert "The share of each label" in text, "that is in the report"
    assert "least sure" not in text


def test_labels_are_drawn_over_time_by_the_dates_that_are_kept(go, tmp_path, write_jsonl, corpus, fake_engine):
    rows = [
        row | {EVIL: f"2024-{n % 5 + 1:02}-03"} for n, row in enumerate(corpus({f"place {n}": 9 for n in range(5)}))
    ]
    rows[0][EVIL] = None
    go(write_jsonl(rows), fake_engine, reading=Reading(keep=[EVIL]))
    page, text = read(tmp_path / "out")
    assert EVIL not in page
    assert f"The dates are those of the column {EVIL}: 44 answers with one, 1 without." in text
    assert "by month" in text
    assert "Jan 2024 8" in text
    assert 'aria-label="sentiment: the share of each label by month from Jan 2024 to May 2024"' in page


@pytest.mark.skipif(not BROWSER, reason="there is no Chromium here")
def test_a_browser_shows_it_without_a_request_an_error_or_a_sideways_scroll(ran, tmp_path):
    # A window cannot be as narrow as a phone, a frame can. What is found there is written where the test finds it.
    probe = """<iframe src="out/report.html" style="width:360px;height:800px;border:0"></iframe><script>
    onload = () => { const page = frames[0].document; document.title = JSON.stringify({
      over: page.documentElement.scrollWidth - page.documentElement.clientWidth, pictures: page.querySelectorAll("svg").length,
      cut: [...page.querySelectorAll(".wide")].filter(table => table.scrollWidth > table.clientWidth).length,
      asked: frames[0].performance.getEntriesByType("resource").length}); }</script>"""
    (tmp_path / "probe.html").write_text(probe)
    done = subprocess.run(
        [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--enable-logging=stderr",
         "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom", f"file://{tmp_path / 'probe.html'}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found = json.loads(re.search(r"<title>(.*?)</title>", done.stdout)[1])
    assert found == {"over": 0, "pictures": 5, "cut": 0, "asked": 0}
    assert "CONSOLE" not in done.stderr
