"""Whatever a text is, it does nothing to a terminal, and a line stays one line."""

import io

import pytest
from rich.cells import cell_len
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli import screen

ACTING = "\x1b]0;owned\x07\x9b31m\u202eRosa\u2066\u200b\nBar\r\x7f"
SEEN = r"\x1b]0;owned\x07\x9b31m\u202eRosa\u2066\u200b\nBar\r\x7f"


@pytest.fixture
def shown(monkeypatch):
    """Return what is written to a terminal so wide, by a console for people."""

    def shown(print_, width=80, **how):
        stream = io.StringIO()
        console = screen.Screen(stderr=True, width=width, highlight=False, emoji=False, **how)
        console.file = stream
        monkeypatch.setattr(screen, "people", console)
        print_(console)
        return stream.getvalue()

    return shown


def test_a_line_is_one_line_and_is_seen_whole(shown):
    assert shown(lambda _: screen.say(ACTING)) == f"{SEEN}\n"
    assert shown(lambda _: screen.last_words(ACTING)) == f"{SEEN}\n"
    assert shown(lambda _: screen.say("가게 👨‍👩‍👧 [bold]café[/]")) == "가게 👨‍👩‍👧 [bold]café[/]\n"


def test_a_line_is_cut_where_nobody_reads_on(shown):
    line = shown(lambda _: screen.say("no column: " + "x" * 100_000))
    assert len(line) == screen.LONG + 1
    assert line.endswith("x…\n")
    assert len(shown(lambda console: console.print(Text("y" * 100_000), soft_wrap=True))) == screen.LONG + 1


def test_data_is_whole_and_says_the_same(capsys):
    screen.data('"한국 \u202e\x7f' + "x" * 5000 + '"')
    assert capsys.readouterr().out == '"한국 \\u202e\\u007f' + "x" * 5000 + '"\n'


def test_our_own_markup_and_colours_stay(shown):
    drawn = shown(lambda console: console.print(f"[red]3[/] of {ACTING}", soft_wrap=True), force_terminal=True)
    assert drawn == f"\x1b[31m3\x1b[0m of {SEEN}\n"
    drawn = shown(lambda console: console.print(Text(ACTING, "red"), soft_wrap=True), force_terminal=True)
    assert drawn == f"\x1b[31m{SEEN}\x1b[0m\n".replace(r"\r", "").replace("\\x07", "")  # which no `Text` has


@pytest.mark.parametrize("width", [30, 80])
def test_a_table_and_a_display_keep_their_shape(shown, width):
    def table(console):
        table = Table("of", "n", title=ACTING, title_justify="left")
        table.add_row(Text(ACTING), "1")
        table.add_row("한국 음식점", "2")
        console.print(table)
        with Live(table, console=console):
            pass

    drawn = shown(table, width)
    lines = drawn.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert len({cell_len(line) for line in lines if line.startswith(("│", "┃"))}) == 1
    assert drawn.replace("\n", "").isprintable()
