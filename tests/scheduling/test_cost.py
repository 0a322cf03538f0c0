from scheduling.cost import prefill_cost


def test_what_the_requests_share_is_not_counted():
    assert prefill_cost(prompt_tokens=3 * 100 + 60, requests=3, shared=100) == 60
