from hypothesis import given
from hypothesis import strategies as st

from pipelines.dispatch.request_queue import RequestQueue
from pipelines.ledger.records import StoredRequest
from scheduling.job import Job
from scheduling.policy import POLICIES
from scheduling.queue import JobQueue


def job(number: int, cost: int, **more) -> Job:
    return Job(id=number, task="sentiment", cost=cost, position=number, **more)


def requests(of: dict[int, list[int]]):
    """Return what a ledger would: the requests of each job, shared where two jobs ask the same."""
    everywhere = [id_ for ids in of.values() for id_ in ids]

    def yielded(number: int):
        yield from (
            StoredRequest(
                id=id_,
                task="sentiment",
                form="ask.en",
                body=[],
                prompt_tokens=10,
                shared_prefix=0,
                reviews_prefix=0,
                expected_output_tokens=0.0,
                schema=None,
                shared=everywhere.count(id_) > 1,
            )
            for id_ in of[number]
        )

    return yielded


def drain(feed: RequestQueue, now: float = 0.0, most: int = 10**6) -> list[tuple[int, int]]:
    """Take up to `most` requests; return each with the job that sent it."""
    found = []
    while len(found) < most and (following := feed.peek(now)):
        request, turn = following
        feed.take()
        found.append((turn.job.id, request.id))
    return found


def test_jobs_go_one_after_the_other_best_first():
    feed = RequestQueue(JobQueue(POLICIES["prefill"], [job(0, 9), job(1, 5)]), requests({0: [1, 2], 1: [3, 4]}))
    assert drain(feed) == [(1, 3), (1, 4), (0, 1), (0, 2)]


def test_looking_takes_nothing():
    feed = RequestQueue(JobQueue(POLICIES["prefill"], [job(0, 9)]), requests({0: [1]}))
    assert feed.peek(0.0) == feed.peek(1.0)
    assert len(drain(feed)) == 1
    assert feed.peek(0.0) is None


def test_a_better_job_overtakes_one_that_is_under_way_and_that_one_goes_on_later():
    queue = JobQueue(POLICIES["prefill"], [job(0, 50)])
    feed = RequestQueue(queue, requests({0: [1, 2, 3], 1: [4, 5], 2: [6]}))
    assert drain(feed, most=1) == [(0, 1)]
    assert feed.peek(0.0)[0].id == 2
    queue.push(job(1, 5))
    queue.push(job(2, 90))
    assert drain(feed) == [(1, 4), (1, 5), (0, 2), (0, 3), (2, 6)]


def test_the_job_under_way_comes_next_unless_it_is_overtaken():
    queue = JobQueue(POLICIES["prefill"], [job(0, 50), job(1, 60)])
    feed = RequestQueue(queue, requests({0: [1, 2], 1: [3], 2: [4]}))
    assert [turn.job.id for turn in feed.coming(2)] == [0, 1]
    assert drain(feed, most=1) == [(0, 1)]
    assert [turn.job.id for turn in feed.coming(2)] == [0, 1]
    queue.push(job(2, 5))
    assert [turn.job.id for turn in feed.coming(2)] == [2, 0]
    assert drain(feed) == [(2, 4), (0, 2), (1, 3)]
    assert feed.coming(2) == []


def test_an_overdue_job_goes_before_the_rest_of_one_that_is_under_way():
    queue = JobQueue(POLICIES["prefill"], [job(0, 1, arrival=5.0), job(1, 9)], max_wait=10.0)
    feed = RequestQueue(queue, requests({0: [1, 2], 1: [3, 4]}))
    assert drain(feed, now=5.0, most=1) == [(0, 1)]
    assert drain(feed, now=10.0) == [(1, 3), (1, 4), (0, 2)]
    assert queue.sent_by_max_wait == 1


def test_a_job_under_way_that_has_waited_as_long_is_not_overtaken():
    queue = JobQueue(POLICIES["prefill"], [job(2, 1), job(1, 9), job(0, 10)], max_wait=10.0)
    feed = RequestQueue(queue, requests({0: [5], 1: [3, 4], 2: [1, 2]}))
    assert drain(feed, most=1) == [(2, 1)]
    assert drain(feed, now=10.0) == [(2, 2), (0, 5), (1, 3), (1, 4)]
    assert queue.sent_by_max_wait == 1


def test_urgent_and_overdue_jobs_beside_one_that_goes_before_all(monkeypatch):
    for jobs in (
        [job(0, 1, pinned=-1), job(1, 9000, deadline=5.0)],
        [job(1, 9000, deadline=5.0), job(0, 1, pinned=-1)],
    ):
        for max_wait in (1.0, float("inf")):
            queue = JobQueue(POLICIES["hybrid"], jobs, max_wait=max_wait)
            feed = RequestQueue(queue, requests({0: [1, 2], 1: [3, 4]}))
            assert drain(feed, now=20.0) == [(0, 1), (0, 2), (1, 3), (1, 4)]


def test_what_two_jobs_ask_is_sent_by_the_first_of_them():
    feed = RequestQueue(JobQueue(POLICIES["prefill"], [job(0, 9), job(1, 5)]), requests({0: [1, 2], 1: [1, 3]}))
    assert drain(feed) == [(1, 1), (1, 3), (0, 2)]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.lists(st.integers(0, 30), unique=True, max_size=6)), max_size=12),
    st.randoms(),
    st.sampled_from(sorted(POLICIES)),
    st.sampled_from([3.0, float("inf")]),
)
def test_every_request_is_sent_exactly_once_however_late_its_job_arrives(jobs, rng, policy, max_wait):
    queue = JobQueue(POLICIES[policy], max_wait=max_wait)
    feed = RequestQueue(queue, requests({n: ids for n, (_, ids) in enumerate(jobs)}))
    coming = [job(n, cost, arrival=float(n)) for n, (cost, _) in enumerate(jobs)][::-1]
    sent, now = [], 0.0
    while coming or feed.peek(now):
        now += 1.0
        if coming and rng.random() < 0.5:
            queue.push(coming.pop())
        else:
            sent += [id_ for _, id_ in drain(feed, now, most=rng.randrange(3))]
    assert sorted(sent) == sorted({id_ for _, ids in jobs for id_ in ids})
