from scheduling.job import Job
from scheduling.policy import POLICIES, SMALL, named_by_switches
from scheduling.queue import JobQueue


def order(policy: str, *jobs: Job) -> list[int]:
    queue = JobQueue(POLICIES[policy], jobs)
    return [queue.pop(0.0).job.id for _ in jobs]


def job(number: int, cost: int = 1, kind: str = "sentiment", **more) -> Job:
    return Job(id=number, task=kind, cost=cost, position=number, **more)


def test_prefill_sends_the_cheapest_first_and_ties_in_input_order():
    assert order("prefill", job(0, 30), job(1, 10), job(2, 20), job(3, 10)) == [1, 3, 2, 0]


def test_fifo_keeps_arrival_then_input_order():
    assert order("fifo", job(2, 1), job(0, 9, arrival=5.0), job(1, 5)) == [1, 2, 0]


def test_task_sends_the_tasks_of_the_lowest_rank_first_and_the_cheapest_of_each():
    jobs = [job(0, 1, task_rank=5), job(1, 1, task_rank=3), job(2, 9, task_rank=2), job(3, 3, task_rank=2)]
    assert order("task", *jobs) == [3, 2, 1, 0]


def test_hybrid_sends_the_small_by_size_and_the_rest_as_they_came():
    jobs = [job(0, SMALL + 9), job(1, SMALL + 1), job(2, SMALL), job(3, 5)]
    assert order("hybrid", *jobs) == [3, 2, 0, 1]


def test_cost_sends_what_takes_least_whatever_its_prefill():
    assert order("cost", job(0, 10, seconds=9.0), job(1, 90, seconds=1.0)) == [1, 0]


def test_longest_is_prefill_backwards():
    assert order("longest", job(0, 30), job(1, 10), job(2, 20)) == [0, 2, 1]


def test_a_job_is_due_by_its_deadline_or_its_sla_whichever_is_earlier():
    assert job(0, deadline=50.0, arrival=20.0, sla=60.0).due == 50.0
    assert job(0, deadline=90.0, arrival=20.0, sla=60.0).due == 80.0


def test_the_switches_name_a_policy_only_when_thrown():
    assert named_by_switches(priority_queue=True, by_prefill_cost=True) is None
    assert named_by_switches(priority_queue=False, by_prefill_cost=True) == "fifo"
    assert named_by_switches(priority_queue=False, by_prefill_cost=False) == "fifo"
    assert named_by_switches(priority_queue=True, by_prefill_cost=False) == "task"
