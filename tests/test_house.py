"""The rules of the house, held by reading it."""

import ast
import importlib.metadata
import itertools
import re
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
        "scheduling", "array", "collections", "dataclasses", "enum", "heapq", "itertools", "math", "numpy", "statistics", "types",
        "typing",
    }  # fmt: skip
    for file in (ROOT / "scheduling").rglob("*.py"):
        assert imports(file) <= allowed, file


def test_no_other_distribution_owns_our_names():
    owners = importlib.metadata.packages_distributions()
    for room in ROOMS:
        assert set(owners.get(room, [])) <= {"reviewbatch"}
        assert Path(__import__(room).__file__).is_relative_to(ROOT)


def test_every_folder_is_a_package_that_a_wheel_has():
    assert not [file for file in FILES if not (file.parent / "__init__.py").exists()]


def test_no_file_grows_past_one_noun():
    assert not [file for file in FILES if len(file.read_text().splitlines()) > 300]


# The floors of pipelines/, the lowest first: a room imports what is on its own floor or below. `measurements` reads what
# the ledger has, `config` names tasks, and the three stories stand on everything.
FLOORS = (
    {"errors", "events", "files", "clock"},
    {"remote"},
    {"cache", "corpus", "models"},
    {"machine"},
    {"engine"},
    {"ledger"},
    {"measurements", "prompts"},
    {"tasks"},
    {"config"},
    {"questions"},
    {"dispatch", "output"},
    {"export"},
    {"run", "preview", "comparison", "inspection", "merger"},
    {"examination"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PIPELINES = sorted((ROOT / "pipelines").rglob("*.py"))


def room(file: Path) -> str:
    return file.relative_to(ROOT / "pipelines").with_suffix("").parts[0]


def modules(file: Path) -> set[str]:
    """Return the modules of ours that a file imports, wherever in it, by their full names."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # What is imported from a package may be a module of it.
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in found if (ROOT / name.replace(".", "/")).with_suffix(".py").exists()}


def test_pipelines_has_few_rooms_and_each_has_a_floor():
    rooms = {room(file) for file in PIPELINES} - {"__init__"}
    assert rooms == FLOOR.keys()
    assert len(rooms) <= 25


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_room_imports_one_above_it_or_beside_it(file):
    for module in modules(file):
        package, _, rest = module.partition(".")
        if package == "pipelines" and (other := rest.partition(".")[0]) != room(file):
            assert FLOOR[other] < FLOOR[room(file)], f"{room(file)} imports {other}"


def test_no_two_modules_import_each_other_however_far_around():
    arrows = {".".join(file.relative_to(ROOT).with_suffix("").parts): modules(file) for file in FILES}
    while free := {name for name, others in arrows.items() if not others & arrows.keys()}:
        for name in free:
            del arrows[name]
    assert not arrows, "these import each other"


@pytest.mark.parametrize("folder", [f for f in (ROOT / "pipelines").iterdir() if (f / "__init__.py").exists()])
def test_every_room_says_what_it_is_and_what_it_imports(folder):
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert docstring
    assert "mport" in docstring


def test_sql_stands_in_the_ledger_alone():
    sql = re.compile(r"\b(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|PRAGMA|CREATE TABLE)\b")
    assert not [file for file in FILES if file.parent.name != "ledger" and sql.search(file.read_text())]
    assert not [
        file
        for file in FILES
        if file.parent.name == "ledger" and re.search(r"INSERT INTO \w+ +(VALUES|SELECT)", file.read_text())
    ]


def test_nobody_asks_a_task_which_kind_it_is():
    kinds = {"Classification", "Extraction", "Aggregation"}
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                assert not kinds & {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}, file


def test_no_task_is_named_where_all_are_alike():
    names = re.compile("[\"'](sentiment|points|summary|strengths|query-expansion)[\"']")
    alike = ("scheduling", "ledger", "questions", "dispatch", "output")
    shown = {"tables.py", "progress.py", "event_lines.py"}
    files = [file for file in FILES if {*file.parts} & {*alike} or file.name in shown]
    assert len(files) > 30
    assert not [file for file in files if names.search(file.read_text())]


def positional(function: ast.FunctionDef) -> list[str]:
    return [a.arg for a in (*function.args.posonlyargs, *function.args.args) if a.arg not in {"self", "cls"}]


def test_what_has_many_parameters_takes_them_by_name():
    theirs = {"settings_customise_sources"}  # pydantic's
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name not in theirs:
                assert len(positional(node)) <= 4, f"{file}: {node.name}"
            if isinstance(node, ast.ClassDef) and (
                how := [d for d in map(ast.unparse, node.decorator_list) if "dataclass" in d]
            ):
                fields = list(
                    itertools.takewhile(
                        lambda part: part.target.id != "_", (p for p in node.body if isinstance(p, ast.AnnAssign))
                    )
                )
                assert len(fields) <= 4 or "kw_only=True" in how[0], f"{file}: {node.name}"


def test_data_does_not_depend_on_the_order_of_fields():
    assert not [file for file in FILES if "astuple" in file.read_text()]


def test_every_reason_of_a_reject_is_in_the_report_page_and_nowhere_else_in_the_code():
    from pipelines.corpus.reject import Reason

    table = (ROOT / "docs" / "report.md").read_text().split("## Reasons of rejects")[1].split("\n\n")[1]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    assert [name for cell in cells for name in re.findall(r"`([a-z0-9-]+)`", cell)] == list(Reason)
    written = re.compile("|".join(rf"[\"']{reason}[\"']" for reason in Reason))
    assert [file.name for file in FILES if written.search(file.read_text())] == ["reject.py"]


def test_the_states_are_those_of_the_schema():
    from pipelines.ledger.database import SCHEMA
    from pipelines.ledger.records import RequestState

    assert f"CHECK (state IN ({', '.join(repr(str(state)) for state in RequestState)}))" in SCHEMA
