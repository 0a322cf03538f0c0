"""Jobs in stages, one after another and side by side, with answers made up and with a real engine's."""

import json
import math
import sqlite3
import time
from collections import Counter
from contextlib import closing

import polars as pl
import pytest

from pipelines import run
from pipelines.desk import Desk
from pipelines.errors import ConfigError
from pipelines.events import Progress
from pipelines.measurements import Measurements
from pipelines.order import Order
from pipelines.prompt import frame
from pipelines.report import build
from pipelines.store import Ledger
from pipelines.tasks import TASKS, built_in
from pipelines.tasks.answer import Answer, Field
from pipelines.tasks.digest import Case, Opinion, digest
from pipelines.tasks.evidence import Sources
from pipelines.tasks.strengths import strengths

WORDS = ["soup", "bread", "staff", "garden", "queue", "price", "noodles", "music", "terrace", "coffee"]


def corpus(sizes: dict[str, int], words: int = 12) -> list[dict]:
    """Return reviews of restaurants of these sizes, no two alike, in turns."""
    rows = [
        {
            "review_id": f"{name}-{n}",
            "restaurant_id": name,
            "text": f"The {WORDS[n % 10]} at {name} was good, visit {n}. " + f"And {WORDS[(n + 3) % 10]} too. " * words,
            "rating": 1 + n % 5,
        }
        for name, size in sizes.items()
        for n in range(size)
    ]
    return sorted(rows, key=lambda row: int(row["review_id"].rpartition("-")[2]))


@pytest.fixture
def go(tmp_path, tiny):
    def go(path, start, *names, **settings):
        known = built_in(single_stage=settings.pop("single_stage", False))
        tasks = [known[name] for name in names]
        order = Order(
            **{"tasks": tasks, "sources": [str(path)], "columns": {}, "limit": None, "model": tiny, "arguments": {},
               **settings}
        )  # fmt: skip
        events = []
        ledger = Ledger(tmp_path / "out")
        try:
            report = run.run(ledger, order, lambda **_: start(), Measurements(tmp_path / "m.jsonl"), {}, events.append)
        finally:
            ledger.close()
        return report, events

    return go


def rows(tmp_path, name):
    return pl.read_parquet(tmp_path / "out" / "results" / f"{name}.parquet")


def query(tmp_path, sql, *values):
    with closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as db:
        return db.execute(sql, values).fetchall()


def stopping(fake_engine, after):
    """Return an engine that is interrupted once it has been handed more than so many requests."""

    class Stops(fake_engine):
        def submit(self, requests):
            super().submit(requests)
            if len(self.submitted) > after:
                raise KeyboardInterrupt

    return Stops


def test_a_restaurant_that_fits_is_asked_once_and_a_larger_one_in_chunks_that_are_merged(
    go, tmp_path, write_jsonl, fake_engine
):
    report, events = go(write_jsonl(corpus({"large": 60, "small": 3})), fake_engine, "summary")
    large, small = rows(tmp_path, "summary").sort("restaurant_id").rows(named=True)
    assert (small["reviews_used"], small["reviews_total"], small["chunks"]) == (3, 3, 1)
    assert (large["reviews_used"], large["reviews_total"]) == (60, 60)
    assert large["chunks"] > 3
    stages = dict(query(tmp_path, "SELECT stage, count(*) FROM request GROUP BY stage"))
    assert stages == {0: large["chunks"] + 1, 1: 1}
    assert report["rows"] == {"in": 63, "answered": 63, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.answers, last.all_answers, last.share) == (63, 63, pytest.approx(1.0))


def test_what_does_not_fit_one_merge_is_merged_again(go, tmp_path, write_jsonl, fake_engine):
    class Wordy(fake_engine):
        """Quotes as much as it may."""

        def says(self, request):
            schema = json.loads(request.sampling.schema)
            said = {
                name: [max(item["enum"], key=len) for item in part.get("prefixItems", [])]
                for name, part in schema["properties"].items()
            }
            return json.dumps(said)

    reviews = corpus({"huge": 400}, words=30)
    go(write_jsonl(reviews), Wordy, "summary", arguments={"max_model_len": 1500})
    (found,) = rows(tmp_path, "summary").rows(named=True)
    assert (found["reviews_used"], found["reviews_total"]) == (400, 400)
    assert query(tmp_path, "SELECT max(stage) FROM request") >= [(2,)]


def test_reviews_come_first_and_the_question_last_so_two_tasks_share_them(go, tmp_path, write_jsonl, fake_engine):
    engine = fake_engine()
    go(write_jsonl(corpus({"a": 20, "b": 9, "c": 14})), lambda: engine, "summary", "strengths")
    prompts = dict(query(tmp_path, "SELECT id, task FROM request WHERE stage = 0"))
    first = {request.id: request.prompt for request in engine.submitted if request.id in prompts}
    for id_, prompt in first.items():
        shared = [other for other in first if other != id_ and first[other][:200] == prompt[:200]]
        assert [prompts[other] for other in shared] == [{"summary": "strengths", "strengths": "summary"}[prompts[id_]]]


@pytest.mark.parametrize("policy", ["fifo", "prefill", "task", "hybrid", "cost", "longest", "auto"])
def test_jobs_over_the_same_reviews_are_adjacent_under_every_policy(go, write_jsonl, fake_engine, policy, tmp_path):
    engine = fake_engine(latency=3)
    sizes = {"a": 20, "b": 9, "c": 14, "d": 2, "e": 30}
    go(write_jsonl(corpus(sizes, words=3)), lambda: engine, "strengths", "sentiment", "summary", policy=policy)
    jobs = {
        id_: (task, unit)
        for id_, task, unit in query(
            tmp_path,
            "SELECT request.id, job.task, unit FROM ask JOIN request ON request.id = request "
            "JOIN job ON job.id = ask.job WHERE stage = 0",
        )
    }
    order = list(dict.fromkeys(jobs[r.id] for r in engine.submitted if r.id in jobs))
    of_restaurants = [unit for task, unit in order if task != "sentiment"]
    assert of_restaurants[::2] == of_restaurants[1::2]
    together = [order.index(("strengths", unit)) - order.index(("summary", unit)) for unit in sizes]
    assert {abs(distance) for distance in together} == {1}


def test_while_a_second_stage_waits_for_its_first_others_run(go, write_jsonl, fake_engine, tmp_path):
    go(write_jsonl(corpus({f"r{n}": 4 for n in range(30)})), lambda: fake_engine(latency=3), "strengths")
    by_moment = [stage for (stage,) in query(tmp_path, "SELECT stage FROM request ORDER BY admitted, id")]
    assert by_moment.index(1) < len(by_moment) - 1 - by_moment[::-1].index(0)


def test_a_run_stopped_between_two_stages_goes_on_with_the_second(go, tmp_path, write_jsonl, fake_engine):
    path = write_jsonl(corpus({"a": 40, "b": 3}))

    class Stops(fake_engine):
        def submit(self, requests):
            super().submit(requests)
            if any(
                "Strengths" in request.sampling.schema or "anyOf" in request.sampling.schema for request in requests
            ):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(path, Stops, "strengths")
    answered = {id_ for (id_,) in query(tmp_path, "SELECT id FROM request WHERE state = 'answered'")}
    assert answered
    engine = fake_engine()
    report, _ = go(path, lambda: engine, "strengths")
    assert report["rows"]["answered"] == 43
    assert not answered & {request.id for request in engine.submitted}
    report, _ = go(path, lambda: pytest.fail("there is nothing to ask"), "strengths")
    assert report["rows"]["answered"] == 43
    assert rows(tmp_path, "strengths").height == 2


def test_a_new_review_asks_its_restaurant_again_and_no_other(go, tmp_path, write_jsonl, fake_engine):
    reviews = corpus({"a": 5, "b": 5})
    go(write_jsonl(reviews), fake_engine, "summary")
    engine = fake_engine()
    go(
        write_jsonl([*reviews, {"review_id": "new", "restaurant_id": "b", "text": "New and good."}]),
        lambda: engine,
        "summary",
    )
    assert len(engine.submitted) == 1


def test_what_is_no_answer_is_asked_again_with_more_room_and_then_rejected_with_its_text(
    go, tmp_path, write_jsonl, fake_engine
):
    class Mumbles(fake_engine):
        """Says nothing useful about b, and about a only when it is asked again."""

        def says(self, request):
            first = self.asked[request.id] == 1
            return "{" if request.id == 2 or first else super().says(request)

        def submit(self, requests):
            self.asked = getattr(self, "asked", Counter())
            self.asked.update(request.id for request in requests)
            super().submit(requests)

    engine = Mumbles()
    report, events = go(write_jsonl(corpus({"a": 5, "b": 4})), lambda: engine, "summary")
    assert engine.asked == {1: 2, 2: 2}
    rooms = {request.sampling.max_tokens for request in engine.submitted}
    assert max(rooms) > 2 * min(rooms)
    assert rows(tmp_path, "summary")["restaurant_id"].to_list() == ["a"]
    assert report["rows"] == {
        "in": 9, "answered": 5, "rejected": 4, "waiting": 0, "rejects_by_reason": {"malformed": 4},
    }  # fmt: skip
    assert report["tasks"]["summary"]["retried"] == 1
    assert query(tmp_path, "SELECT answer, detail FROM request WHERE state = 'rejected'") == [
        ('"{"', "no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)")
    ]
    rejects = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    assert {(reject["id"], reject["task"], reject["stage"]) for reject in rejects} == {
        (f"b-{n}", "summary", 0) for n in range(4)
    }
    assert [event for event in events if isinstance(event, Progress)][-1].share == pytest.approx(1.0)


def test_a_chunk_without_an_answer_is_left_out_and_said(go, tmp_path, write_jsonl, fake_engine):
    class Skips(fake_engine):
        def says(self, request):
            return "" if request.id == 2 else super().says(request)

    report, _ = go(write_jsonl(corpus({"a": 60})), Skips, "summary")
    (found,) = rows(tmp_path, "summary").rows(named=True)
    rejected = report["rows"]["rejected"]
    assert 0 < rejected < 60
    assert (found["reviews_used"], found["reviews_total"]) == (60 - rejected, 60)
    assert report["rows"]["answered"] == 60 - rejected


def test_a_restaurant_whose_last_stage_has_no_answer_is_rejected_whole(go, tmp_path, write_jsonl, fake_engine):
    class Ends(fake_engine):
        def says(self, request):
            return "" if "anyOf" in request.sampling.schema else super().says(request)

    report, _ = go(write_jsonl(corpus({"a": 6})), Ends, "strengths")
    assert rows(tmp_path, "strengths").height == 0
    assert report["rows"]["rejects_by_reason"] == {"malformed": 6}
    reject = json.loads((tmp_path / "out" / "rejects.jsonl").read_text().splitlines()[0])
    assert reject["stage"] == 1
    jobs = report["tasks"]["strengths"]["jobs"]
    assert (jobs["count"], jobs["completed"]) == (1, 0)


def test_who_is_better_at_nothing_is_not_asked_for_strengths(go, tmp_path, write_jsonl, fake_engine):
    bad = [{**row, "rating": 1} for row in corpus({"a": 6})]
    good = [{**row, "rating": 5} for row in corpus({"b": 6})]
    report, _ = go(write_jsonl([*bad, *good]), fake_engine, "strengths")
    assert report["rows"]["answered"] == 12
    assert [len(found) for found in rows(tmp_path, "strengths")["strengths"]] == [0, 3]
    assert query(tmp_path, "SELECT count(*) FROM request WHERE stage = 1") == [(1,)]


def test_a_run_that_is_killed_where_a_stage_ends_is_not_taken_to_be_done(
    go, tmp_path, write_jsonl, fake_engine, monkeypatch
):
    path = write_jsonl(corpus({"a": 6}))

    def killed(*_):
        raise KeyboardInterrupt

    def start():
        monkeypatch.setattr(Desk, "advance", killed)  # the plan has been made with the real one
        return fake_engine()

    with pytest.raises(KeyboardInterrupt):
        go(path, start, "strengths")
    found = build(tmp_path / "out")["rows"]
    assert (found["answered"], found["waiting"]) == (0, 6)
    monkeypatch.undo()
    report, _ = go(path, fake_engine, "strengths")
    assert report["rows"]["answered"] == 6


def test_what_has_not_been_asked_yet_waits(go, tmp_path, write_jsonl, fake_engine, monkeypatch):
    path = write_jsonl(corpus({"a": 6, "b": 4}))
    go(path, fake_engine, "sentiment")
    advance = Desk.advance

    def killed(desk, task, job, unit):
        if unit == "b":
            raise KeyboardInterrupt
        return advance(desk, task, job, unit)

    monkeypatch.setattr(Desk, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        go(path, fake_engine, "sentiment", "summary")
    found = build(tmp_path / "out")
    assert (found["rows"]["in"], found["rows"]["answered"], found["rows"]["waiting"]) == (10, 0, 10)
    assert found["tasks"]["summary"]["outcome"] == {"answered": 0, "rejected": 0, "waiting": 10}


def test_who_has_nothing_to_quote_is_not_compared_with(go, tmp_path, write_jsonl, fake_engine):
    mute = [{"review_id": f"m{n}", "restaurant_id": f"mute{n}", "text": "👍" * (n + 1)} for n in range(6)]
    go(write_jsonl([*corpus({"a": 4, "b": 4, "c": 4, "d": 4}), *mute]), fake_engine, "strengths")
    for row in rows(tmp_path, "strengths").iter_rows(named=True):
        assert len(row["compared_with"]) == 3
        assert not [name for name in row["compared_with"] if name.startswith("mute")]


def test_a_task_one_of_whose_stages_does_not_fit_the_model_is_an_error(go, write_jsonl, fake_engine, tokenizer):
    task = built_in()["strengths"]
    needs = {
        name: form.max_tokens + frame(form, tokenizer).tokens
        for name, form in ((name, task.forms[f"{name}.en"]) for name in ("comparison_summary", "target_restaurant_strength"))
    }  # fmt: skip
    assert needs["comparison_summary"] + 20 < needs["target_restaurant_strength"]
    with pytest.raises(ConfigError, match="leave no room in a context of"):
        go(write_jsonl(corpus({"a": 6})), fake_engine, "strengths",
           arguments={"max_model_len": needs["target_restaurant_strength"]})  # fmt: skip


def test_a_review_longer_than_the_model_is_rejected_and_the_others_of_its_restaurant_are_used(
    go, tmp_path, write_jsonl, fake_engine
):
    reviews = [*corpus({"a": 3}), {"review_id": "long", "restaurant_id": "a", "text": "word " * 4000}]
    report, _ = go(write_jsonl(reviews), fake_engine, "summary")
    assert report["rows"]["rejects_by_reason"] == {"too-long": 1}
    (found,) = rows(tmp_path, "summary").rows(named=True)
    assert (found["reviews_used"], found["reviews_total"]) == (3, 4)


def test_evidence_that_no_review_has_is_kept_out_and_counted(go, tmp_path, write_jsonl, fake_engine):
    class Invents(fake_engine):
        def says(self, request):
            said = json.loads(super().says(request))
            if "strengths" in said:
                said["strengths"].append({"evidence": "we saw a unicorn", "strength": "a unicorn"})
            return json.dumps(said)

    report, _ = go(write_jsonl(corpus({"a": 6})), Invents, "strengths")
    (found,) = rows(tmp_path, "strengths").rows(named=True)
    assert found["ungrounded"] == report["tasks"]["strengths"]["ungrounded"] == 1
    assert "a unicorn" not in [strength["strength"] for strength in found["strengths"]]
    assert report["tasks"]["strengths"]["grounded"] == len(found["strengths"]) > 0


def test_every_row_is_accounted_for_under_every_task(go, tmp_path, write_jsonl, fake_engine):
    reviews = [*corpus({"a": 5, "b": 3}), {"review_id": "bad"}]
    report, events = go(write_jsonl(reviews), fake_engine, "sentiment", "summary", "strengths")
    assert report["rows"]["in"] == 9
    for name in ("sentiment", "summary", "strengths"):
        assert report["tasks"][name]["outcome"] == {"answered": 8, "rejected": 0, "waiting": 0}
    assert [event for event in events if isinstance(event, Progress)][-1].answers == 3 * 8
    assert list(report["tasks"]) == ["sentiment", "summary", "strengths"]


def test_the_deadline_holds_between_stages_and_the_next_run_goes_on(go, tmp_path, write_jsonl, fake_engine):
    path = write_jsonl(corpus({f"r{n}": 1 for n in range(180)}, words=1))

    class Slow(fake_engine):
        def step(self, patience=math.inf):
            time.sleep(0.1)
            return super().step()

    report, _ = go(path, Slow, "strengths", deadline=time.time() + 2.5)
    assert report["run"]["status"] == "deadline"
    assert 0 < report["rows"]["waiting"] < 180
    report, _ = go(path, fake_engine, "strengths")
    assert (report["run"]["status"], report["rows"]["answered"]) == ("done", 180)


@pytest.mark.parametrize("single_stage", [False, True])
def test_on_a_real_engine_all_that_is_written_parses_and_is_grounded(
    go, tmp_path, write_jsonl, engine, lent, single_stage
):
    engine.forget()
    reviews = corpus({"large": 40, "small": 3, "medium": 12}, words=4)
    report, _ = go(write_jsonl(reviews), lent, "sentiment", "summary", "strengths", single_stage=single_stage)
    assert report["rows"]["answered"] == 55, report["rows"]
    texts = {}
    for row in reviews:
        texts.setdefault(row["restaurant_id"], []).append(Opinion(0, row["review_id"], row["text"]))
    summaries, found = rows(tmp_path, "summary"), rows(tmp_path, "strengths")
    assert summaries["restaurant_id"].to_list() == found["restaurant_id"].to_list() == ["large", "small", "medium"]
    for row in found.iter_rows(named=True):
        sources = Sources(texts[row["restaurant_id"]])
        assert bool(row["strengths"]) == (row["restaurant_id"] != "small")  # whose reviews have no good rating
        assert len(row["compared_with"]) == 2
        for strength in row["strengths"]:
            saying = sources.of(strength["evidence"])
            assert strength["review_id"] == saying[0]
            assert 1 <= strength["support"] <= len(texts[row["restaurant_id"]])
            assert strength["strength"] in strength["evidence"]
        assert (row["better"] == []) == (single_stage or row["restaurant_id"] == "small")
    for row in summaries.iter_rows(named=True):
        sources = Sources(texts[row["restaurant_id"]])
        assert all(sources.of(quote) for quote in (*row["praised"], *row["criticised"]))
    task = report["tasks"]["strengths"]
    assert task["cached_tokens"] == pytest.approx(task["expected_cached_tokens"], rel=0.1)
    assert task["cached_tokens"] > 0.4 * task["prompt_tokens"]


def test_korean_end_to_end(go, tmp_path, write_jsonl, lent):
    texts = [
        "국물이 정말 진하고 맛있어요. 직원분도 친절했어요!", "ＷＩＦＩ 빵빵하고 ｃｏｆｆｅｅ 도 좋아요 ☕️🙂",
        "\u1100\u1175\u11b7\u110e\u1175\u110d\u1175\u1100\u1162 최고예요. 또 갈게요.",  # decomposed
        "줄이 너무 길어요 ㅠㅠ", "고기 질 good, 가격은 bad 합니다. 주차가 불편해요 👨‍👩‍👧", "e\u0301clair 맛집이에요. 디저트가 정말 달아요",
    ]  # fmt: skip
    reviews = [{"review_id": f"k{n}", "restaurant_id": "숯불마당", "text": text} for n, text in enumerate(texts)]
    english = [{"review_id": "e", "restaurant_id": "diner", "text": "Great soup here. The staff was kind."}]
    report, _ = go(write_jsonl([*reviews, *english]), lent, "sentiment", "summary", "strengths")
    assert report["rows"]["answered"] == 7
    forms = Counter(query(tmp_path, "SELECT task, form FROM request WHERE form NOT LIKE '%.en'"))
    assert forms["sentiment", "ask.ko"] == 6
    assert {("summary", "chunk.ko"), ("strengths", "comparison_summary.ko")} < forms.keys()
    assert set(rows(tmp_path, "sentiment")["label"]) <= {"positive", "neutral", "negative"}
    (found,) = rows(tmp_path, "strengths").filter(pl.col("restaurant_id") == "숯불마당").rows(named=True)
    sources = Sources([Opinion(0, row["review_id"], row["text"]) for row in reviews])
    assert found["strengths"]
    assert found["ungrounded"] == 0
    assert all(sources.of(strength["evidence"]) for strength in found["strengths"])


def test_the_language_may_be_said_by_a_column_or_for_all(go, tmp_path, write_jsonl, fake_engine):
    reviews = [
        {"review_id": "a", "restaurant_id": "x", "text": "masisseoyo", "lang": "ko-KR"},
        {"review_id": "b", "restaurant_id": "x", "text": "맛있어요", "lang": "xx"},
        {"review_id": "c", "restaurant_id": "x", "text": "맛있어요!", "lang": None},
    ]
    go(write_jsonl(reviews), fake_engine, "sentiment", calibration="raw")
    assert query(tmp_path, "SELECT form FROM request ORDER BY id") == [("ask.ko",), ("ask.en",), ("ask.ko",)]
    go(write_jsonl(reviews), fake_engine, "sentiment", calibration="raw", lang="en")
    assert query(tmp_path, "SELECT DISTINCT form FROM ask JOIN request ON request.id = request") == [("ask.en",)]


def test_queries_are_expanded_on_a_real_engine(go, tmp_path, write_jsonl, lent):
    queries = ["cheap noodles near the station", "조용한 국수집", "Vegan   Tacos"]
    path = write_jsonl([{"query_id": n, "query": text} for n, text in enumerate(queries)])
    report, _ = go(path, lent, "query-expansion")
    assert report["rows"]["answered"] == 3
    found = rows(tmp_path, "query-expansion")
    assert found["query"].to_list() == queries
    for query_, expansions in found.select("query", "expansions").iter_rows():
        assert len(expansions) <= 5
        said = [text.casefold() for text in expansions]
        assert len(set(said)) == len(said)
        assert query_.casefold() not in said


def test_every_task_has_forms_in_english_and_korean():
    for task in TASKS.values():
        names = {key.partition(".")[0] for key in task.forms}
        assert task.forms.keys() == {f"{name}.{lang}" for name in names for lang in ("en", "ko")}


def test_restaurants_that_come_to_ask_the_same_in_their_second_stage_are_resumed(
    go, tmp_path, write_jsonl, fake_engine
):
    """Their first stages differ, for they are compared with others; one of them was answered before the stop."""
    text = "Great food and very nice staff."
    reviews = [{"review_id": name, "restaurant_id": name, "text": text} for name in "ab"]
    reviews += [{"review_id": "c", "restaurant_id": "c", "text": "The bread of the house was warm."}]
    path = write_jsonl(reviews)

    with pytest.raises(KeyboardInterrupt):
        go(path, stopping(fake_engine, after=1), "strengths")
    engine = fake_engine(latency=2)
    report, _ = go(path, lambda: engine, "strengths")
    assert report["rows"]["answered"] == 3
    sent = Counter(request.id for request in engine.submitted)
    assert set(sent.values()) == {1}


def test_a_merge_that_asks_what_a_chunk_did_is_another_question(go, write_jsonl, fake_engine):
    class Own(fake_engine):
        def says(self, request):
            return '{"mood": "good"}'

    mood = digest("mood", "", Answer((Field("mood", {"enum": ["good", "bad"]}),)), "How is it?", 8, ())
    long = " ".join(["word"] * 450)
    texts = ['{"mood": "good"}', '{"mood": "good"}', long, long + "!"]
    reviews = [{"review_id": str(n), "restaurant_id": "a", "text": text} for n, text in enumerate(texts)]
    report, _ = go(write_jsonl(reviews), Own, tasks=[mood])
    assert report["rows"]["answered"] == 4


def test_rows_of_a_restaurant_wait_until_all_of_it_is_answered(go, tmp_path, write_jsonl, fake_engine):
    with pytest.raises(KeyboardInterrupt):
        go(write_jsonl(corpus({"a": 60})), stopping(fake_engine, after=2), "summary")
    assert query(tmp_path, "SELECT count(*) FROM request WHERE state = 'answered'") > [(0,)]
    assert query(tmp_path, "SELECT DISTINCT state FROM outcome") == [("waiting",)]
    report, events = go(write_jsonl(corpus({"a": 60})), fake_engine, "summary")
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.answers, last.all_answers) == (60, 60)
    assert report["rows"]["answered"] == 60


def test_rated_and_unrated_reviews_are_quoted_side_by_side(go, tmp_path, write_jsonl, fake_engine):
    reviews = [
        {"review_id": "up", "restaurant_id": "a", "text": "The soup was lovely.", "rating": 5},
        {"review_id": "down", "restaurant_id": "a", "text": "The soup was cold.", "rating": "1"},
        {"review_id": "none", "restaurant_id": "a", "text": "The bread was there."},
        {"review_id": "odd", "restaurant_id": "a", "text": "The tea was there.", "rating": 10**400},
    ]
    engine = fake_engine()
    go(write_jsonl(reviews), lambda: engine, "summary")
    offered = {
        name: {quote for item in part["prefixItems"] for quote in item["enum"]}
        for name, part in json.loads(engine.submitted[0].sampling.schema)["properties"].items()
    }
    either = {"The bread was there", "The tea was there"}
    assert offered["praised"] == {"The soup was lovely", *either}
    assert offered["criticised"] == {"The soup was cold", *either}


def test_chunks_leave_room_for_the_question_and_the_answer(go, write_jsonl, fake_engine):
    report, _ = go(
        write_jsonl(corpus({"a": 60})), fake_engine, "summary", "strengths", arguments={"max_model_len": 1400}
    )
    assert report["rows"] == {"in": 60, "answered": 60, "rejected": 0, "waiting": 0, "rejects_by_reason": {}}


def test_a_script_without_spaces_can_be_quoted(go, tmp_path, write_jsonl, fake_engine):
    reviews = [
        {"review_id": "j", "restaurant_id": "a", "text": "スープがとても美味しかったです。店員さんも親切でした。"}
    ]
    go(write_jsonl(reviews), fake_engine, "summary")
    (found,) = rows(tmp_path, "summary").rows(named=True)
    assert found["summary"].startswith("スープがとても美味しかったです")


def test_chunks_leave_room_for_what_is_said_of_long_winded_others(go, write_jsonl, fake_engine):
    reviews = [
        {
            "review_id": f"{name}{n}",
            "restaurant_id": name,
            "text": f"Everything {n} " + "extraordinarily " * 6 + f"good at {name}.",
        }
        for name in "abcd"
        for n in range(40)
    ]
    report, _ = go(write_jsonl(reviews), fake_engine, "summary", "strengths")
    assert report["rows"]["rejects_by_reason"] == {}


def test_support_is_how_many_reviews_have_the_words_of_a_strength_and_the_best_supported_goes_first():
    texts = ["Great soup here. Kind staff", "Such kind  staff!", "The staff is kind", "great SOUP again, kind staff"]
    answer = {
        "strengths": [
            {"evidence": "Great soup here", "strength": "great soup"},
            {"evidence": "Kind staff", "strength": "Kind staff"},
            {"evidence": "great soup again", "strength": "Great soup"},
        ]
    }
    case = Case("a", [Opinion(n, f"r{n}", text) for n, text in enumerate(texts)], answers=[[answer]])
    assert strengths(single=True).fields(case)["strengths"] == [
        {"strength": "Kind staff", "evidence": "Kind staff", "review_id": "r0", "support": 3},
        {"strength": "great soup", "evidence": "Great soup here", "review_id": "r0", "support": 2},
    ]
