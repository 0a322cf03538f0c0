"""Texts in wide characters, which take two columns each: none of them is lost where a line is wrapped."""

import io

import pytest

from cli import changes_tables, ending, screen
from pipelines.output.examples import Example

TEXT = "육수가 진하고 면이 쫄깃해서 정말 맛있게 먹었습니다 다시 오고 싶어요 (1번째 방문)"
ANSWERS = {
    "rows": 9, "changed": 1, "only_in_a": 0, "only_in_b": 0, "other_text": 0,
    "flips": [{"from": "positive", "to": "negative", "rows": 1}],
    "examples": [{
        "id": "a", "text": TEXT,
        "a": {"label": "positive", "confidence": 0.9}, "b": {"label": "negative", "confidence": 0.8},
    }],
}  # fmt: skip
COMPARED = {
    letter: {"output": letter, "number": 1, "status": "done", "started": "", "tasks_of_its_own": []} for letter in "ab"
} | {"settings": {}, "figures": {}, "answers": {"sentiment": ANSWERS}}


@pytest.fixture
def shown(monkeypatch):
    """Return what is printed on a terminal of some width, without what is drawn around it."""

    def shown(show, width: int) -> str:
        stream = io.StringIO()
        console = screen.Screen(file=stream, width=width, highlight=False)
        for module in (screen, ending, changes_tables):
            monkeypatch.setattr(module, "people", console)
        show()
        return "".join(stream.getvalue().replace("│", "").split())

    return shown


@pytest.mark.parametrize("width", range(60, 100))
def test_no_character_of_an_example_is_left_out(shown, width):
    whole = "".join(TEXT.split())
    assert whole in shown(lambda: changes_tables.show(COMPARED), width)
    assert whole in shown(lambda: screen.people.print(ending._examples([Example(TEXT, "강남면옥")])), width)
