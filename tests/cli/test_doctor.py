"""`reviewbatch doctor` and `reviewbatch --version`, as people use them."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_it_says_what_is_here_and_that_it_is_enough(run):
    status, out, err = run("doctor")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("python 3.")
    assert f"torch {importlib.metadata.version('torch')}" in lines
    assert [line for line in lines if line.startswith("ok: vLLM ") and "runs on cpu" in line]
    assert [line for line in lines if line.startswith("ok: default model smollm2-135m, on this machine: ")]
    assert [line for line in lines if re.match(r"ok: smollm2-135m has 0\.[35] GiB of weights", line)]
    assert lines[-1] == "ready"


def test_as_json_it_is_one_line(run):
    status, out, _ = run("doctor", "--json")
    assert status == 0
    (line,) = out.splitlines()
    found = json.loads(line)
    assert found["ready"]
    assert found["packages"]["torch"] == importlib.metadata.version("torch")
    assert (found["machine"]["kind"], found["machine"]["cards"]) == ("cpu", [])
    assert found["machine"]["memory_free_bytes"] > 0
    assert (found["model"]["name"], found["model"]["heads"]) == ("smollm2-135m", 9)
    text = f"vLLM {found['machine']['vllm']} runs on cpu"
    assert {"status": "ok", "about": "vllm", "text": text} in found["findings"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("ImportError('libcudart.so.13: cannot open shared object file')", "built for different CUDA versions"),
        ("RuntimeError('\\nno luck [today]\\nmore')", "missing: vLLM cannot be used: no luck [today]\n"),
    ],
)
def test_a_vllm_that_cannot_be_used_is_status_1_and_one_line(tmp_path, error, message):
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").write_text(f"print('noise')\nraise {error}\n")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "XDG_CACHE_HOME": str(tmp_path)}

    def doctor(*options):
        command = [sys.executable, "-m", "cli.main", "doctor", *options]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    plain = doctor()
    assert (plain.returncode, plain.stderr) == (1, "")
    assert message in plain.stdout
    assert plain.stdout.endswith("not ready: 1 missing\n")
    assert "noise" not in plain.stdout
    assert "noise" in (tmp_path / "reviewbatch" / "logs" / "doctor.log").read_text()
    as_json = doctor("--json")
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["findings"][0]["status"] == "missing"


def test_the_version(run):
    assert run("--version") == (0, f"reviewbatch {importlib.metadata.version('reviewbatch')}\n", "")
    status, out, _ = run("--version", "doctor")
    assert (status, len(out.splitlines())) == (0, 1)
    status, out, err = run()
    assert (status, "doctor" in out + err) == (2, True)


def test_the_version_of_what_was_never_installed():
    """As in a bare copy of the repository."""
    script = (
        "import importlib.metadata, sys\n"
        "def version(name): raise importlib.metadata.PackageNotFoundError(name)\n"
        "importlib.metadata.version = version\n"
        "sys.argv = ['reviewbatch', '--version']\n"
        "from cli.main import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "reviewbatch of an unknown version\n"), done.stderr
