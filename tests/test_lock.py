"""The lock: what is installed is what was asked for, and it says by whom."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements-cpu.lock").read_text()
HEAD, PINS = LOCK[: re.search(r"^\w", LOCK, re.MULTILINE).start()], re.split(r"^(?=\w)", LOCK, flags=re.MULTILINE)[1:]


def named(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-").replace(".", "-")


def test_its_head_says_how_a_version_is_chosen():
    for what in ("make lock", "Python 3.11", "overrides-cpu.txt", "the newest one"):
        assert what in HEAD


def test_each_version_says_who_asks_for_it():
    for pin in PINS:
        first, *rest = pin.splitlines()
        assert re.fullmatch(r"[a-z0-9.-]+==\S+", first)
        assert rest[0].startswith("    # via"), first


def test_all_that_the_project_asks_for_is_in_it_and_nothing_that_it_leaves_out():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["cpu"],
        *project["dependency-groups"]["dev"],
    ]
    pinned = {named(pin) for pin in PINS}
    assert {named(one) for one in asked} <= pinned
    overrides = (ROOT / "overrides-cpu.txt").read_text().splitlines()
    assert not {named(line) for line in overrides if line[0].isalpha()} & pinned
