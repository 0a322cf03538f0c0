"""What a job costs before it is sent: the prompt tokens that must still be computed."""


def prefill_cost(prompt_tokens: int, requests: int, shared: int) -> int:
    """Prompt tokens of a job that no earlier prompt has computed.

    `prompt_tokens` is the sum over the job's requests; each of them begins with the same `shared`
    tokens (the task's header), which the engine computes once and keeps in its prefix cache.
    Prefill is the dominant cost known before a call: the output length is not.
    """
    return prompt_tokens - requests * shared
