import math

from hypothesis import given
from hypothesis import strategies as st

from scheduling.forecast import choose, completion, forecast, lateness, makespan
from scheduling.job import Job
from scheduling.policy import DEFAULT, POLICIES
from scheduling.queue import JobQueue


def job(number: int, seconds: float, **more) -> Job:
    return Job(
        **{
            "id": number,
            "task": "sentiment",
            "cost": int(seconds * 100),
            "position": number,
            "seconds": seconds,
            **more,
        }
    )


def test_a_forecast_is_the_queue_in_predicted_time():
    finishes = forecast(JobQueue(POLICIES["prefill"], [job(0, 3.0), job(1, 1.0, latency=5.0)]))
    assert [(f.job.id, f.end) for f in finishes] == [(1, 6.0), (0, 4.0)]
    assert (completion(finishes), makespan(finishes)) == (5.0, 6.0)


def test_what_nobody_waits_for_counts_only_for_the_makespan():
    finishes = forecast(JobQueue(POLICIES["prefill"], [job(0, 3.0), job(1, 9.0, pinned=1)]))
    assert (completion(finishes), makespan(finishes), lateness(finishes)) == (3.0, 12.0, 0.0)


def test_the_maximum_wait_acts_in_predicted_time_too():
    jobs = [job(0, 9.0), job(1, 4.0), job(2, 5.0)]
    assert [f.job.id for f in forecast(JobQueue(POLICIES["prefill"], jobs, max_wait=3.0))] == [1, 0, 2]


def test_for_completion_the_predicted_time_decides_over_the_prefill_cost():
    jobs = [job(0, 9.0, cost=1), job(1, 1.0, cost=50), job(2, 2.0, cost=99)]
    assert choose("completion", jobs) == "cost"


def test_for_the_makespan_the_job_with_a_long_tail_goes_first():
    jobs = [job(0, 1.0), job(1, 2.0), job(2, 3.0, latency=20.0)]
    assert choose("makespan", jobs) == "longest"


def test_where_the_makespan_is_the_same_who_waits_least_decides():
    assert choose("makespan", [job(0, 3.0), job(1, 1.0)]) == DEFAULT


def test_for_the_sla_a_near_deadline_counts_for_more_than_size():
    jobs = [*(job(n, 10.0) for n in range(9)), job(9, 20.0, deadline=30.0)]
    assert choose("sla", jobs) == "hybrid"


def test_for_an_sla_that_is_the_same_for_all_the_smallest_go_first():
    assert choose("sla", [job(n, float(n), sla=20.0) for n in range(12, 0, -1)]) == DEFAULT


def test_nothing_to_choose_from():
    for objective in ("completion", "makespan", "sla"):
        assert choose(objective, [job(0, 1.0, pinned=1)]) == DEFAULT
        assert choose(objective, []) == DEFAULT


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20), st.sampled_from(["completion", "makespan", "sla"]))
def test_no_policy_has_a_much_better_forecast_than_the_chosen_one(seconds, objective):
    jobs = [job(n, s, sla=50.0, latency=s / 3) for n, s in enumerate(seconds)]
    score = {"completion": completion, "makespan": makespan, "sla": lateness}[objective]
    scores = {name: score(forecast(JobQueue(policy, jobs))) for name, policy in POLICIES.items()}
    assert scores[choose(objective, jobs)] <= min(scores.values()) * 1.001 + 1e-9
    assert all(math.isfinite(value) for value in scores.values())
