"""Progress: a run's events, drawn live on a terminal or written as plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.durations import clock
from cli.event_lines import kept, ordered, phase, planned
from cli.interruption import GRACE, asked
from cli.screen import people, say
from pipelines.events import (
    Asking,
    Emit,
    EngineStarted,
    EngineStarting,
    Event,
    Examining,
    JobName,
    KeptAnswers,
    Noted,
    Ordered,
    Passing,
    Planned,
    Progress,
    Reading,
    Unpacking,
    Warned,
    WritingResults,
)
from pipelines.output.page.said import many

PACE = 10.0  # seconds that the tokens per second shown are taken over
PLAIN_EVERY = 10.0  # seconds between plain lines
NAME = 30  # columns of a job's name


class Rates:
    """Tokens per second of late: prefill and decode."""

    def __init__(self) -> None:
        self._seen: deque[Progress] = deque()

    def update(self, now: Progress) -> tuple[float, float]:
        """Add a reading; return prefill and decode tokens/s over the last seconds."""
        self._seen.append(now)
        while len(self._seen) > 2 and now.seconds - self._seen[1].seconds > PACE:  # noqa: PLR2004
            self._seen.popleft()
        then = self._seen[0]
        alone = len(self._seen) == 1  # then the rates are those since the beginning
        seconds, prefilled, decoded = (0.0, 0, 0) if alone else (then.seconds, then.prefilled, then.decoded)
        span = max(now.seconds - seconds, 1e-9)
        return (now.prefilled - prefilled) / span, (now.decoded - decoded) / span


class LiveProgress:
    """Draws what happens in place, on a terminal."""

    def __init__(self) -> None:
        self._rates = Rates()
        self._phase = Spinner("dots", "importing vLLM")
        self._since = time.monotonic()
        self._work: tuple[Progress, float, float, float] | None = None  # and when that was heard of
        self.live = Live(
            console=people,
            get_renderable=self._draw,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,  # what others print belongs in the log, see cli.screen
            redirect_stderr=False,
        )

    def __call__(self, event: Event) -> None:
        """Take note of an event; the display follows by itself."""
        match event:
            case Reading() | Asking() | Unpacking() | Examining() | EngineStarting() | WritingResults():
                self._work = None
                self._phase.update(text=escape(phase(event)))
            case Planned():
                people.print(f"[green]✓[/] {planned(event)}")
            case KeptAnswers():
                people.print(f"[green]✓[/] {kept(event)}")
            case Ordered():
                people.print(f"[green]✓[/] {ordered(event)}")
            case Passing(policy, number, total):
                self._rates = Rates()
                people.print(f"pass {number} of {total}: {policy}")
            case EngineStarted(seconds):
                people.print(f"[green]✓[/] engine up in {seconds:.1f} s")
                self._phase.update(text="waiting for the first answer")
            case Progress():
                self._work = event, *self._rates.update(event), time.monotonic()
            case Noted() | Warned():
                people.print(Text(f"! {event.text}", "yellow" if isinstance(event, Warned) else "dim"))

    def _draw(self) -> RenderableType:
        if work := self._work:  # once, for this is another thread than the one that sets it
            event, prefill, decode, then = work
            stopping = f"stopping when this step has ended, or after {GRACE:.0f} s" if asked() else ""
            return Group(_work(_later(event, time.monotonic() - then), prefill, decode), Text(stopping, "yellow"))
        waited = Text(f"{time.monotonic() - self._since:.0f} s", "dim")
        row = Table.grid(padding=(0, 1))
        row.add_row(self._phase, waited)
        return Group(row)


class PlainProgress:
    """Writes a line now and then: for logs, cron and CI."""

    def __init__(self) -> None:
        self._rates = Rates()
        self._next = PLAIN_EVERY

    def __call__(self, event: Event) -> None:
        """Write the event down if it is worth a line."""
        match event:
            case Planned():
                say(planned(event))
            case KeptAnswers():
                say(kept(event))
            case Ordered():
                say(ordered(event))
            case Passing(policy, number, total):
                self._rates, self._next = Rates(), PLAIN_EVERY
                say(f"pass {number} of {total}: {policy}")
            case Unpacking() | Examining() | EngineStarting():
                say(phase(event))
            case EngineStarted(seconds):
                say(f"engine up in {seconds:.1f} s")
            case Progress():
                prefill, decode = self._rates.update(event)
                if event.seconds >= self._next:
                    self._next = event.seconds + PLAIN_EVERY
                    say(
                        f"{event.answers:,} of {event.all_answers:,} answers, {many(event.rejects, 'reject')}, "
                        f"{event.in_flight:,} in flight, prefill {prefill:,.0f} tok/s, decode {decode:,.0f} tok/s, "
                        f"{clock(event.seconds)} elapsed, ETA {clock(event.eta)}"
                    )
            case Noted() | Warned():
                say(f"{'warning' if isinstance(event, Warned) else 'note'}: {event.text}")


def warn_only(event: Event) -> None:
    """Write warnings down and nothing else."""
    if isinstance(event, Warned):
        say(f"warning: {event.text}")


@contextmanager
def watching(*, quiet: bool) -> Iterator[Emit]:
    """Lend whatever draws events best where stderr goes."""
    if quiet:
        yield warn_only
    elif people.file.isatty() and not people.is_dumb_terminal:
        display = LiveProgress()
        with display.live:
            yield display
    else:
        yield PlainProgress()


def _later(event: Progress, seconds: float) -> Progress:
    """Return progress as it is so many seconds later in the same step of the engine, which may be a long one."""
    eta = None if event.eta is None else max(event.eta - seconds, 0.0)
    return replace(event, seconds=event.seconds + seconds, eta=eta)


def _work(event: Progress, prefill: float, decode: float) -> RenderableType:
    top = Table.grid(padding=(0, 2))
    top.add_row(
        ProgressBar(total=1.0, completed=event.share, width=30),
        f"[bold]{event.answers:,}[/]/{event.all_answers:,} answers",
        f"{clock(event.seconds)} elapsed",
        f"[bold]ETA {clock(event.eta)}[/]",
    )
    below = Table.grid(padding=(0, 2))
    below.add_row(
        f"prefill [cyan]{prefill:,.0f}[/] tok/s",
        f"decode [cyan]{decode:,.0f}[/] tok/s",
        f"{event.in_flight:,} in flight",
        f"[{'red' if event.rejects else 'dim'}]{many(event.rejects, 'reject')}[/]",
    )
    return Group(top, below, *_jobs("done", event.done), *_jobs("next", event.next))


def _jobs(which: str, jobs: Sequence[JobName]) -> Iterator[Text]:
    """Yield a line that names jobs, if there are any, cut where the terminal ends."""
    if jobs:
        names = ", ".join(map(_job, jobs))
        yield Text.assemble((f"{which}  ", "dim"), names, no_wrap=True, overflow="ellipsis")


def _job(job: JobName) -> str:
    name = Text(job.name)
    name.truncate(NAME, overflow="ellipsis")
    notes = [job.task] * bool(job.task) + [f"{many(job.reviews, 'review')} left"] * bool(job.reviews)
    return f"{name} ({', '.join(notes)})" if notes else str(name)
