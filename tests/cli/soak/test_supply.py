"""What a model, an input or the environment brings: code that is never run, secrets that are never told, no network."""

import json
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

SMALL = ["--engine", "kv_cache_memory_bytes=268435456"]
SPRUNG = Path("sprung")
# What the traps of a model folder do when they are opened, imported or rendered.
CODE = f"import pathlib\npathlib.Path({str(SPRUNG)!r}).touch()\nraise SystemExit(7)\n"
PICKLES = ("pytorch_model.bin", "model.pt", "consolidated.00.pth", "training_args.bin", "vocab.pkl", "scheduler.ckpt")
MODULES = (
    "modeling_x.py",
    "configuration_x.py",
    "tokenization_x.py",
    "custom_generate/generate.py",
    "sitecustomize.py",
)
TEMPLATE = "{{ ''.__class__.__mro__[1].__subclasses__() }}{{ cycler.__init__.__globals__.os.system('touch sprung') }}"


class Trap:
    def __reduce__(self):
        return Path.touch, (SPRUNG,)


@pytest.fixture
def trapped(tiny, tmp_path):
    """A model folder with everything in it that could have code run."""
    folder = shutil.copytree(tiny.folder, tmp_path / "trapped")
    (folder / "custom_generate").mkdir()
    for name in PICKLES:
        (folder / name).write_bytes(pickle.dumps(Trap()))
    for name in MODULES:
        (folder / name).write_text(CODE)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    maps = {
        "config.json": {
            "AutoConfig": "configuration_x.X",
            "AutoModel": "modeling_x.X",
            "AutoModelForCausalLM": "modeling_x.X",
        },
        "tokenizer_config.json": {"AutoTokenizer": ["tokenization_x.X", "tokenization_x.XFast"]},
    }
    for name, auto_map in maps.items():
        change(folder / name, auto_map=auto_map, trust_remote_code=True)
    return folder


@pytest.fixture
def corpus(write_jsonl, distinct):
    return ["-i", str(write_jsonl(distinct(12))), *SMALL]


def change(file, **keys):
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))


def test_the_traps_work(trapped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in PICKLES:
        pickle.loads((trapped / name).read_bytes())
        SPRUNG.unlink()
    for name in MODULES:
        with pytest.raises(SystemExit):
            exec((trapped / name).read_text())
        SPRUNG.unlink()


def test_nothing_in_a_model_folder_is_run(run, trapped, corpus, often):
    for options in ((), ("--replicas", "2"))[: often(1, 2)]:
        status, _, err = run("run", "sentiment", *corpus, "--model", trapped, "--again", *options)
        assert status == 0, err
        assert not SPRUNG.exists()
        assert "trust_remote_code=False" in Path("out/engine.log").read_text()


def test_neither_is_it_where_the_model_is_spoken_to_in_turns_and_examined(run, trapped, corpus):
    status, _, err = run("check", "--model", trapped, *SMALL)
    assert status == 0, err
    status, _, err = run("run", "sentiment", "points", *corpus, "--model", trapped)
    assert status == 0, err
    assert not SPRUNG.exists()


def test_a_model_that_is_nothing_but_code_is_one_line(run, trapped, corpus):
    for name in ("config.json", "tokenizer_config.json"):
        change(trapped / name, model_type="x", architectures=["X"], tokenizer_class="X")
    status, _, err = run("run", "sentiment", *corpus, "--model", trapped)
    assert (status, SPRUNG.exists()) == (1, False)
    assert [line for line in err.splitlines() if line.startswith("error: ")] == [err.splitlines()[-1]]


def test_weights_that_are_pickles_are_one_line_and_never_opened(run, trapped, corpus):
    (trapped / "model.safetensors").unlink()
    for more in ([], ["--engine", "load_format=auto"], ["--engine", "load_format=pt"]):
        status, _, err = run("run", "sentiment", *corpus, "--model", trapped, *more)
        assert (status, SPRUNG.exists()) == (1, False)
        assert ("load_format is" if more else "which may hold code and is not opened: have them as safetensors") in err


@pytest.mark.parametrize(
    ("argument", "toml"),
    [
        ("trust_remote_code", "trust_remote_code = true"),
        ("hf_overrides", "hf_overrides = { text_config = { trust_remote_code = 1 } }"),
        ("worker_cls", 'worker_cls = "trap"'),
        ("reasoning_parser_plugin", 'reasoning_parser_plugin = "/tmp/trap.py"'),
    ],
)
def test_code_is_run_for_the_command_line_alone(run, trapped, corpus, argument, toml):
    Path("trap.py").write_text(CODE)
    Path("reviewbatch.toml").write_text(f"[engine]\n{toml}\n")
    for setting in ({}, {"REVIEWBATCH_ENGINE": json.dumps({argument: "trap.X"})}):
        status, _, err = run("run", "sentiment", *corpus, "--model", trapped, **setting)
        assert (status, SPRUNG.exists()) == (1, False)
        assert f"{argument} may have code run, which only the command line may: --engine {argument}=..." in err
        assert len(err.splitlines()) == 1
        Path("reviewbatch.toml").write_text(
            "[engine]\ntrust_remote_code = false\nmax_num_seqs = 4\ndtype = 'float32'\n"
        )


def test_the_command_line_may_have_code_run_and_is_warned(run, trapped, corpus):
    change(trapped / "config.json", model_type="x")
    status, _, err = run("run", "sentiment", *corpus, "--model", trapped, "--engine", "trust_remote_code=true")
    assert status != 0
    assert "--engine trust_remote_code may have code run that is neither this program's nor vLLM's" in err
    assert SPRUNG.exists(), "or this would show nothing"


def test_a_changed_model_is_not_served_the_other_ones_answers(run, tiny, corpus, often):
    folder = shutil.copytree(tiny.folder, Path("mine"))
    weights = folder / "model.safetensors"

    def asked() -> int:
        status, out, err = run("run", "sentiment", *corpus, "--model", folder, "--json")
        assert status == 0, err
        return json.loads(out)["tasks"]["sentiment"]["requests"]

    whole = asked()
    assert (whole > 0, asked()) == (True, 0)
    for _ in range(often(1, 20)):
        with weights.open("r+b") as stream:
            stream.seek(random.randrange(1 << 16, weights.stat().st_size - 4096))
            stream.write(bytes(4096))
        assert asked() == whole
    assert asked() == 0


# Of a run, every socket that is bound, connected or sent from, and where to; a name that is looked up is one of these.
CALLS = ["strace", "-f", "-qq", "-s", "0", "-e", "trace=bind,connect,sendto,sendmsg,sendmmsg", "-e", "signal=none", "-o", "calls"]  # fmt: skip
ADDRESS = re.compile(r'inet_addr\("([^"]*)"\)|inet_pton\(AF_INET6, "([^"]*)"')
# Where there is no strace, Python tells of what is done by Python.
HOOK = """
import sys
CALLS, NAMES = {"connect", "bind", "sendto", "sendmsg"}, {"getaddrinfo", "gethostbyname"}
def tell(event, arguments):
    of, _, call = event.partition(".")
    if of == "socket" and call in CALLS | NAMES:
        where = arguments[:1] if call in NAMES else arguments[1]
        with open("calls", "a") as calls:
            print(f'{call} inet_addr("{where[0]}")' if isinstance(where, tuple) else call, file=calls)
sys.addaudithook(tell)
"""


@pytest.fixture
def sockets(tmp_path, surroundings, tiny, monkeypatch):
    """Run the program; return its exit status, what it says, and the addresses beyond those of files that it knows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK)
    strace = (
        shutil.which("strace") and subprocess.run(["strace", "true"], check=False, capture_output=True).returncode == 0
    )

    def sockets(*arguments, **extra):
        environment = {**surroundings, **extra}
        del environment["HF_HUB_OFFLINE"]
        if not strace:
            environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path / 'hook'}"
        command = [*(CALLS if strace else ()), sys.executable, "-m", "cli.main", *map(str, arguments)]
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
        calls = Path("calls").read_text()
        return done.returncode, done.stderr, {v4 or v6 for v4, v6 in ADDRESS.findall(calls)}

    return sockets


def test_a_run_with_a_model_that_is_here_talks_to_this_machine_alone(sockets, tiny, corpus, often):
    ways = [((), {}), (("--replicas", "2"), {}), ((), {"VLLM_ENABLE_V1_MULTIPROCESSING": "1"})]
    for options, environment in ways[: often(1, 3)]:
        status, err, addresses = sockets(
            "run", "sentiment", *corpus, "--model", tiny.folder, "--again", *options, **environment
        )
        assert status == 0, err
        assert addresses, "it binds one to talk to itself, or nothing was seen"
        beyond = {address for address in addresses if not address.startswith("127.")}
        assert beyond <= {"::1", "localhost"}


# Secrets that are in the environment of many who run this, or in an address that is given as an input.
SECRETS = {
    name: f"canary-{number}-8f3a"
    for number, name in enumerate(
        ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "OPENAI_API_KEY", "DB_PASSWORD")
    )
}


@pytest.fixture
def told(tmp_path):
    """Return the files below the test's folder that hold a secret, and the name of each place where it was said."""

    def told(**said):
        places = {str(path): path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
        places |= {name: text.encode() for name, text in said.items()}
        assert len(places) > 3
        return [place for place, data in places.items() if b"canary" in data]

    return told


def test_secrets_of_the_environment_are_told_nowhere(run, corpus, told, often):
    wrong = ("max_num_seqs=-2", "no_such_argument=1", "gpu_memory_utilization=7")
    ways = [((), 0), *((("--engine", argument), 1) for argument in wrong), (("--replicas", "2"), 0)]
    for options, expected in ways[: often(4, 5)]:
        status, out, err = run("run", "sentiment", *corpus, "--model", "tiny", *options, "--again", "--json", **SECRETS)
        assert status == expected, err
        assert told(out=out, err=err) == []


def test_a_token_for_the_engine_is_refused_before_it_is_written_down(run, corpus):
    status, out, err = run("run", "sentiment", *corpus, "--model", "tiny", "--engine", "hf_token=canary")
    assert (status, out) == (1, "")
    assert err == "error: --engine hf_token would be written down with the run: set HF_TOKEN in the environment\n"
    assert not Path("out").exists()


@pytest.fixture
def web(distinct):
    """An address of reviews that is signed, of a server on this machine which wants it so."""
    rows = "".join(json.dumps({**row, "review_id": None}) + "\n" for row in distinct(12)) + '{"text": "of nowhere"}\n'

    class Signed(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if "canary" in self.path else 403)
            self.send_header("Content-Length", str(len(rows)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(rows.encode())

        def do_HEAD(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Signed) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/reviews.jsonl?X-Amz-Credential=canary-id&X-Amz-Signature=canary-8f3a"
        server.shutdown()


def test_a_signed_address_is_read_and_told_without_its_signature(run, web, told):
    status, out, err = run("run", "sentiment", "-i", web, *SMALL, "--model", "tiny", "--json")
    assert status == 0, err
    assert told(out=out, err=err) == []
    assert re.search(r'"source": "http://127.0.0.1:\d+/reviews.jsonl"', Path("out/rejects.jsonl").read_text())


@pytest.mark.parametrize(
    "where",
    [
        "http://127.0.0.1:9/r.jsonl?X-Amz-Signature=canary",
        "http://me:canary@127.0.0.1:9/r.jsonl",
        "s3://id:canary@bucket/r.jsonl",
    ],
)
def test_an_address_that_cannot_be_got_at_is_told_without_it_too(run, corpus, where):
    for arguments in (["-i", where], [*corpus, "-o", where]):
        status, out, err = run("run", "sentiment", *arguments, "--model", "tiny", AWS_ENDPOINT_URL="http://127.0.0.1:9")
        assert (status, out) == (1, "")
        assert "cannot get at" in err or "cannot read" in err
        assert "canary" not in err
