"""The jobs that a run names while it goes on, with an engine whose answers are made up."""

import pytest

from pipelines.events import JobName, Progress


def progress(events):
    return [event for event in events if isinstance(event, Progress)]


def ended(events):
    """Return the jobs in the order in which they came into view as done."""
    return list(dict.fromkeys(job for event in progress(events) for job in reversed(event.done)))


def test_jobs_are_named_as_they_end_and_before_that_as_next(go, write_jsonl, fake_engine, corpus, query):
    _, events = go(write_jsonl(corpus({"large": 30, "small": 4, "middle": 12, "[red]\x1b[31m": 20})), fake_engine)
    last = query("SELECT unit FROM job_times WHERE unit <> '' ORDER BY last_token")
    assert [job.name for job in ended(events)] == [unit for (unit,) in last]
    assert ended(events) == [JobName(unit) for unit in ("small", "middle", "[red]\x1b[31m", "large")]
    # The first step is one request's, of the small one.
    assert progress(events)[0].next == (
        JobName("small", "", 3),
        JobName("middle", "", 12),
        JobName("[red]\x1b[31m", "", 20),
    )
    assert progress(events)[-1].next == ()


def test_a_job_is_next_until_it_is_done_and_says_how_much_of_it_is_left(go, write_jsonl, fake_engine, corpus):
    _, events = go(write_jsonl(corpus({"a": 20, "b": 30})), lambda: fake_engine(latency=3))
    for event in progress(events):
        assert {job.name for job in event.next} == {"a", "b"} - {job.name for job in event.done}
    left = [job.reviews for event in progress(events) for job in event.next if job.name == "a"]
    assert left == sorted(left, reverse=True)
    assert (left[0], left[-1] > 0) == (20, True)


def test_of_several_tasks_each_job_has_its_own_and_anchors_are_nobodys(go, write_jsonl, fake_engine, corpus):
    _, events = go(
        write_jsonl(corpus({"a": 4, "b": 9})), fake_engine, "sentiment", "summary", style="quotes", deadline=2e10
    )
    tasks = ("sentiment", "summary")
    assert {*ended(events)} == {JobName(unit, task) for unit in ("a", "b") for task in tasks}
    assert {job.name for event in progress(events) for job in event.next} == {"a", "b"}
    assert {job.task for event in progress(events) for job in event.next if job.reviews} == {"sentiment"}


def test_a_query_is_named_by_its_text(go, write_jsonl, fake_engine):
    queries = ["noodles near the harbour", "a quiet table", "korean bbq for ten"]
    _, events = go(
        write_jsonl([{"query_id": f"q{n}", "query": text} for n, text in enumerate(queries)]),
        fake_engine,
        "query-expansion",
        policy="fifo",
    )
    assert ended(events) == [JobName(text) for text in queries]
    assert [job.name for job in progress(events)[0].next] == queries[1:]


def test_what_an_earlier_run_has_answered_is_not_counted_again(go, write_jsonl, fake_engine, stopping, corpus):
    path = write_jsonl(corpus({"a": 20, "b": 30}))
    with pytest.raises(KeyboardInterrupt):
        go(path, stopping(30))
    _, events = go(path, fake_engine)
    first = progress(events)[0].next[0]
    assert (first.name, first.reviews < 30) == ("b", True)
    assert ended(events)[-1] == JobName("b")
