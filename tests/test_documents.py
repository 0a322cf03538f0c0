"""The documents, held against the program."""

import re
import tomllib
from pathlib import Path

import pyarrow as pa
import pytest
import typer

from cli.lists import described
from cli.loading import MODEL
from cli.main import app
from pipelines.tasks import TASKS
from pipelines.tasks.custom import _File, load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = dict(typer.main.get_command(app).commands)


def options(command: str) -> set[str]:
    return {name for param in COMMANDS[command].params if param.param_type_name == "option" for name in param.opts}


def test_every_option_of_run_is_in_the_readme_and_no_other():
    table = README.split("| option of `run` |")[1].split("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`(--?[a-z-]+)`", row.split("|")[1])}
    assert named == options("run") - {"--help"}


def test_every_command_of_the_program_is_in_the_readme():
    for name in COMMANDS:
        assert f"reviewbatch {name}" in README, name


def test_the_settings_file_in_the_readme_is_valid():
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert MODEL.model_validate(tomllib.loads(block)).engine == {"max_num_seqs": 64}


def test_every_make_target_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z]+)", README + (ROOT / "CONTRIBUTING.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("name", TASKS)
def test_every_column_of_the_results_is_described_with_an_example(name):
    page = (ROOT / "docs" / "tasks.md").read_text()
    rows = [
        f"| `{column}` | {kind} | {meaning} | `{example}` |"
        for column, kind, meaning, example in described(TASKS[name])
    ]
    table = "\n".join(["| column | type | meaning | example |", "|---|---|---|---|", *rows])
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert f"{table}\n\n" in f"{section}\n\n", f"docs/tasks.md needs a section '## {name}' with\n{table}"


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_the_examples_are_a_row_of_the_table(task):
    pa.table({column.name: [column.example] for column in task.columns}, schema=task.schema)


def test_the_task_files_in_the_documents_are_tasks(tmp_path):
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "tasks.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        (tmp_path / "mine.toml").write_text(block)
        assert load(tmp_path / "mine.toml").forms


def test_every_key_of_a_task_file_is_described():
    table = (ROOT / "docs" / "tasks.md").read_text().split("| key | meaning |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE) == list(_File.model_fields)


def test_every_field_of_the_report_is_documented(tmp_path):
    from pipelines.ledger.ledger import Ledger
    from pipelines.output.report import build

    ledger = Ledger(tmp_path)
    ledger.begin({})
    ledger.close()
    page = (ROOT / "docs" / "report.md").read_text()
    report = build(tmp_path)
    for name in [*report, *report["rows"], *report["run"]]:
        assert name in page, name


def test_the_ledger_page_is_of_the_schema_that_is_written():
    from pipelines.ledger.database import VERSION

    assert f"is its schema, {VERSION}." in (ROOT / "docs" / "ledger.md").read_text()


def test_every_module_is_in_the_architecture_page():
    page = (ROOT / "ARCHITECTURE.md").read_text()
    for room in ("cli", "pipelines", "scheduling"):
        for file in (ROOT / room).rglob("*.py"):
            if file.stem != "__init__":
                known = f"`{file.stem}`" in page or f"/{file.stem}`" in page
                assert known, f"{file.relative_to(ROOT)} is not in the table of ARCHITECTURE.md"


def test_every_link_between_documents_leads_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_policy_and_figure_is_in_the_scheduling_page():
    from scheduling.forecast import OBJECTIVES
    from scheduling.policy import POLICIES

    page = (ROOT / "docs" / "scheduling.md").read_text()
    table = page.split("| `--policy` |")[1].split("\n\n")[0]
    assert {name for row in table.splitlines()[2:] for name in re.findall(r"^\| `([a-z]+)`", row)} == {
        *POLICIES,
        "auto",
    }
    assert all(f"`{objective}`" in page for objective in OBJECTIVES)
