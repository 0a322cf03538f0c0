"""The context: how many tokens a prompt and its answer may have in the engine of one run.

An engine that is set up for a model's whole context needs room for that many tokens in its KV cache, and does not start
on a card that has less (vLLM's `max_model_len`); a run's longest prompt is known before.
"""

import math

from pipelines.config import Config
from pipelines.ledger.counts import Counts
from pipelines.prompts.prompts import Prompts
from pipelines.questions.stages import CHUNK

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
        comes = task.name in waiting or (task.made_of and task.made_of.name in waiting)
        for form in task.forms if task.whole and comes else ():
            template = prompts.templates[task.name, form]
            answer = template.sampling.roomier().max_tokens
            # A later stage is about a chunk of answers, and of two at least, or of lines of facts.
            about = CHUNK if task.made_of else max(2 * CHUNK, 2 * answer)
            longest = max(longest, template.tokens + about + answer)
    return min(prompts.context, max(1, math.ceil(longest / STEP)) * STEP)
