"""Whoever does not see colours well, or has a page read aloud, has the same page."""

import re
from importlib import resources
from itertools import pairwise

import pytest

from pipelines.output import page

FILES = {file.name: file.read_text(encoding="utf-8") for file in resources.files(page).iterdir() if file.is_file()}
STYLE = FILES["style.css"]
TEMPLATES = {name: text for name, text in FILES.items() if name.endswith(".j2")}
WORDS = ("ink", "dim", "good", "look", "bad")
LINES = ("mark", "other", "third", "fourth", "dim")  # of pictures, fields and bars


def colours(scheme: str) -> dict[str, tuple[float, ...]]:
    """Return the style's variables, those of the dark scheme over those of the light one."""
    light, dark = (block.partition("}")[0] for block in STYLE.split(":root {")[1:3])
    text = light + dark if scheme == "dark" else light
    found = {name: value * 2 if len(value) == 3 else value for name, value in re.findall(r"--(\w+): #(\w+);", text)}
    return {name: tuple(bytes.fromhex(value)) for name, value in found.items()}


def lightness(colour: tuple[float, ...]) -> float:
    """Return the relative luminance of a colour, as WCAG has it."""
    parts = [one / 255 for one in colour]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((lightness(one), lightness(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_what_it_is_said_to_be():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_lines_stand_out_from_the_paper(scheme):
    shown = colours(scheme)
    assert {name: ratio for name in WORDS if (ratio := contrast(shown[name], shown["paper"])) < 4.5} == {}
    assert {name: ratio for name in LINES if (ratio := contrast(shown[name], shown["paper"])) < 3} == {}
    assert contrast(shown["ink"], shown["raised"]) > 4.5


def test_a_page_is_printed_in_ink_on_paper_whatever_the_screen_has():
    assert re.findall(r"@media ([^{]*dark[^{]*) {", STYLE) == ["screen and (prefers-color-scheme: dark)"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_tables_say_what_they_are_and_what_their_cells_are_about(name):
    for table in re.findall(r"[^\n]*\n?[^\n]*<table.*?</table>", TEMPLATES[name], re.DOTALL):
        assert "<caption" in table or "<summary>" in table, table
        assert "scope=" in table or "waiting(" in table, table
    assert re.findall(r"<th\b(?![^>]*scope=\"(?:col|row)\")[^>]*>", TEMPLATES[name]) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_named_after_something_finds_it_there(name):
    ids = re.findall(r'\bid="([^"]*)"', TEMPLATES[name])
    assert len(ids) == len({*ids})
    assert {*re.findall(r'\b(?:for|aria-labelledby)="([^"]*)"', TEMPLATES[name])} <= {*ids}


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_drawn_or_scrolls_has_a_name(name):
    for tag in re.findall(r'<\w+[^>]*(?:role="img"|tabindex)[^>]*>', TEMPLATES[name]):
        assert "aria-label" in tag, tag


@pytest.mark.parametrize("name", TEMPLATES)
def test_headings_go_down_one_step_at_a_time(name):
    levels = [int(level) for level in re.findall(r"<h(\d)", TEMPLATES[name])]
    assert levels[:1] in ([], [1])
    assert levels.count(1) <= 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
