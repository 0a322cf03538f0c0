"""The screen: what people read goes to stderr, data to stdout, and everybody else's noise to a log."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from pipelines.corpus.spelling import cut, spelled, spelled_json

LONG = 2_000  # characters of a line for people: nobody reads more of somebody's text
WIDE = 200  # columns where there is no terminal to fit: a log is searched, and broken cells are not found


class _Willing:
    """A stream for people, who may have gone away, or whose disk may be full: the work matters more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Screen(Console):
    """A console on which nobody's text does anything: every text is one line, what would act on it is spelled out."""

    def render_str(self, text: str, *args: Any, **how: Any) -> Text:
        """Make a text of a string, which may have markup."""
        return super().render_str(self._shown(text), *args, **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Draw a text, or what has texts in it."""
        if isinstance(renderable, Text) and (shown := self._shown(renderable.plain)) != renderable.plain:
            text, renderable = renderable, renderable.blank_copy(shown)
            for span in text.spans:
                start, end = (len(spelled(text.plain[:place])) for place in (span.start, span.end))
                renderable.stylize(span.style, start, end)
        return super().render(renderable, options)

    def _shown(self, text: str) -> str:
        """Return a text as it is shown; what is for people is cut where nobody would read on."""
        return cut(spelled(text), LONG) if self.stderr else spelled(text)


def _console(stream: TextIO | None, *, stderr: bool = False) -> Screen:
    fitted = "COLUMNS" in os.environ or (stream is not None and stream.isatty())
    return Screen(stderr=stderr, highlight=False, emoji=False, width=None if fitted else WIDE)


people = _console(sys.stderr, stderr=True)
lists = _console(sys.stdout)
_data: TextIO | None = None
_log: Path | None = None


def divert(log: Path) -> None:
    """Send whatever vLLM and its parts print, in this process and its children, to `log` from here on.

    They print through logging, through C and after the interpreter has begun to end, so it is the file
    descriptors that change hands, for good; `people`, `lists` and `data` keep the real ones.
    """
    global _data, _log  # noqa: PLW0603  a process has one stdout and one stderr
    sys.stdout.flush()
    sys.stderr.flush()
    _log = log
    _data = lists.file = os.fdopen(os.dup(1), "w")
    stream = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace")
    people.file = cast("TextIO", _Willing(stream))
    log.parent.mkdir(parents=True, exist_ok=True)
    # Emptied of the last run, then appended to, so that several writers do not write over each other. A link that
    # somebody has put there would have another file emptied.
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def open_missing() -> None:
    """Open what a caller has closed (`2>&-`) to nowhere, or the next file opened would take its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def data(line: str) -> None:
    """Write a line of data, mostly JSON, to stdout; a reader that has gone away is no error."""
    with suppress(BrokenPipeError):
        print(spelled_json(line), file=_data or sys.stdout, flush=True)


def say(text: str) -> None:
    """Write a line for people, without markup, never wrapped: it may hold a path or be read by a machine."""
    people.print(text, markup=False, soft_wrap=True)


def last_words(text: str) -> None:
    """Write a line for people from a thread that ends the program, whatever the others are doing with the screen."""
    cursor = "\n\x1b[?25h" if people.file.isatty() else ""  # a live display hides it
    people.file.write(f"{cursor}{spelled(text)}\n")
    people.file.flush()


def log() -> Path | None:
    """Return where the noise goes, None while it goes nowhere."""
    return _log
