"""The recipe "add a task" in CONTRIBUTING.md, walked in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COPIED = ("cli", "pipelines", "scheduling", "benchmarks", "deploy", "docs", "data-samples", "tests")
# A file is named, and then shown whole, or what changes in it.
STEP = re.compile(r"`([\w./-]+)`:\n\n((?:```(?:python|diff)\n.*?```\n+)+)", re.DOTALL)
BLOCK = re.compile(r"```(python|diff)\n(.*?)```", re.DOTALL)


def changed(text: str, diff: str) -> str:
    """Return a text after a change that is written down as a diff."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, before
    return text.replace(before, after)


@pytest.fixture
def copy(tmp_path):
    copy = tmp_path / "reviewbatch"
    for folder in COPIED:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, copy)
    return copy


def test_whoever_does_what_the_recipe_says_has_a_task(copy):
    recipe = (ROOT / "CONTRIBUTING.md").read_text().split("\n## Add a task\n")[1].split("\n## ")[0]
    steps = STEP.findall(recipe)
    assert len(steps) == 6
    for name, blocks in steps:
        file = copy / name
        for kind, block in BLOCK.findall(blocks):
            file.write_text(block if kind == "python" else changed(file.read_text(), block))
    tests = ["tests/test_documents.py", "tests/test_house.py", "tests/pipelines/tasks/test_cleanliness.py"]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout
    assert "passed" in finished.stdout
