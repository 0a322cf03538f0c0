"""The rules of the house, held by reading it."""

import ast
import importlib.metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("cli", "pipelines", "scheduling")
MAY_IMPORT = {
    "cli": {"cli", "pipelines", "scheduling"},
    "pipelines": {"pipelines", "scheduling"},
    "scheduling": {"scheduling"},
}
FILES = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]


def imports(file: Path) -> set[str]:
    """Return the top-level names a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_down_only(file):
    room = file.relative_to(ROOT).parts[0]
    assert imports(file) & set(ROOMS) <= MAY_IMPORT[room]


def test_one_module_imports_vllm():
    assert sorted(file.name for file in FILES if "vllm" in imports(file)) == ["vllm_engine.py", "vllm_setup.py"]


def test_only_the_cli_knows_typer_and_rich():
    assert not [file for file in FILES if "cli" not in file.parts and imports(file) & {"typer", "rich"}]


def test_scheduling_is_pure():
    allowed = {
        "scheduling", "array", "collections", "dataclasses", "heapq", "itertools", "math", "numpy", "statistics", "types",
        "typing",
    }  # fmt: skip
    for file in (ROOT / "scheduling").rglob("*.py"):
        assert imports(file) <= allowed, file


def test_no_other_distribution_owns_our_names():
    owners = importlib.metadata.packages_distributions()
    for room in ROOMS:
        assert set(owners.get(room, [])) <= {"reviewbatch"}
        assert Path(__import__(room).__file__).is_relative_to(ROOT)


def test_no_file_grows_past_one_noun():
    assert not [file for file in FILES if len(file.read_text().splitlines()) > 300]
