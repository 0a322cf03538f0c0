"""The context: how many tokens a prompt and its answer may have in the engine of one run.

An engine that is set up for a model's whole context needs room for that many tokens in its KV cache, and does not start
on a card that has less (vLLM's `max_model_len`); a run's longest prompt is known before.
"""

import math

from pipelines.config import Config
from pipelines.ledger.counts import Counts
from pipelines.prompts.prompts import Prompts
from pipelines.questions.stages import CHUNK, OTHERS

STEP = 256  # tokens that it is rounded up to


def needed(counts: Counts, prompts: Prompts, config: Config) -> int:
    """Return the context that suffices for all that waits, asked twice if need be, and for the stages that follow.

    It is never more than the model's, and that where a person has set `max_model_len`; where nothing waits, some.
    """
    if "max_model_len" in config.arguments:
        return prompts.context
    longest = 0
    for form_of_task, tokens in counts.longest.items():
        longest = max(longest, tokens + prompts.templates[form_of_task].sampling.roomier().max_tokens)
    waiting = {name for name, _ in counts.longest}
    for task in config.tasks:
        for form in task.forms if task.whole and task.name in waiting else ():
            template = prompts.templates[task.name, form]
            answer = template.sampling.roomier().max_tokens
            # A later stage is about a chunk of answers, and of two at least; something may stand after them.
            longest = max(longest, template.tokens + max(2 * CHUNK, 2 * answer) + 2 * OTHERS + answer)
    return min(prompts.context, max(1, math.ceil(longest / STEP)) * STEP)
