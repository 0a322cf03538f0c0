import io
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from cli import durations, progress, screen
from pipelines.events import (
    Asking,
    EngineStarted,
    EngineStarting,
    JobName,
    Ordered,
    Passing,
    Planned,
    Progress,
    Reading,
    Unpacking,
    Warned,
)
from scheduling.speed import Prediction

PLANNED = Planned(rows=20, answered=5, rejected=2, requests=12, anchors=3, prompt_tokens=3000)
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
        console = screen.Screen(file=stream, highlight=False, **{"width": 100, **settings})
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
        "20 rows read: 5 answered before, 2 rejected, 12 to ask (3 of them anchors), 3,000 prompt tokens",
        "unpacking m, once",
        "loading m",
        "engine up in 1.5 s",
        "3 jobs in order of prefill (cost: why); should take 1:40 (1:20 to 2:00)",
        "pass 1 of 2: fifo",
        "warning: look",
        "50 of 100 answers, 1 reject, 8 in flight, prefill 222 tok/s, decode 4 tok/s, 0:10 elapsed, ETA 0:10",
        "100 of 100 answers, 1 reject, 8 in flight, prefill 227 tok/s, decode 5 tok/s, 0:21 elapsed, ETA 0:00",
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


def test_the_clock_goes_on_while_a_step_takes_long(monkeypatch):
    moment = 100.0
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: moment))
    display = progress.LiveProgress()
    display(at(22, 0.5))
    for moment, shown in ((107.0, "0:29 elapsed  ETA 0:15"), (200.0, "2:02 elapsed  ETA 0:00")):  # noqa: B007
        console = screen.Screen(file=io.StringIO(), width=100)
        console.print(display.live.get_renderable())
        assert shown in console.file.getvalue()


def lines(stream: io.StringIO) -> list[str]:
    """Return the lines of the display as it was drawn last."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue().rpartition("\x1b[2K")[2]).split("\n")


@pytest.fixture
def drawn(written):
    """Draw progress that names jobs on a terminal so wide; return its lines."""

    def drawn(width=80, **jobs):
        stream = written(force_terminal=True, width=width)
        with progress.watching(quiet=False) as emit:
            emit(replace(at(22, 0.5), **jobs))
            emit.live.refresh()
            return stream, [line.rstrip() for line in lines(stream)]

    return drawn


def test_jobs_that_have_just_ended_and_those_that_are_next_are_named(drawn):
    _, shown = drawn(
        done=(JobName("Bella Napoli"), JobName("Han Bat")),
        next=(JobName("Golden Wok", "", 1213), JobName("Rosa", "", 1)),
    )
    assert shown[2:4] == ["done  Bella Napoli, Han Bat", "next  Golden Wok (1,213 reviews left), Rosa (1 review left)"]
    _, shown = drawn(
        done=(JobName("Han Bat", "summary"),), next=(JobName("Rosa", "points", 7), JobName("Rosa", "summary"))
    )
    assert shown[2:4] == ["done  Han Bat (summary)", "next  Rosa (points, 7 reviews left), Rosa (summary)"]


def test_where_no_job_has_ended_there_is_no_line_about_it(drawn):
    _, shown = drawn(next=(JobName("Rosa"),))
    assert shown[2] == "next  Rosa"
    _, shown = drawn()
    assert not any(shown[2:])


@pytest.mark.parametrize("width", [60, 80, 81])
@pytest.mark.parametrize(
    "name",
    [
        "the restaurant at the very end of the universe",
        "아주 긴 이름의 식당이 여기에 하나 더 있습니다",
        "x" * 5000,
        "x" * 24,
    ],
)
def test_a_line_of_names_is_cut_where_the_terminal_ends_and_never_wraps(drawn, width, name):
    _, shown = drawn(width, done=(JobName(name, "sentiment"),) * 3, next=(JobName(name, "", 12),) * 3)
    (done,) = [line for line in shown if line.startswith("done")]
    (next_,) = [line for line in shown if line.startswith("next")]
    assert shown.index(next_) == shown.index(done) + 1
    assert not any(shown[shown.index(next_) + 1 :])
    for line in (done, next_):
        assert width - 2 <= cell_len(line) <= width
        assert line.endswith("…")
    assert "(sentiment)" in done  # a long name leaves room for what is said of it
    assert "(12 reviews left)" in next_


def test_names_do_nothing_to_the_terminal(drawn):
    names = "\x1b]0;owned\x07Rosa", "[blink]Bar[/blink]", "Ca\u202efé\x9b5m\r\n\tLuz", "[/]", ":pizza:", "\x1b[5m"
    stream, shown = drawn(120, done=tuple(map(JobName, names[:3])), next=tuple(map(JobName, names[3:])))
    assert shown[2:4] == [
        r"done  \x1b]0;ownedRosa, [blink]Bar[/blink], Ca\u202efé\x9b5m\n\tLuz", r"next  [/], :pizza:, \x1b[5m"
    ]  # fmt: skip
    for acting in ("\x1b]", "\x07", "\u202e", "\x9b", "\x1b[5m", "\t"):
        assert acting not in stream.getvalue()


def test_quiet_writes_warnings_alone(written):
    stream = written(force_terminal=True)
    with progress.watching(quiet=True) as emit:
        feed(emit)
    assert stream.getvalue() == "warning: look\n"


@pytest.mark.parametrize(("seconds", "shown"), [(None, "-:--"), (0, "0:00"), (61.4, "1:01"), (3600, "1:00:00")])
def test_durations(seconds, shown):
    assert durations.clock(seconds) == shown
