"""The context: how many tokens a prompt and its answer may have in the engine of one run.

An engine that is set up for a model's whole context needs room for that many tokens in its KV cache, and does not start
on a card that has less (vLLM's `max_model_len`); a run's longest prompt is known before.
"""

import math

from pipelines.config import Config
from pipelines.ledger.counts import Counts
from pipelines.questions.stages import CHUNK, OTHERS, Desk
from pipelines.tasks.aggregation import Aggregation

STEP = 256  # tokens that it is rounded up to


def needed(counts: Counts, desk: Desk, config: Config) -> int:
    """Return the context that suffices for all that waits, asked twice if need be, and for the stages that follow.

    It is never more than the order's, and that where a person has set `max_model_len`.
    """
    if "max_model_len" in config.arguments:
        return config.context
    longest = 0
    for (task, form), tokens in counts.longest.items():
        longest = max(longest, tokens + desk.frames[task, form].sampling.roomier().max_tokens)
    waiting = {task for task, _ in counts.longest}
    for (task, _), frame in desk.frames.items():
        if task in waiting and isinstance(desk.tasks[task], Aggregation):
            answer = frame.sampling.roomier().max_tokens
            # A later stage is about a chunk of answers, and of two at least; something may stand after them.
            longest = max(longest, frame.tokens + max(2 * CHUNK, 2 * answer) + 2 * OTHERS + answer)
    return min(config.context, math.ceil(longest / STEP) * STEP)
