"""`reviewbatch recover`: save what can be read of a damaged ledger."""

from pathlib import Path
from typing import Annotated

import typer

from cli import screen


def recover(out: Annotated[Path, typer.Argument(help="The output folder of a run whose ledger is damaged.")]) -> None:
    """Save what can be read of a damaged ledger; the next run asks only what was lost."""
    from pipelines.ledger.recovery import recover
    from pipelines.output.page.said import many

    saved = recover(out)
    if saved is None:
        screen.say(f"the ledger of {out} is as it was written: there is nothing to recover")
        return
    screen.say(f"{many(saved.answers, 'answer')} saved; the damaged ledger is kept as {saved.damaged}")
    screen.say("the same command as before continues, and asks only what was lost")
