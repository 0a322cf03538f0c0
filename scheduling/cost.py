"""What a job costs before it is sent: the prompt tokens that must still be computed."""


def prefill_cost(prompt_tokens: int, requests: int, shared: int, block: int) -> int:
    """Prompt tokens of a job that no earlier prompt has computed.

    `prompt_tokens` is the sum over the job's `requests`, each of which begins with the same `shared` tokens (a
    task's header) and is longer. The engine computes those once, and keeps whole KV blocks of `block` tokens of
    them (0: none, there is no prefix cache). Prefill is the dominant cost known before a call: the output length
    is not. What prompts share beyond that, by chance, depends on the order; see `scheduling.prefix`.
    """
    return prompt_tokens - (requests * (shared // block * block) if block else 0)
