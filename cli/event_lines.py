"""Event lines: what a run tells while it goes on, an event in a line."""

from cli.durations import band
from pipelines.events import (
    Asking,
    EngineStarting,
    Examining,
    KeptAnswers,
    Ordered,
    Planned,
    Reading,
    Unpacking,
    WritingResults,
)
from pipelines.output.page.said import many
from scheduling.speed import Prediction


def phase(event: Reading | Asking | Unpacking | Examining | EngineStarting | WritingResults) -> str:
    """Say what goes on before the work and after."""
    match event:
        case Reading(rows):
            return f"reading the corpus: {rows:,} rows"
        case Asking(restaurants, total):
            return f"putting prompts together: {restaurants:,} of {total:,} restaurants"
        case Unpacking(model):
            return f"unpacking {model}, once"
        case Examining(part):
            return f"examining the model, once: {part}"
        case EngineStarting(model):
            return f"loading {model}"
        case WritingResults():
            return "writing the results"


def planned(event: Planned) -> str:
    """Say what has been read and what is to be done."""
    before = {"answered before": event.answered, "rejected": event.rejected}
    parts = [f"{n:,} {what}" for what, n in before.items() if n]
    among = f" ({event.anchors:,} of them anchors)" if event.anchors else ""
    parts += [f"{event.requests:,} to ask{among}", f"{event.prompt_tokens:,} prompt tokens"] if event.requests else []
    return f"{many(event.rows, 'row')} read: {', '.join(parts)}" + ("" if event.requests else ", nothing left to ask")


def kept(event: KeptAnswers) -> str:
    """Say which answers are not this engine's, and how to have its own."""
    by = f"vLLM {event.vllm or 'of an unknown version'}" + (f", {event.dtype}" if event.dtype else "")
    return f"kept {many(event.answers, 'answer')} of {by}; --again asks afresh"


def ordered(event: Ordered) -> str:
    """Say in what order the jobs go, and how long that should take."""
    why = f" ({event.why})" if event.why else ""
    return f"{many(event.jobs, 'job')} in order of {event.policy}{why}; {_predicted(event.prediction)}"


def _predicted(prediction: Prediction | None) -> str:
    return f"should take {band(prediction.figures())}" if prediction else "too little measured to say how long it takes"
