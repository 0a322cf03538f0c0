from hypothesis import given
from hypothesis import strategies as st

from scheduling.job import Job
from scheduling.policy import POLICIES, fifo, named_by_switches, prefill, task
from scheduling.queue import JobQueue


def job(number: int, cost: int = 1, kind: str = "sentiment", arrival: float = 0.0) -> Job:
    return Job(id=number, task=kind, cost=cost, order=number, arrival=arrival)


def drain(queue: JobQueue) -> list[int]:
    return [queue.pop().id for _ in range(len(queue))]


def test_prefill_sends_the_cheapest_first_and_ties_in_input_order():
    jobs = [job(0, 30), job(1, 10), job(2, 20), job(3, 10)]
    assert drain(JobQueue(prefill, jobs)) == [1, 3, 2, 0]


def test_fifo_keeps_arrival_then_input_order():
    jobs = [job(2, 1), job(0, 9, arrival=5.0), job(1, 5)]
    assert drain(JobQueue(fifo, jobs)) == [1, 2, 0]


def test_task_sends_light_kinds_first_and_unknown_kinds_last():
    jobs = [job(0, 1, "mine"), job(1, 1, "summary"), job(2, 9, "sentiment"), job(3, 3, "sentiment")]
    assert drain(JobQueue(task, jobs)) == [3, 2, 1, 0]


def test_a_job_pushed_late_overtakes_what_still_waits():
    queue = JobQueue(prefill, [job(0, 5), job(1, 50)])
    assert queue.pop().id == 0
    queue.push(job(2, 10))
    assert drain(queue) == [2, 1]


@given(st.lists(st.integers(0, 100)), st.sampled_from(sorted(POLICIES)))
def test_every_job_leaves_exactly_once_in_rank_order(costs, policy):
    jobs = [job(i, cost) for i, cost in enumerate(costs)]
    order = drain(JobQueue(POLICIES[policy], reversed(jobs)))
    assert sorted(order) == list(range(len(jobs)))
    ranks = [POLICIES[policy](jobs[i]) for i in order]
    assert ranks == sorted(ranks)


def test_the_switches_name_a_policy_only_when_thrown():
    assert named_by_switches(priority_queue=True, by_prefill_cost=True) is None
    assert named_by_switches(priority_queue=False, by_prefill_cost=True) == "fifo"
    assert named_by_switches(priority_queue=False, by_prefill_cost=False) == "fifo"
    assert named_by_switches(priority_queue=True, by_prefill_cost=False) == "task"
