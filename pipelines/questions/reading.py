"""Reading: what the engine's answer to a question says."""

import json

from pipelines.corpus.reject import Reason
from pipelines.engine.interface import Completion, Failure
from pipelines.ledger.records import Answer, Flight
from pipelines.prompts.prompts import Prompts
from pipelines.tasks import Task
from pipelines.tasks.task import MalformedError


def read(
    task: Task, prompts: Prompts, flight: Flight, done: Completion | Failure, *, zero: float
) -> Answer | Failure | None:
    """Return what it says, None when it is no answer and should be asked for a second time, with more room.

    An answer's times are counted from `zero`.
    """
    if isinstance(done, Failure):
        return done
    request = flight.request
    try:
        return Answer(flight, task.parse(request.form, done), done.timing.since(zero))
    except MalformedError as error:
        had, more = prompts.sampling(request), prompts.sampling(request.once_more())
        if not request.again and more.max_tokens > had.max_tokens:
            return None
        cut_off = done.timing.output_tokens >= had.max_tokens
        reason = Reason.TRUNCATED if cut_off else Reason.MALFORMED
        return Failure(done.id, reason, str(error), json.dumps(done.text))
