"""`reviewbatch check`: examine a model before a night is spent on it."""

import json
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cli import chosen_model, interruption, options, screen

if TYPE_CHECKING:
    from pipelines.models.outcome import Outcome

SCORES = {
    "labels": "labels of sentiment right (macro-F1)",
    "calibration_error": "how far their probabilities are from the truth (0 is best)",
    "resisted": "injections that turn no label",
    "points": "points found, of the right side (F1)",
    "grounded": "points whose words stand in the review",
    "supported": "facts that it puts in words which hold",
    "strengths": "strengths found, and no others (F1)",
    "parsed": "answers that are what was asked for, at once",
}


@options.settings(only=("model", "engine"))
def check(*, as_json: options.AsJson = False, quiet: options.Quiet = False, **given: Any) -> None:
    """Examine a model on texts with known answers: how good it is, how fast, and whether it writes summaries."""
    from dataclasses import asdict

    from cli import loading
    from cli.progress import watching
    from pipelines import cache

    chosen = loading.load(**given)
    screen.divert(cache.folder("logs") / "check.log")
    with watching(quiet=quiet) as draw:
        emit = interruption.heeding(draw, stall_timeout=chosen.stall_timeout)
        model, device = chosen_model.ready(chosen, emit)
        outcome = chosen_model.examine(model, chosen, emit)
    if as_json:
        about = {"model": model.name, "fingerprint": model.fingerprint, "device": device.name, "vllm": device.vllm}
        screen.data(json.dumps({**about, **asdict(outcome)}))
    if not quiet:
        show(model.name, outcome)


def show(name: str, outcome: "Outcome") -> None:
    """Print what a model was found to be."""
    table = Table("of 1", "what", title=f"{name}, examined", title_justify="left")
    for score, about in SCORES.items():
        mark = outcome.scores[score]
        table.add_row("not asked" if mark is None else f"{mark:.2f}", about)
    screen.people.print(table)
    cost = ", ".join(f"{task} {seconds / 60:.1f} min" for task, seconds in outcome.cost_s.items())
    screen.say(f"a thousand reviews take about: {cost}")
    screen.say(f"prefill {outcome.prefill or 0:,.0f} tok/s, decode {outcome.decode or 0:,.0f} tok/s")
    screen.say(f"it is spoken to {'in turns, by its chat template' if outcome.chat else 'in plain text'}")
    screen.say(f"--style auto: summaries and strengths are {'written' if outcome.writes else 'made of quotes'}")
