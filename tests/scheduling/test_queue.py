import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.job import Job
from scheduling.policy import POLICIES
from scheduling.queue import JobQueue

COSTS = st.lists(st.integers(0, 100), max_size=60)
POLICY = st.sampled_from(sorted(POLICIES))


def job(number: int, cost: int = 1, kind: str = "sentiment", **more) -> Job:
    return Job(id=number, task=kind, cost=cost, position=number, **more)


def drain(queue: JobQueue, now: float = 0.0) -> list[int]:
    return [queue.pop(now).job.id for _ in range(len(queue))]


def test_a_job_pushed_late_overtakes_what_still_waits():
    queue = JobQueue(POLICIES["prefill"], [job(0, 5), job(1, 50)])
    assert queue.pop(0.0).job.id == 0
    queue.push(job(2, 10, arrival=1.0))
    assert drain(queue) == [2, 1]


@given(COSTS, POLICY, st.integers(0, 20), st.integers(1, 4))
def test_a_look_at_who_comes_next_changes_nothing(costs, policy, gone, most):
    queue = JobQueue(POLICIES[policy], [job(i, cost) for i, cost in enumerate(costs)])
    for _ in range(min(gone, len(queue))):
        queue.pop(0.0)
    coming = [turn.job.id for turn in queue.coming(most)]
    assert coming == drain(queue)[:most]


@given(COSTS, st.floats(0, 20), st.integers(0, 20))
def test_whoever_is_promoted_comes_next_once_and_nobody_who_has_left(costs, now, gone):
    queue = JobQueue(POLICIES["prefill"], [job(i, cost, arrival=i % 7) for i, cost in enumerate(costs)], max_wait=9.0)
    for _ in range(min(gone, len(queue))):
        queue.pop(now)
    best = [queue.peek(now).job.id] if queue else []
    coming = [turn.job.id for turn in queue.coming(3)]
    assert coming[:1] == best
    assert len(coming) == len({*coming} & {*drain(queue, now)})


def test_an_overtaken_job_goes_on_before_the_one_beside_it():
    first = job(0, 5)
    queue = JobQueue(POLICIES["prefill"], [first, job(1, 9, "summary", prefix_sibling=first)])
    queue.put_back(queue.pop(0.0))
    assert drain(queue) == [0, 1]


def test_an_empty_queue_says_so():
    with pytest.raises(IndexError):
        JobQueue(POLICIES["prefill"]).pop(0.0)


@given(COSTS, POLICY)
def test_every_job_leaves_exactly_once_and_the_order_is_total_and_stable(costs, policy):
    jobs = [job(i, cost, deadline=200.0 - cost) for i, cost in enumerate(costs)]
    order = drain(JobQueue(POLICIES[policy], jobs))
    assert sorted(order) == list(range(len(jobs)))
    assert drain(JobQueue(POLICIES[policy], reversed(jobs))) == order


@given(COSTS, COSTS, st.randoms())
def test_jobs_pushed_while_it_is_drained_leave_as_if_they_had_been_there_by_then(first, late, rng):
    queue = JobQueue(POLICIES["prefill"], [job(i, cost) for i, cost in enumerate(first)])
    waiting = [(cost, i) for i, cost in enumerate(first)]
    coming = [(cost, len(first) + i) for i, cost in enumerate(late)]
    while coming or waiting:
        if coming and (not waiting or rng.random() < 0.5):
            cost, number = coming.pop()
            queue.push(job(number, cost))
            waiting.append((cost, number))
        else:
            best = min(waiting)
            waiting.remove(best)
            assert queue.pop(0.0).job.id == best[1]
    assert not len(queue)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=40), st.integers(0, 9))
def test_ageing_is_the_order_of_the_effective_cost_at_every_moment(arrivals, rate):
    jobs = [job(i, cost, arrival=float(at)) for i, (at, cost) in enumerate(arrivals)]
    order = drain(JobQueue(POLICIES["prefill"], jobs, ageing=rate))
    for now in (50.0, 1000.0):  # all have arrived
        assert order == sorted(order, key=lambda i: (jobs[i].cost - rate * (now - jobs[i].arrival), i))


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 50)), min_size=1, max_size=40),
    st.lists(st.integers(0, 9), min_size=80, max_size=80),
    st.integers(0, 40),
    POLICY,
)
def test_who_has_waited_too_long_goes_before_all_who_have_not(arrivals, gaps, max_wait, policy):
    """At whatever moments admissions happen, no overdue job is passed over for one that has waited less."""
    coming = sorted(
        (job(i, cost, arrival=float(at)) for i, (at, cost) in enumerate(arrivals)), key=lambda j: -j.arrival
    )
    queue = JobQueue(POLICIES[policy], max_wait=max_wait)
    waiting, now, gone = [], 0.0, []
    for gap in gaps:
        now += gap
        while coming and coming[-1].arrival <= now:
            waiting.append(coming.pop())
            queue.push(waiting[-1])
        if waiting:
            sent = queue.pop(now).job
            overdue = [j for j in waiting if now - j.arrival >= max_wait]
            if overdue:
                assert (sent.arrival, sent.position) == min((j.arrival, j.position) for j in overdue)
            waiting.remove(sent)
            gone.append(sent.id)
    assert len(gone) == len(set(gone))
    assert len(queue) == len(waiting)


@given(st.lists(st.integers(0, 1000), max_size=60), st.integers(0, 30), st.integers(0, 30), POLICY)
def test_no_job_waits_past_the_maximum_by_more_than_one_admission(costs, backlog, more, policy):
    """One job arrives and one is admitted a second, so that no two become overdue at once."""
    max_wait = backlog + more
    queue = JobQueue(POLICIES[policy], max_wait=max_wait)
    for now, cost in enumerate(costs):
        queue.push(job(now, cost, arrival=float(now)))
        if now >= backlog:  # so that the policy has something to choose from
            assert now - queue.pop(now).job.arrival <= max_wait + 1
    for now in range(len(costs), len(costs) + len(queue)):
        assert now - queue.pop(now).job.arrival <= max_wait + 1


def test_the_maximum_wait_counts_only_where_it_changed_something():
    jobs = [job(0, 9), job(1, 1), job(2, 5)]
    queue = JobQueue(POLICIES["prefill"], jobs, max_wait=10.0)
    assert queue.pop(0.0).job.id == 1
    assert drain(queue, 10.0) == [0, 2]
    assert queue.sent_by_max_wait == 1  # 0 before 2; 2 was alone then
    queue = JobQueue(POLICIES["fifo"], jobs, max_wait=10.0)
    assert drain(queue, 10.0) == [0, 1, 2]
    assert queue.sent_by_max_wait == 0


def test_a_job_that_was_begun_and_put_back_keeps_its_place_in_the_line():
    queue = JobQueue(POLICIES["prefill"], [job(0, 50)], max_wait=10.0)
    begun = queue.pop(0.0)
    queue.push(job(1, 5, arrival=1.0))
    queue.put_back(begun)
    queue.push(job(2, 7, arrival=15.0))
    assert drain(queue, 20.0) == [0, 1, 2]


def test_a_deadline_that_comes_near_goes_first_under_hybrid_and_the_nearest_of_them():
    jobs = [job(0, 1), job(1, 9000, deadline=500.0), job(2, 9000, deadline=400.0, seconds=40.0), job(3, 8000)]
    assert drain(JobQueue(POLICIES["hybrid"], jobs)) == [0, 1, 2, 3]
    assert drain(JobQueue(POLICIES["hybrid"], jobs), now=300.0) == [2, 0, 1, 3]  # slack: 400 - 40 - 60
    assert drain(JobQueue(POLICIES["hybrid"], jobs), now=440.0) == [2, 1, 0, 3]
    assert drain(JobQueue(POLICIES["prefill"], jobs), now=440.0) == [0, 3, 1, 2]


@pytest.mark.parametrize(("pinned", "order"), [(1, [1, 0]), (-1, [0, 1])])
def test_a_job_with_a_place_of_its_own_keeps_it_under_every_policy(pinned, order):
    for policy in POLICIES.values():
        queue = JobQueue(policy, [job(0, 5, pinned=pinned, deadline=1.0), job(1, 5)], ageing=7.0, max_wait=10.0)
        assert drain(queue, 100.0) == order


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 1000)), max_size=30), POLICY)
def test_the_priority_that_vllm_gets_is_the_same_order(jobs, policy):
    queue = JobQueue(
        POLICIES[policy], [job(i, cost, arrival=float(at), seconds=cost / 7) for i, (cost, at) in enumerate(jobs)]
    )
    turns = [queue.pop(0.0) for _ in range(len(queue))]
    priorities = [turn.priority for turn in turns]
    assert priorities == sorted(priorities)
    assert all(-(2**63) <= priority < 2**63 for priority in priorities)


def test_a_promoted_job_has_a_better_priority_than_any_other():
    queue = JobQueue(POLICIES["hybrid"], [job(0, 0), job(1, 10**9, deadline=60.0), job(2, 9, pinned=1)], max_wait=20.0)
    ordinary = queue.pop(0.0)
    overdue = queue.pop(30.0)
    last = queue.pop(30.0)
    assert overdue.priority < ordinary.priority < last.priority
    assert math.isfinite(last.priority)


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 3), st.sampled_from([40.0, 300.0, math.inf])), max_size=20),
    POLICY,
    st.sampled_from([0.0, 2.0]),
    st.sampled_from([5.0, math.inf]),
    st.floats(0, 20),
)
def test_jobs_over_the_same_reviews_leave_one_after_the_other_under_every_policy(groups, policy, ageing, max_wait, now):
    jobs = []
    for cost, size, deadline in groups:
        leader = job(len(jobs), cost, "summary", deadline=deadline, seconds=cost)
        others = [
            job(leader.id + n, 1, "strengths", deadline=deadline, seconds=1.0, prefix_sibling=leader)
            for n in range(1, size)
        ]
        jobs += [leader, *others]
    places = {
        number: place
        for place, number in enumerate(drain(JobQueue(POLICIES[policy], jobs, ageing=ageing, max_wait=max_wait), now))
    }
    assert all(
        places[one.id] - places[one.prefix_sibling.id] == one.id - one.prefix_sibling.id
        for one in jobs
        if one.prefix_sibling
    )
