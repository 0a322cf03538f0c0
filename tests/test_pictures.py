"""The pictures of the documents: they are there, and what draws them knows a terminal."""

import importlib.util
import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r"^!\[(.*)\]\((.*)\)$", re.MULTILINE)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DOCS", tmp_path)
    return module


@pytest.fixture
def printed():
    """Print what a run does: lines that stay, below them some that are drawn in place, and an ending."""
    stream = io.StringIO()
    console = Console(file=stream, width=60, force_terminal=True, color_system="standard", highlight=False)
    with Live(console=console, transient=True, auto_refresh=False) as live:
        console.print("[green]✓[/] read")
        for done in (1, 2, 3):
            live.update(f"{done} of 3\n{3 - done} in flight\nnext", refresh=True)
    console.print("[bold]done[/]")
    return stream.getvalue().replace("\n", "\r\n")  # as a terminal gets it


def plain(screen: list[str]) -> list[str]:
    return [text for line in screen if (text := re.sub(r"\x1b\[[\d;]*m", "", line).strip())]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_a_readme_shows_pictures_that_are_there_say_what_they_are_and_are_small(name):
    shown = SHOWN.findall((ROOT / name).read_text())
    assert [path for _, path in shown] == ["docs/run.svg", "docs/report.png"]
    assert all(words for words, _ in shown)
    assert all((ROOT / path).stat().st_size <= 300_000 for _, path in shown)


def test_one_command_draws_what_the_readme_shows(pictures):
    recipe = re.search(r"^pictures: .*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    script = ROOT / recipe.split()[-1]
    assert all(Path(path).name in script.read_text() for _, path in SHOWN.findall((ROOT / "README.md").read_text()))
    assert "make pictures" in (ROOT / "CONTRIBUTING.md").read_text()
    assert f"/{' '.join(pictures.COMMAND)}\n" in (ROOT / "Makefile").read_text(), "they are of the demo"


def test_a_terminal_shows_what_is_left_on_it(pictures, printed):
    *moments, end = map(plain, pictures.screens(printed))
    assert [*map(len, moments)].count(4) == len(moments) - 1, "whole, but for the first"
    assert ["✓ read", "2 of 3", "1 in flight", "next"] in moments
    assert end == ["✓ read", "done"]


def test_a_run_is_drawn_at_work_and_at_its_end_without_what_lies_elsewhere(pictures, printed, tmp_path):
    pictures.draw_terminal(printed)
    drawn = (tmp_path / "run.svg").read_text()
    text = re.sub(r"&#160;", " ", " ".join(re.findall(r">([^<>]+)</text>", drawn)))
    assert re.search(r"\$ reviewbatch run sentiment\s+✓\s+read\s+\d of 3\s+\d in flight\s+next\s+done$", text.strip())
    assert "url(http" not in drawn
    assert "@import" not in drawn


def test_without_a_browser_that_is_said(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "BROWSER", None)
    with pytest.raises(SystemExit, match="needs Chromium, and there is none on the path"):
        pictures.draw_page(tmp_path / "report.html")
