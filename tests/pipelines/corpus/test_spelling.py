import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.corpus.spelling import cut, spelled, spelled_json


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain text, 50 %", "plain text, 50 %"),
        ("\x1b[31mred\x07 \x9b5m \x7f", r"\x1b[31mred\x07 \x9b5m \x7f"),
        ("one\nline\r\n\tonly\u2028", r"one\nline\r\n\tonly\u2028"),
        ("\u202egnp.exe\u2066a\u2069 \u200e\u200f\u061c", r"\u202egnp.exe\u2066a\u2069 \u200e\u200f\u061c"),
        ("zero\u200bwidth\ufeff, pos\u200ditive \U000e0041", r"zero\u200bwidth\ufeff, pos\u200ditive \U000e0041"),
        ("\ud83d \ue000 \u0378", r"\ud83d \ue000 \u0378"),
        ("가게 맛있어요\u3000!\xa0", "가게 맛있어요\u3000!\xa0"),
        ("👨‍👩‍👧 ❤️ 🍜 می‌خواهم", "👨‍👩‍👧 ❤️ 🍜 می‌خواهم"),
    ],
)
def test_what_acts_or_hides_is_spelled_out_and_nothing_else(text, seen):
    assert spelled(text) == seen


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_acts_or_hides(text):
    seen = spelled(text).replace("\u200c", "").replace("\u200d", "")
    assert all(character.isprintable() or unicodedata.category(character) == "Zs" for character in seen)
    line = spelled_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(line) == text
    assert spelled(line) == line


def test_what_is_cut_says_so():
    assert cut("short", 5) == "short"
    assert cut("longer", 5) == "long…"
