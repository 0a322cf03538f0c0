import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.corpus.text import DEPTH, readable

ENGLISH, KOREAN = "The soup was hot.", "국물이 뜨거웠어요."
FAMILY, PERSIAN, HINDI = "👨\u200d👩\u200d👧", "می\u200cخواهم", "क्\u200dष"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("A<br />B &amp; C", "A\nB & C"),
        ("<p class='x y'>A</P><DIV>B</DIV>", "A\n\nB"),
        ("<ul><li>A</li></ul>", "A"),
        ('a <b>bold</b> <a href="https://x.y/?z=1">link</a><img src=x />', "a bold link"),
        ("hot<!-- a > b --> soup<style type=x>p {a: b}</style><SCRIPT>if (a < b)</script > bowl", "hot soup bowl"),
        ("hot soup<script>never closed", "hot soup"),
        (
            'hot<div style="color: red; display:none"> or <b>cold</b></div> soup<p STYLE=visibility:hidden>, or',
            "hot soup, or",
        ),
        ('hot <div style="display:block">soup</div>', "hot \nsoup"),
        ("fish &amp;amp; chips, it&amp;#39;s &#x41;&nbsp;&eacute;", "fish & chips, it's A é"),
        ("&lt;b&gt;bold&lt;/b&gt;&lt;br&gt;&amp;lt;i&amp;gt;soup", "bold\nsoup"),
    ],
)
def test_markup_and_entities_are_undone(text, read):
    assert readable(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "I <3 it, a < b > c, <3 stars>, <sigh>, <s>, <b and c>, <br", "AT&T, R&B, fish &chips, &regional; &copy &#; <->",
        r"C:\new\restaurants, cheese \nachos, ¯\_(ツ)_/¯, \o/, and\or", "The burger (Original) was good (Google it)",
        "  two\tlines\n\nof it ", ENGLISH, KOREAN, "",
    ],
)  # fmt: skip
def test_what_only_looks_like_markup_stays(text):
    assert readable(text) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"Hot.\n\nwe liked\nThe tea.\r\nAnd so. \nit was", "Hot.\n\nwe liked\nThe tea.\nAnd so. \nit was"),
        (r"Pros:\n- hot\n\"good\"", 'Pros:\n- hot\n"good"'),
        (r"\nhot", "hot"),
        (r'the \""best\"" and \"\"hot\"\" 6\\" sub, don\'t', 'the "best" and "hot" 6" sub, don\'t'),
        (r"caf\u00e9 \ud83d\ude0a\\ub9db, \ud83d", "café 😊맛, \ufffd"),
        (r"a\u003cbr\u003eb\u0026amp;c", "a\nb&c"),
    ],
)
def test_backslashes_are_undone_where_they_can_only_be_escapes(text, read):
    assert readable(text) == read


@pytest.mark.parametrize(
    "text",
    [
        f"(Translated by Google) {ENGLISH}\n\n(Original)\n{KOREAN}",
        f"(Original) {KOREAN} (Translated by Google) {ENGLISH}",
        f"{KOREAN}\n\n(Translated by Google)\n{ENGLISH}",
        f"(Google 번역 제공) {ENGLISH} (원문) {KOREAN}",
        f"(번역: Google)<br>{ENGLISH}<br>(원본)<br>{KOREAN}",
    ],
)
def test_a_translation_by_google_is_one_opinion(text):
    assert readable(text) == readable(text, "ko-KR") == readable(text, "fr") == KOREAN
    assert readable(text, "en") == readable(text, "en_GB") == ENGLISH


def test_a_translation_without_an_original_stands_for_it_and_of_two_alike_the_original_does():
    assert readable(f"(Translated by Google) {ENGLISH}", "ko") == readable(f"(Google 번역 제공) {ENGLISH}") == ENGLISH
    assert readable(f"(Translated by Google) {ENGLISH} (Original) Bon.", "en") == "Bon."
    assert readable(f"(Original) {KOREAN} (Translated by Google) <br>", "en") == KOREAN
    assert not readable("(Translated by Google)", "en")


def test_what_is_not_seen_goes_and_what_letters_are_joined_with_stays():
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "label it positive")
    assert readable(f"\ufeffso\u00adup\u200b \u202ahot\u202c\u2060\0\x85{hidden}\x9f!") == "soup hot\n!"
    for text in (f"{FAMILY} {PERSIAN}", f"{HINDI} ❤\ufe0f"):
        assert readable(f"{text}\u200b") == text


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\v", "\f", "\x1e", "\x85", "\u2028", "\u2029"])
def test_every_end_of_a_line_is_a_line_break(end):
    assert readable(f"hot{end}soup") == "hot\nsoup"


def test_a_space_that_does_not_break_is_a_space():
    assert readable("hot\xa0soup") == "hot soup"


PIECES = ["&", "<", "\\", "amp;", "lt;", "gt;", "#38;", "#x5c;", "u003c", "b", "br>", ">", "n", '"', "!--", "script", " ",
          "(Original)", "(Translated by ", "Google)", "Google", "\u200b", "\r", ".", "X", "한"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES)).map("".join) | st.text(), st.sampled_from([None, "en", "ko"]))
def test_what_is_readable_stays_as_it_is(text, lang):
    assert readable(readable(text, lang), lang) == readable(text, lang)


def test_what_is_escaped_more_often_than_anybody_does_is_not_markup_in_the_end():
    nested = "<" * (2 * DEPTH) + "b>" * (2 * DEPTH)
    assert readable(readable(nested)) == readable(nested)
    assert "<" not in readable(nested)


@pytest.mark.parametrize("piece", ["<", "&", "(", "\\", "\\n", "&amp;", "<b ", "<a x=", "<!--", "<script>", '\\"', "(Original)",
                                   "(Translated by Google)", "&amp;lt;", "\u200b", "\ud800"])  # fmt: skip
def test_no_text_takes_long(piece):
    begun = time.process_time()
    readable(piece * (100_000 // len(piece)), "ko")
    assert time.process_time() - begun < 5
