"""Jobs in stages, one after another and side by side, with answers made up."""

import json
from collections import Counter

import pytest

from pipelines.errors import ConfigError
from pipelines.events import Progress
from pipelines.prompts.template import tokenize
from pipelines.tasks import built_in


def test_reviews_come_first_and_the_question_last_so_two_tasks_share_them(go, write_jsonl, fake_engine, query, corpus):
    engine = fake_engine()
    go(write_jsonl(corpus({"a": 20, "b": 9, "c": 14})), lambda: engine, "mood", "dish")
    prompts = dict(query("SELECT id, task FROM request WHERE stage = 0"))
    first = {request.id: request.prompt for request in engine.submitted if request.id in prompts}
    for id_, prompt in first.items():
        shared = [other for other in first if other != id_ and first[other][:200] == prompt[:200]]
        assert [prompts[other] for other in shared] == [{"mood": "dish", "dish": "mood"}[prompts[id_]]]


@pytest.mark.parametrize("policy", ["fifo", "prefill", "task", "hybrid", "cost", "longest", "auto"])
def test_jobs_over_the_same_reviews_are_adjacent_under_every_policy(
    go, write_jsonl, fake_engine, policy, query, corpus
):
    engine = fake_engine(latency=3)
    sizes = {"a": 20, "b": 9, "c": 14, "d": 2, "e": 30}
    go(write_jsonl(corpus(sizes, words=3)), lambda: engine, "dish", "sentiment", "mood", policy=policy)
    jobs = {
        id_: (task, unit)
        for id_, task, unit in query(
            "SELECT request.id, job.task, unit FROM ask JOIN request ON request.id = request "
            "JOIN job ON job.id = ask.job WHERE stage = 0",
        )
    }
    order = list(dict.fromkeys(jobs[r.id] for r in engine.submitted if r.id in jobs))
    of_restaurants = [unit for task, unit in order if task != "sentiment"]
    assert of_restaurants[::2] == of_restaurants[1::2]
    together = [order.index(("dish", unit)) - order.index(("mood", unit)) for unit in sizes]
    assert {abs(distance) for distance in together} == {1}


def test_while_a_second_stage_waits_for_its_first_others_run(go, write_jsonl, fake_engine, query, corpus):
    go(write_jsonl(corpus({f"r{n}": 30 for n in range(6)})), lambda: fake_engine(latency=3), "mood")
    by_moment = [stage for (stage,) in query("SELECT stage FROM request ORDER BY admitted, id")]
    assert by_moment.index(1) < len(by_moment) - 1 - by_moment[::-1].index(0)


def test_a_new_review_asks_its_restaurant_again_and_no_other(go, write_jsonl, fake_engine, corpus):
    reviews = corpus({"a": 5, "b": 5})
    go(write_jsonl(reviews), fake_engine, "mood")
    engine = fake_engine()
    go(
        write_jsonl([*reviews, {"review_id": "new", "restaurant_id": "b", "text": "New and good."}]),
        lambda: engine,
        "mood",
    )
    assert len(engine.submitted) == 1


def test_what_is_no_answer_is_asked_again_with_more_room_and_then_rejected_with_its_text(
    go, tmp_path, write_jsonl, fake_engine, results, query, corpus
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
    report, events = go(write_jsonl(corpus({"a": 5, "b": 4})), lambda: engine, "mood")
    assert engine.asked == {1: 2, 2: 2}
    rooms = {request.sampling.max_tokens for request in engine.submitted}
    assert max(rooms) > 2 * min(rooms)
    assert results("mood")["restaurant_id"].to_list() == ["a"]
    assert report["rows"] == {
        "in": 9, "answered": 5, "rejected": 4, "waiting": 0, "rejects_by_reason": {"malformed": 4},
    }  # fmt: skip
    assert report["tasks"]["mood"]["retried"] == 1
    assert query("SELECT answer, detail FROM request WHERE state = 'rejected'") == [
        ('"{"', "no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)")
    ]
    rejects = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    assert {(reject["id"], reject["task"], reject["stage"]) for reject in rejects} == {
        (f"b-{n}", "mood", 0) for n in range(4)
    }
    assert [event for event in events if isinstance(event, Progress)][-1].share == pytest.approx(1.0)


def test_a_restaurant_whose_last_stage_has_no_answer_is_rejected_whole(
    go, tmp_path, write_jsonl, reading, results, corpus
):
    class Ends(reading):
        def says(self, request):
            return "" if "required" in json.loads(request.sampling.schema or "{}") else super().says(request)

    report, _ = go(write_jsonl(corpus({"a": 6})), Ends, "summary")
    assert results("summary").height == 0
    assert report["rows"]["rejects_by_reason"] == {"malformed": 6}
    assert report["tasks"]["points"]["outcome"] == {"answered": 6, "rejected": 0, "waiting": 0}
    reject = json.loads((tmp_path / "out" / "rejects.jsonl").read_text().splitlines()[0])
    assert (reject["task"], reject["stage"]) == ("summary", 1)
    jobs = report["tasks"]["summary"]["jobs"]
    assert (jobs["count"], jobs["completed"]) == (1, 0)


def test_a_review_longer_than_the_model_is_rejected_and_the_others_of_its_restaurant_are_used(
    go, write_jsonl, fake_engine, results, corpus
):
    reviews = [*corpus({"a": 3}), {"review_id": "long", "restaurant_id": "a", "text": " ".join(map(str, range(4000)))}]
    report, _ = go(write_jsonl(reviews), fake_engine, "summary")
    assert report["rows"]["rejected"] == 1
    assert report["rows"]["rejects_by_reason"] == {"too-long": 2}, "it has no points, and no part in the summary"
    (found,) = results("summary").rows(named=True)
    assert (found["reviews_used"], found["reviews_total"]) == (3, 4)


def test_every_row_is_accounted_for_under_every_task(go, write_jsonl, fake_engine, corpus):
    reviews = [*corpus({"a": 5, "b": 3}), {"review_id": "bad"}]
    report, events = go(write_jsonl(reviews), fake_engine, "sentiment", "summary", "strengths")
    assert report["rows"]["in"] == 9
    for name in ("sentiment", "summary", "strengths"):
        assert report["tasks"][name]["outcome"] == {"answered": 8, "rejected": 0, "waiting": 0}
    assert [event for event in events if isinstance(event, Progress)][-1].answers == 4 * 8
    assert list(report["tasks"]) == ["sentiment", "points", "summary", "strengths"]


def test_a_task_one_of_whose_stages_does_not_fit_the_model_is_an_error(go, write_jsonl, fake_engine, tokenizer, corpus):
    forms = built_in()["points"].forms.values()
    needs = min(form.max_tokens + tokenize(form, tokenizer).tokens for form in forms)
    with pytest.raises(ConfigError, match="task points: .* leave no room in a context of"):
        go(write_jsonl(corpus({"a": 6})), fake_engine, "summary", arguments={"max_model_len": needs})
