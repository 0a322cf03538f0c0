"""Draw the pictures of the documents out of a real run: what a terminal shows of it, and the top of its page."""

import io
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
COMMAND = ["reviewbatch", "run", "sentiment"]  # what `make demo` runs
COLUMNS, ROWS = 100, 50
WIDTH, HEIGHT = 1040, 868  # of the top of the page
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# What a terminal is told: go up, empty the line, begin the next, whatever else draws nothing; and coloured text.
TOLD = re.compile(r"\x1b\[(\d*)(A)|\x1b\[2(K)|(\n)|\x1b\[[\d;?]*[B-Za-ln-z]|\r|((?:\x1b\[[\d;]*m|[^\x1b\r\n])+)")


def main() -> None:
    """Run the demo in a folder that looks like a clone, and draw both pictures."""
    with TemporaryDirectory() as folder, chdir(folder):
        for name in ("data-samples", "reviewbatch.toml"):
            Path(name).symlink_to(DOCS.parent / name)
        draw_terminal(_run())
        draw_page(Path(folder) / "out" / "report.html")


def draw_terminal(printed: str) -> None:
    """Draw the run when half of it was done, and below that what it ended with."""
    *moments, end = screens(printed)
    working = [screen for screen in moments if any("in flight" in line for line in screen)]
    half = "\n".join(working[len(working) // 2]).rstrip().splitlines() if working else end
    since = next((n for n, (one, other) in enumerate(zip(half, end, strict=False)) if one != other), len(half))
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), highlight=False)
    console.print(Text(f"$ {' '.join(COMMAND)}", "bold"))
    console.print(Text.from_ansi("\n".join([*half, "", *end[since:]]).rstrip()))
    # A picture on a page fetches no fonts.
    style = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("Fira Code, ", "")
    console.save_svg(str(DOCS / "run.svg"), title=" ".join(COMMAND), code_format=style, unique_id="run")


def screens(printed: str) -> Iterator[list[str]]:
    """Yield the lines on a terminal, with their colours, each time before some are emptied, and at the end."""
    lines, row, emptied = [""], 0, False
    for up, is_up, empties, ends, text in TOLD.findall(printed):
        if is_up:
            row -= int(up or 1)
        elif ends:
            row += 1
            lines += [""] * (row == len(lines))
        elif empties:
            if not emptied:
                yield [*lines]
            lines[row], emptied = "", True
        else:
            lines[row] += text
            emptied = emptied and not text
    yield lines


def draw_page(page: Path) -> None:
    """Draw the top of a page as a browser shows it on a light screen."""
    if not BROWSER:
        sys.exit("docs/run.svg is drawn; docs/report.png needs Chromium, and there is none on the path")
    flags = ["--headless", "--no-sandbox", "--hide-scrollbars", "--blink-settings=preferredColorScheme=1"]
    size = f"--window-size={WIDTH},{HEIGHT}"
    to = f"--screenshot={DOCS / 'report.png'}"
    subprocess.run([BROWSER, *flags, size, to, page.as_uri()], check=True, capture_output=True)  # it has much to say


def _run() -> str:
    """Run the command on a terminal of its own, and return all that it printed there."""
    chunks = []

    def read(terminal: int) -> bytes:
        chunks.append(os.read(terminal, 65536))
        return chunks[-1]

    here = Path(sys.executable).parent
    os.environ |= {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm-256color"}
    os.environ |= {"COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    if status := os.waitstatus_to_exitcode(pty.spawn(COMMAND, read)):
        sys.exit(f"{' '.join(COMMAND)} ended with status {status}, so nothing is drawn")
    return b"".join(chunks).decode()


if __name__ == "__main__":
    main()
