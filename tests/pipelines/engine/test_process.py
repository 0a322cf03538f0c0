"""What is logged, which is what goes to file descriptor 2 while that is a file."""

import os

import pytest

from pipelines.engine.process import LOG_TAIL, log, log_size, logged_since


@pytest.fixture
def divert():
    """Send file descriptor 2 somewhere else for a while."""
    real = os.dup(2)

    def divert(where: int) -> None:
        os.dup2(where, 2)
        os.close(where)

    yield divert
    os.dup2(real, 2)
    os.close(real)


def test_what_was_logged_since_a_moment(divert, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    divert(os.open("out/engine.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY))
    os.write(2, b"before\n")
    began = log_size()
    os.write(2, "after é\n".encode() + b"\xff\n")
    assert str(log()) == "out/engine.log"
    assert logged_since(began) == "after é\n\N{REPLACEMENT CHARACTER}\n"
    os.write(2, b"x" * LOG_TAIL)
    assert logged_since(began) == "x" * LOG_TAIL
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert log() == tmp_path / "out" / "engine.log"
    os.truncate(2, 0)
    assert logged_since(began) == ""


def test_where_nothing_is_logged_nothing_is_found(divert, tmp_path):
    reader, writer = os.pipe()
    divert(writer)
    os.write(2, b"nobody reads this again\n")
    assert (log(), log_size(), logged_since(0)) == (None, 0, "")
    os.close(reader)
    (tmp_path / "log").touch()
    divert(os.open(tmp_path / "log", os.O_WRONLY))
    (tmp_path / "log").unlink()
    assert (log(), log_size(), logged_since(0)) == (None, 0, "")
