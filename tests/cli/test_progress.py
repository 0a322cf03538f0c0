import io

import pytest
from rich.console import Console

from cli import progress, screen
from pipelines.events import (
    Asking,
    EngineStarted,
    EngineStarting,
    Ordered,
    Passing,
    Planned,
    Progress,
    Reading,
    Unpacking,
    Warned,
)
from scheduling.speed import Prediction

PLANNED = Planned(rows=20, answered=5, rejected=2, requests=12, prompt_tokens=3000)
ORDERED = Ordered(3, "prefill", "cost: why", Prediction(90.0, 10.0, 0.0, 0.2))


def at(seconds: float, share: float) -> Progress:
    return Progress(
        seconds=seconds,
        answers=int(share * 100),
        all_answers=100,
        rejects=1,
        in_flight=8,
        prefilled=int(share * 5000),
        decoded=int(share * 100),
        share=share,
        eta=seconds / share - seconds,
    )


@pytest.fixture
def written(monkeypatch):
    def use(**settings) -> io.StringIO:
        stream = io.StringIO()
        stream.isatty = lambda: settings["force_terminal"]
        console = Console(file=stream, highlight=False, width=100, **settings)
        monkeypatch.setattr(screen, "people", console)
        monkeypatch.setattr(progress, "people", console)
        return stream

    return use


def feed(emit):
    for event in (Reading(20), Asking(1, 3), PLANNED, Unpacking("m"), EngineStarting("m"), EngineStarted(1.5), ORDERED, Passing("fifo", 1, 2), Warned("look"),
                  at(1, 0.1), at(10, 0.5), at(11, 0.6), at(21, 1.0)):  # fmt: skip
        emit(event)


def test_off_a_terminal_it_is_a_plain_line_now_and_then(written):
    stream = written(force_terminal=False)
    with progress.watching(quiet=False) as emit:
        feed(emit)
    lines = stream.getvalue().splitlines()
    assert "\x1b" not in stream.getvalue()
    assert lines == [
        "20 rows read: 5 answered before, 2 rejected, 12 to ask, 3,000 prompt tokens",
        "unpacking m, once",
        "loading m",
        "engine up in 1.5 s",
        "3 jobs in order of prefill (cost: why); should take 1:40 (1:20 to 2:00)",
        "pass 1 of 2: fifo",
        "warning: look",
        "50 of 100 answers, 1 rejects, 8 in flight, prefill 222 tok/s, decode 4 tok/s, 0:10 elapsed, ETA 0:10",
        "100 of 100 answers, 1 rejects, 8 in flight, prefill 227 tok/s, decode 5 tok/s, 0:21 elapsed, ETA 0:00",
    ]


def test_on_a_terminal_it_is_drawn_in_place(written):
    stream = written(force_terminal=True)
    with progress.watching(quiet=False) as emit:
        feed(emit)
        emit(at(22, 0.5))
        emit.live.refresh()
    drawn = stream.getvalue()
    for expected in ("loading m", "engine up in 1.5 s", "! look", "answers", "0:22 elapsed", "ETA 0:22", "in flight"):
        assert expected in drawn.replace("\x1b[1m", "").replace("\x1b[0m", ""), expected


def test_quiet_writes_warnings_alone(written):
    stream = written(force_terminal=True)
    with progress.watching(quiet=True) as emit:
        feed(emit)
    assert stream.getvalue() == "warning: look\n"


@pytest.mark.parametrize(("seconds", "shown"), [(None, "-:--"), (0, "0:00"), (61.4, "1:01"), (3600, "1:00:00")])
def test_durations(seconds, shown):
    assert progress.clock(seconds) == shown
