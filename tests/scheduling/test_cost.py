from scheduling.cost import prefill_cost


def test_a_job_costs_what_its_requests_do_not_share():
    assert prefill_cost(prompt_tokens=3 * 100 + 60, requests=3, shared=100, block=32) == 60 + 3 * 4
    assert prefill_cost(prompt_tokens=3 * 100 + 60, requests=3, shared=100, block=0) == 360
