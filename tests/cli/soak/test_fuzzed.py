"""Whatever is read, it is used, or refused in one line: no traceback, no hang, no row that is lost, bounded memory.

What is read is the small corpus beside this file, with a few of its words changed; `guided.py` changes it where that
leads to other code.
"""

import importlib.util
import json
import math
import os
import re
import resource
import signal
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing, contextmanager
from functools import cache, partial
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli import chosen_tasks, exit_status, loading, options, preparation
from pipelines.config import Config
from pipelines.corpus import opening, reader
from pipelines.corpus.reading import Reading
from pipelines.corpus.reject import Reason, Reject
from pipelines.corpus.row import Row
from pipelines.corpus.sources import find
from pipelines.engine.interface import Completion, Mark, Timing
from pipelines.inspection import inspect
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import AnsweredRow, NewJob, RunStatus
from pipelines.output import changes, report
from pipelines.questions.corpus import Corpus
from pipelines.tasks import TASKS, custom
from pipelines.tasks.task import MalformedError

CORPUS = Path(__file__).with_name("corpus")
PATIENCE = 10.0  # seconds of computing that no such input may take
MEMORY = 1 << 30  # bytes that all of a target's may take
# And those of each input: of a gzip that it cannot unpack to its end Arrow keeps 64 KiB, three times.
LEFT = {"gzip": 3 << 16}
TYPED, LARGEST = 1 << 13, 1 << 19  # bytes of an input: of what a person types, and of a file
AT_ONCE = 5000  # inputs that hypothesis remembers
REVIEW = "The soup was warm and the staff kind. 국물이 좋아요. It cost 12, and the bread was stale."
SENTIMENT, POINTS = TASKS["sentiment"], TASKS["points"]


@contextmanager
def refusal():
    """Bear what people are told in a line, and nothing else."""
    try:
        yield
    except typer.Exit:
        pass
    except Exception as error:
        if not hasattr(error, "show"):  # which what Typer does not understand has
            status, _ = exit_status.of_error(error)
            if status not in {exit_status.CANNOT, exit_status.USAGE}:
                raise


def prepare(names: options.Tasks = None, **given) -> None:
    """Do what a run does before it needs a model."""
    chosen = loading.load(**given)
    preparation.sources(chosen_tasks.named(names or [], chosen), chosen)


def _command():
    app = typer.Typer()
    app.command()(options.settings()(prepare))
    return typer.main.get_command(app)


COMMAND = _command()


def settings_file(data):
    Path("reviewbatch.toml").write_bytes(data)
    with refusal():
        prepare(["sentiment"])


def environment(data):
    """Variables, one a line."""
    before = dict(os.environ)
    try:
        for line in data.replace(b"\0", b"").split(b"\n"):
            name, equals, value = line.partition(b"=")
            if name and equals:
                os.environb[name] = value
        with refusal():
            prepare(["sentiment"])
    finally:
        os.environ.clear()
        os.environ.update(before)


def command_line(data):
    """Arguments, one a line, as the system hands them over."""
    with refusal():
        COMMAND.main([os.fsdecode(word) for word in data.replace(b"\0", b"").split(b"\n")], standalone_mode=False)


def task_file(data):
    Path("own.toml").write_bytes(data)
    with refusal():
        task = custom.load(Path("own.toml"))
        json.dumps([form.schema for form in task.forms.values()])
        assert task.schema.names


def rows(name, data):
    """A file of rows, each of which is used or rejected, by those who run it and by those who look into it."""
    Path(name).write_bytes(data)
    found, reading = find([name], output=Path("out")), Reading(restaurant="x", keep=["rating"])
    with refusal():
        taken = [row for chunk in Corpus(_config(found, reading)) for row in chunk]
        numbers = [row.row for row in taken]
        assert numbers == sorted({*numbers})
        for row in taken:
            kept([row.id, row.detail] if isinstance(row, Reject) else [row.id, row.text, row.rating])
        with opening.opened(name) as stream:
            kind = opening.kind(name, stream.head)
        if name.endswith(".jsonl") and kind == opening.Kind.LINES:  # and not a line of several objects
            assert len(taken) == sum(bool(line.removeprefix(b"\xef\xbb\xbf").strip()) for line in data.split(b"\n"))
        if name.endswith(".parquet"):
            assert len(taken) == pq.read_metadata(name).num_rows
    with refusal():
        reader.check(found.sources, Reading())
    with refusal():
        seen = inspect([name], found, Reading(), None, emit=lambda _: None)
        json.dumps(seen, default=str)
        if "usable" in seen:
            assert seen["rows"] == seen["usable"] + sum(seen["rejects_by_reason"].values())


def _config(found, reading):
    return Config(tasks=[SENTIMENT], sources=found.sources, model=None, reading=reading)


TIMING = Timing(0, 0, 0, 0, prompt_tokens=1, cached_tokens=0, output_tokens=1, preemptions=0)
OWN = custom.load(CORPUS / "task_file" / "fields.toml")
GENERATED = [(task, form) for task in (*TASKS.values(), OWN) for form, how in task.forms.items() if not how.words]


def kept(value):
    """Return what is left of a value that the ledger has kept."""
    return json.loads(json.dumps(value, ensure_ascii=False, default=str).encode())


class Answers:
    """Answers as results are made of them."""

    calibration, base = "corpus", None  # which begins with the anchors

    def __init__(self, *said, classes=(), anchors=()):
        self.said, self.classes, self.anchors = said, classes, {"en": anchors} if anchors else {}

    def rows(self):
        yield [AnsweredRow("r", "x", REVIEW, kept(said), lang="en") for said in self.said]


def answers(data):
    """What a model may say to any task that is answered in words."""
    for task, form in GENERATED:
        try:
            said = task.parse(form, Completion(0, data.decode(errors="replace"), {}, TIMING))
        except MalformedError:
            continue
        if kept(said) == said and not task.whole:
            assert next(task.tables(Answers(said))).schema == task.schema


def scores(data):
    """Log probabilities: of labels, which an engine tells as finite numbers, and of the sides of points, as any."""
    told = [*islice(cycle(struct.unpack(f"<{len(data) // 8}d", data[: len(data) // 8 * 8]) or (-1.0,)), 400)]
    finite = [-abs(number) for number in told if math.isfinite(number)] or [-1.0]
    classes = [n for n, words in enumerate(SENTIMENT.forms["ask.en"].words) for _ in words]
    some = ([*islice(cycle(finite), n, n + len(classes))] for n in range(2 + sum(map(len, SENTIMENT.anchors["en"]))))
    said = [SENTIMENT.parse("ask.en", Completion(0, "", dict(enumerate(one)), TIMING)) for one in some]
    for row in next(SENTIMENT.tables(Answers(*said[:2], classes=classes, anchors=said[2:]))).to_pylist():
        assert math.isclose(sum(row[f"p_{label}"] for label in SENTIMENT.labels), 1, abs_tol=1e-6)
    marks = [Mark(n, (told[n], told[n + 1])) for n in (0, 1)]
    text = '[["soup was warm", "food", "good"], ["bread was stale", "food", "bad"]]'
    points = Answers(POINTS.parse("ask.en", Completion(0, text, {}, TIMING, marks=marks)))
    for row in next(POINTS.tables(points)).to_pylist():
        assert row["confidence"] is None or 0 <= row["confidence"] <= 1


def ledger(data):
    _ledger(data)
    with refusal():
        report.build(Path("out"))
    with refusal(), Ledger(Path("out")) as opened:
        opened.begin({})
        opened.counts()


def facts(data):
    """What a run has written down of itself, read again for its report, and beside another's."""
    _ledger(a_ledger())
    with closing(sqlite3.connect("out/run.sqlite")) as db, db:
        db.execute("UPDATE run SET facts = ?", (data.decode(errors="replace"),))
    with refusal():
        report.write(Path("out"))
    with refusal():
        changes.between(Path("out"), Path("out"))


@cache
def a_ledger():
    """Return the bytes of a small one."""
    with TemporaryDirectory() as folder:
        with closing(Ledger(Path(folder))) as made:
            made.begin({"model": "tiny", "engine": {"max_num_seqs": 8}})
            row = Row(id="a", unit="x", text=REVIEW, source="r.jsonl", row=1, lang="en", rating=4.5)
            reject = Reject(source="r.jsonl", row=2, reason=Reason.NO_TEXT, detail="text is null")
            made.rows.add([(0, row)], [(1, reject)])
            made.jobs.add([NewJob(0, "sentiment", "x", whole=False)])
            made.note(RunStatus.DONE, wall_s=1.5)
        path = Path(folder) / "run.sqlite"
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA page_size = 512")  # so that there are many
            db.execute("VACUUM")
        return path.read_bytes()


def _ledger(data):
    for path in Path("out").glob("run.sqlite*"):
        path.unlink()
    Path("out").mkdir(exist_ok=True)
    Path("out/run.sqlite").write_bytes(data)


FILES = {
    "lines": "r.jsonl", "json": "r.json", "csv": "r.csv", "parquet": "r.parquet",
    "gzip": "r.jsonl.gz", "zstd": "r.csv.zst", "bzip2": "r.csv.bz2",
}  # fmt: skip
BY_PERSONS = (settings_file, environment, command_line, task_file)
TARGETS = {target.__name__: target for target in (*BY_PERSONS, answers, scores, ledger, facts)} | {
    name: partial(rows, file) for name, file in FILES.items()
}
# How often each is tried at length, a million times in all: the quick ones more often.
SOAK = {
    "settings_file": 100_000, "environment": 60_000, "command_line": 60_000, "task_file": 100_000, "answers": 350_000,
    "scores": 20_000, "ledger": 40_000, "facts": 35_000, "lines": 60_000, "json": 60_000, "csv": 40_000, "parquet": 60_000,
    "gzip": 5_000, "zstd": 5_000, "bzip2": 5_000,
}  # fmt: skip
# What readers break on: no text, halves of characters, numbers that nothing holds, what has no end, what acts on terminals.
PIECES = (
    b"", b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\xe2\x80\xa8", b"\x1b[2J", "한".encode(), b"\xef\xbb\xbf",
    b"0", b"-1", b"9" * 23, b"9" * 5000, b"1e999", b"1e-400", b"0x10", b"NaN", b"Infinity", b"-0.0", b"null", b"true",
    b'""', b'"', b"'", b"\\", b"[", b"]", b"{", b"}", b"[" * 900, b"[" * 5000, b'{"a":' * 900, b'{"a":' * 5000, b"{a=" * 900,
    b"a." * 2000, b"\n", b"\r", b"\r\n", b"\t", b" ", b",", b";", b":", b"=", b".", b"-", b"--", b"*", b"?", b"%", b"$", b"<!--",
    b"&#", b"2024-05-03", b"9999-12-31T23:59:59+14:00", b"0001-01-01", b"12:00",
)  # fmt: skip


def changed(seeds, longest):
    """Draw one of some seeds with a few of its words changed, left out, or repeated."""
    words = [re.findall(rb"\w+|\W", one) for one in seeds]
    known = st.sampled_from(sorted({*PIECES, *(word for one in words for word in one)})) | st.binary(max_size=8)

    @st.composite
    def change(draw):
        text = [*draw(st.sampled_from(words))]
        for _ in range(draw(st.integers(1, 4))):
            at, often = draw(st.integers(0, len(text))), draw(st.sampled_from([1] * 8 + [2, 100, 5000]))
            text[at : at + draw(st.sampled_from([0, 1, 1, 1, 2, 20]))] = [draw(known)] * often
        return b"".join(text)[:longest]

    return change()


class TooLongError(BaseException):
    """Something small takes for ever. No Exception, for it must not be taken for a reader's own."""


@contextmanager
def patience():
    """Raise TooLongError for what computes for too long."""

    def late(*_):
        raise TooLongError

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def furnish(folder):
    """Put into a folder what the settings of the corpus name."""
    (folder / "r.jsonl").write_bytes((CORPUS / "lines" / "reviews").read_bytes())
    (folder / "own.toml").write_bytes((CORPUS / "task_file" / "fields.toml").read_bytes())


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to be in, and an environment without settings."""
    for name in os.environ:
        if name.startswith(("REVIEWBATCH_", "VLLM_", "SLURM_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    furnish(tmp_path)
    return tmp_path


def seeds(name):
    """Return what is changed for a target."""
    return [a_ledger()] if name == "ledger" else [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def guided(name, times, folder):
    """Let atheris change what is kept for a target."""
    folder.mkdir()
    command = [sys.executable, Path(__file__).with_name("guided.py"), name, str(times), folder]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", env=environment)
    assert not ended.returncode, ended.stderr[-4000:]


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_read_is_used_or_refused_in_a_line(name, often, place, capsys):
    target = TARGETS[name]
    longest = TYPED if target in BY_PERSONS else LARGEST
    before, times = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, often(max(SOAK[name] // 1000, 20), SOAK[name])
    for begun in range(0, times, AT_ONCE):

        @settings(max_examples=min(AT_ONCE, times - begun), database=None, suppress_health_check=[*HealthCheck])
        @given(changed(seeds(name), longest))
        def tried(data):
            with patience():
                target(data)

        tried()
    took = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert took < MEMORY + LEFT.get(name, 0) * times
    if more := often(0, SOAK[name] // 10):
        if importlib.util.find_spec("atheris"):
            guided(name, more, place / "guided")
        else:
            with capsys.disabled():
                sys.stderr.write("\natheris is not here (pip install atheris): nothing was guided by coverage\n")


def test_it_is_a_million_times_in_all():
    assert SOAK.keys() == TARGETS.keys()
    assert sum(SOAK.values()) == 1_000_000
