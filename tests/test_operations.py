"""Where it runs: the examples that people copy, held against the program and the shell."""

import ast
import configparser
import json
import re
import shlex
import shutil
import signal
import subprocess
import time
import tomllib
from pathlib import Path

import pytest
import typer
import yaml
from packaging.requirements import Requirement

from cli import chosen_tasks, exit_status, loading, main

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PROGRAM = typer.main.get_command(main.app)
STATUSES = {
    exit_status.DONE, exit_status.CANNOT, exit_status.USAGE, exit_status.BUG, exit_status.TOO_MANY_REJECTS,
    exit_status.OUT_OF_TIME, 128 + signal.SIGINT, 128 + signal.SIGTERM,
}  # fmt: skip
PAGES = {page.name: page.read_text() for page in (*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md"))}
WORKFLOW = yaml.safe_load((DEPLOY / "github-workflow.yml").read_text())
STEPS = [step["run"] for step in WORKFLOW["jobs"]["smoke"]["steps"] if "run" in step]
CRON = re.compile(r"^(?:[\d*/,-]+ +){5}", re.MULTILINE)


def unit(name: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str
    parsed.read_string((DEPLOY / name).read_text())
    return parsed


def nodes(name: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse((DEPLOY / name).read_text())))


def shell() -> dict[str, str]:
    """Return every piece of shell that is shown or lies in deploy/, by where it stands."""
    found = {
        f"{name} block {n}": CRON.sub("", text)
        for name, page in PAGES.items()
        for n, text in enumerate(re.findall(r"```(?:sh|crontab)\n(.*?)```", page, re.DOTALL))
    }
    found |= {f"github-workflow.yml step {n}": text for n, text in enumerate(STEPS)}
    found["slurm.sh"] = (DEPLOY / "slurm.sh").read_text()
    found["reviewbatch.service"] = unit("reviewbatch.service")["Service"]["ExecStart"]
    for name in ("airflow_dag.py", "dagster_job.py"):
        texts = [node.value for node in nodes(name) if isinstance(node, ast.Constant)]
        (found[name],) = [text for text in texts if isinstance(text, str) and text.startswith("reviewbatch run ")]
    return found


def commands(text: str) -> list[list[str]]:
    """Return the words behind `reviewbatch` of each such command in a shell text."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(re.sub(r"\d?>+ *\S+", "", line), posix=True, punctuation_chars=True)
        lexer.whitespace_split, lexer.commenters = True, "#"
        words = [[]]
        for word in lexer:
            if re.fullmatch(r"[|&;()]+", word):
                words.append([])
            else:
                words[-1].append(word)
        for command in words:
            at = next((n for n, word in enumerate(command) if Path(word).name == "reviewbatch"), None)
            if at == 0 or (at and command[:2] == ["docker", "run"]):
                found.append(command[at + 1 :])
    return found


def check(words: list[str]) -> None:
    """Raise whatever the program would say of a command before it looks at files."""
    if words[0] in {name for param in PROGRAM.params for name in param.opts}:
        return
    given = PROGRAM.commands[words[0]].make_context(words[0], words[1:]).params
    chosen = loading.load(**{name: value for name, value in given.items() if name in loading.NAMES})
    if given.get("names") and not chosen.task_file:
        chosen_tasks.named(given["names"], chosen)


SHELL = shell()
# In slurm.sh the words are made by the shell; `test_slurm` looks at those.
COMMANDS = [
    (where, words) for where, text in SHELL.items() if where != "slurm.sh" for words in commands(text)
] + [
    (name, shlex.split(text)[1:])
    for name, page in PAGES.items()
    for text in re.findall(r"`(reviewbatch (?!\w+`)[^`\n]*)`", page)
]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "words"), COMMANDS, ids=lambda part: part if isinstance(part, str) else " ".join(part)
)
def test_every_command_is_one(where, words):
    check(words)


def test_every_place_has_commands():
    places = {where.partition(" ")[0] for where, _ in COMMANDS}
    assert places >= {
        "README.md", "README.ko.md", "operations.md", "airflow_dag.py", "dagster_job.py", "github-workflow.yml",
        "reviewbatch.service",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong", ["run sentimental", "run sentiment --deadlin 8h", "rnu", "run sentiment --policy best"]
)
def test_what_is_no_command_is_found(wrong):
    with pytest.raises(Exception, match=r"(?i)no such|no task|rnu"):
        check(shlex.split(wrong))


@pytest.mark.parametrize("text", SHELL.values(), ids=SHELL)
def test_every_piece_of_shell_is_some(text):
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["README.md", "README.ko.md", "operations.md"])
def test_the_exit_statuses_are_those_of_the_program(name):
    head = re.search(r"^\| (exit status|종료 코드) \|.*\n", PAGES[name], re.MULTILINE)
    rows = PAGES[name][head.end() :].split("\n\n")[0].splitlines()[1:]
    assert sorted(int(number) for row in rows for number in row.split("|")[1].split(",")) == sorted(STATUSES)


def test_every_file_to_copy_is_linked():
    assert {file.name for file in DEPLOY.iterdir() if file.is_file()} <= set(
        re.findall(r"\(\.\./deploy/([^)]+)\)", PAGES["operations.md"])
    )


def test_every_anchor_that_a_page_names_is_a_heading():
    for name, page in PAGES.items():
        folder = ROOT if name.startswith("README") else ROOT / "docs"
        for target, anchor in re.findall(r"\]\((?!http)([^)#]*)#([^)]+)\)", page):
            text = (folder / target).read_text() if target else page
            headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{name}: {target}#{anchor}"


def test_the_korean_readme_has_the_tasks_the_files_and_options_of_the_other():
    korean, english = PAGES["README.ko.md"], PAGES["README.md"]

    def first(page: str, head: str) -> list[str]:
        return re.findall(r"^\| (`[^|]*`|\[[^|]*\)) \|", page.split(head)[1].split("\n\n", maxsplit=1)[0], re.MULTILINE)

    tasks = first(korean, "| 작업 |")
    assert tasks[:-1] == first(english, "| task |")[:-1]
    assert first(korean, "| 파일 |") == first(english, "| file |")
    options = {name for param in PROGRAM.commands["run"].params for name in param.opts}
    named = re.findall(r"`(--?[a-z-]+)`", "".join(first(korean, "| `run`의 주요 옵션 |")))
    assert len(named) > 15
    assert {*named} <= options


def test_the_units_are_what_systemd_takes(tmp_path):
    service, timer = unit("reviewbatch.service"), unit("reviewbatch.timer")
    assert {int(status) for status in service["Service"]["SuccessExitStatus"].split()} == {
        exit_status.OUT_OF_TIME,
        128 + signal.SIGTERM,
    }
    assert (service["Service"]["Type"], service["Service"]["KillMode"]) == ("oneshot", "mixed")
    assert timer["Timer"]["OnCalendar"]
    # With Persistent= it may start at any time of day.
    assert re.search(r"--deadline \d+h ", service["Service"]["ExecStart"])
    if not shutil.which("systemd-analyze"):
        return
    for name in ("reviewbatch.service", "reviewbatch.timer"):
        text = (DEPLOY / name).read_text().replace("/usr/local/bin/reviewbatch", shutil.which("true"))
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(tmp_path.iterdir())], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["airflow_dag.py", "dagster_job.py"])
def test_the_schedulers_try_again_what_is_worth_it(name):
    compile((DEPLOY / name).read_text(), name, "exec")
    said = {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value)
        for node in nodes(name)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"WORK_LEFT", "IN_VAIN"}
    }
    assert said["WORK_LEFT"] == exit_status.OUT_OF_TIME
    assert {*said["IN_VAIN"]} == exit_status.IN_VAIN - {exit_status.DONE}


@pytest.mark.parametrize(
    ("status", "variables", "output", "requeued"),
    [
        (0, {}, "out", ""),
        (4, {}, "out", "requeue 7\n"),
        (4, {"SLURM_RESTART_COUNT": "20"}, "out", ""),
        (143, {}, "out", ""),
        (0, {"SLURM_ARRAY_TASK_ID": "0"}, "out/shard-0-of-2", ""),
        (4, {"SLURM_ARRAY_TASK_ID": "1"}, "out/shard-1-of-2", "requeue 5_1\n"),
        (0, {"SLURM_ARRAY_TASK_ID": "1", "REVIEWBATCH_SHARD": "5/8"}, "out/shard-5-of-8", ""),
    ],
)
def test_slurm(tmp_path, monkeypatch, status, variables, output, requeued):
    in_two_hours = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 7200))
    stubs = {
        "squeue": f"echo {in_two_hours}",
        "scontrol": f'echo "$@" > {tmp_path}/requeued',
        "reviewbatch": f"printf '%s\\n' \"$@\" > {tmp_path}/words; exit {status}",
    }
    for name, text in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    variables = {
        "SLURM_JOB_ID": "7",
        "SLURM_ARRAY_JOB_ID": "5",
        **{f"SLURM_ARRAY_TASK_{name}": value for name, value in {"COUNT": "2", "MIN": "0", "MAX": "1"}.items()},
        **variables,
    }
    files = [f"{name} 1.parquet" for name in "abc"]
    script = ["bash", DEPLOY / "slurm.sh", *files]
    theirs = {"PATH": f"{tmp_path}:/usr/bin:/bin", **variables}
    done = subprocess.run(script, env=theirs, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert ((tmp_path / "requeued").read_text() if (tmp_path / "requeued").exists() else "") == requeued
    words = (tmp_path / "words").read_text().splitlines()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    check(words)
    given = PROGRAM.commands["run"].make_context("run", words[1:]).params
    assert given["input"] == files
    chosen = loading.load(**{name: given[name] for name in ("input", "output", "shard")})
    assert str(chosen.folder) == output
    assert 6890 <= int(given["deadline"].removesuffix("s")) <= 6900


def test_the_workflow_names_what_is_there():
    setup = next(step["with"] for step in WORKFLOW["jobs"]["smoke"]["steps"] if "setup-python" in step.get("uses", ""))
    assert (ROOT / setup["cache-dependency-path"]).exists()
    minimum = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert setup["python-version"] == minimum
    (made,) = [step for step in STEPS if step.startswith("make ")]
    assert f"\n{made.split()[1]}:" in (ROOT / "Makefile").read_text()
    smoke = next(words for where, words in COMMANDS if where.startswith("github-workflow") and words[0] == "run")
    given = PROGRAM.commands["run"].make_context("run", smoke[1:]).params
    assert given["model"] == "tiny"
    assert (ROOT / given["input"][0]).exists()


def test_the_image_has_a_vllm_that_the_gpu_extra_would_take():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (vllm,) = [need for need in map(Requirement, project["optional-dependencies"]["gpu"]) if need.name == "vllm"]
    version = re.search(
        r"^ARG VLLM=v(\S+)\nFROM vllm/vllm-openai:\$\{VLLM\}$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert vllm.specifier.contains(version[1])


def test_the_image_is_made_of_what_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    needed |= {name.rstrip("*") for name in packages}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == needed
    assert all((ROOT / name).exists() for name in needed)


def test_the_alerts_are_about_what_the_program_writes():
    from pipelines.output import metrics

    page = PAGES["report.md"]
    written = set(re.findall(r"`(reviewbatch_\w+)`", page)) | {
        metrics.named(plain)[0] for plain in ("rows_waiting", *metrics.HELPS)
    }
    (group,) = yaml.safe_load((DEPLOY / "reviewbatch.rules.yml").read_text())["groups"]
    assert [rule["alert"].removeprefix("Reviewbatch") for rule in group["rules"]] == [
        "Stalled", "Failed", "NightMissed", "WorkLeft",
    ]  # fmt: skip
    for rule in group["rules"]:
        named = set(re.findall(r"\breviewbatch_\w+", rule["expr"]))
        assert named, rule
        assert named <= written, rule
        assert {*rule["annotations"]} == {"summary", "description"}
        if "humanizeDuration" in rule["annotations"]["summary"]:  # the value is what stands before `and`
            assert rule["expr"].startswith("time() - ")
        assert rule["expr"].count("(") == rule["expr"].count(")")
    (failed,) = (rule["expr"] for rule in group["rules"] if rule["alert"] == "ReviewbatchFailed")
    most, left = re.search(r"> 0 < (\d+) != (\d+)$", failed).groups()
    assert (int(most), int(left)) == (exit_status.SIGNALLED, exit_status.OUT_OF_TIME)


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not here")
@pytest.mark.parametrize(
    ("ended", "well"),
    [
        ({"status": 0, "reason": "done", "at": time.time() - 3600}, True),
        ({"status": 0, "reason": "done", "at": time.time() - 30 * 3600}, False),
        ({"status": 4, "reason": "stopped at --deadline with 7 rows left", "at": time.time()}, False),
        (None, False),
    ],
)
def test_the_command_for_other_monitors_tells_a_good_night_from_all_others(tmp_path, ended, well):
    (line,) = (line for line in PAGES["operations.md"].splitlines() if line.startswith("jq "))
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"run": {"exit": ended} if ended else {}}))
    *words, file = shlex.split(line)
    assert Path(file).name == report.name
    done = subprocess.run([*words, report], capture_output=True, check=False)
    assert (done.returncode == 0) == well
