import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tasks.evidence import find
from pipelines.tasks.quotes import LENGTH, quotable, representative
from pipelines.tasks.words import stems


def test_sentences_are_quotable_as_they_stand():
    text = "The soup was hot!  We  waited\nan hour. Ok. 국물이 정말 진해요. 직원분도 친절했어요!"
    assert list(quotable(text)) == ["The soup was hot", "국물이 정말 진해요", "직원분도 친절했어요"]


def test_a_title_or_an_abbreviation_ends_no_sentence_and_empty_talk_is_none():
    text = "We had Mr. Kumar as our host today. It was so. Paid Rs. 400 for two dosas. And then we did."
    assert list(quotable(text)) == ["We had Mr. Kumar as our host today", "Paid Rs. 400 for two dosas"]


def test_a_review_of_one_long_sentence_is_quoted_by_its_clauses():
    text = "the soup cost 3.50 here, " + "and then we waited for a very long time " * 4 + "، the staff was kind"
    assert list(quotable(text)) == ["the soup cost 3.50 here", "the staff was kind"]


def test_quotation_marks_and_backslashes_are_quoted():
    text = 'He said "hot soup". A back\\slash is here. The 12" pizza was hot. "The tea was great!"'
    assert list(quotable(text)) == ['He said "hot soup"', "A back\\slash is here", '"The tea was great!"']


def test_brackets_are_whole():
    text = (
        "The soup was hot (and cheap). Do try it (a must! We liked the tea. We sat [outside). 국물이 （정말） 진해요."
    )
    assert list(quotable(text)) == ["The soup was hot (and cheap)", "We liked the tea", "국물이 （정말） 진해요"]


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("खाना बहुत स्वादिष्ट था। कर्मचारी बहुत अच्छे थे॥", ["खाना बहुत स्वादिष्ट था", "कर्मचारी बहुत अच्छे थे"]),
        ("هل الطعام لذيذ جدا؟ نعم والخدمة سريعة جدا.", ["هل الطعام لذيذ جدا", "نعم والخدمة سريعة جدا"]),
        ("کھانا بہت اچھا تھا۔ عملہ بھی مہربان تھا۔", ["کھانا بہت اچھا تھا", "عملہ بھی مہربان تھا"]),
        ("ምግቡ በጣም ጣፋጭ ነው። አገልግሎቱ ፈጣን ነበር።", ["ምግቡ በጣም ጣፋጭ ነው", "አገልግሎቱ ፈጣን ነበር"]),
        ("Ուտելիքը շատ համեղ էր։ Սպասարկումը լավն էր։", ["Ուտելիքը շատ համեղ էր", "Սպասարկումը լավն էր"]),
        (
            "スープがとても美味しかったです。店員さんも親切でした｡",
            ["スープがとても美味しかったです", "店員さんも親切でした"],
        ),
        (
            "「スープがとても熱いです。」ラーメンスープサービス！",
            ["「スープがとても熱いです。」", "ラーメンスープサービス"],
        ),
        ("这里的汤真的很好喝!服务员们也特别热情？", ["这里的汤真的很好喝", "服务员们也特别热情"]),
        ("국물이 정말 진해요!직원분도 친절했어요.", ["국물이 정말 진해요", "직원분도 친절했어요"]),
        ("ម្ហូបឆ្ងាញ់ណាស់។សេវាកម្មល្អណាស់។", ["ម្ហូបឆ្ងាញ់ណាស់", "សេវាកម្មល្អណាស់"]),
        ("အရမ်းကောင်းတယ်။ဝန်ဆောင်မှုလည်းမြန်တယ်။", ["အရမ်းကောင်းတယ်", "ဝန်ဆောင်မှုလည်းမြန်တယ်"]),
        ("ཁ་ལག་ཞིམ་པོ་འདུག །ཞབས་ཞུ་ཡང་ཡག་པོ་འདུག །", ["ཁ་ལག་ཞིམ་པོ་འདུག", "ཞབས་ཞུ་ཡང་ཡག་པོ་འདུག"]),
        ("ອາຫານແຊບຫຼາຍ\nການບໍລິການດີຫຼາຍ", ["ອາຫານແຊບຫຼາຍ", "ການບໍລິການດີຫຼາຍ"]),
        ("อาหารอร่อยมาก พนักงานน่ารัก " + "ราคาไม่แพง" * 12, ["อาหารอร่อยมาก", "พนักงานน่ารัก"]),
    ],
)
def test_sentences_of_any_script_can_be_quoted(text, quotes):
    assert list(quotable(text)) == quotes


def test_a_mark_within_a_word_or_a_number_ends_no_sentence():
    for text in ("We paid 3.50 at Yahoo!cafe for hot soup", "スープは３．５点です、本当に", "قابلنا د.محمد في المطعم"):
        assert quotable(f"{text}.") == (text,)


def test_a_space_that_was_forgotten_does_not_join_sentences():
    text = "The soup was great.The tea was hot． We liked the bread… Kind waiters were there"
    assert list(quotable(text)) == [
        "The soup was great",
        "The tea was hot",
        "We liked the bread",
        "Kind waiters were there",
    ]


def test_a_mark_within_quotation_marks_or_brackets_ends_a_sentence():
    text = "He said “hot soup is here.” Then we left (the soup was cold.) We liked the tea."
    assert list(quotable(text)) == [
        "He said “hot soup is here.”",
        "Then we left (the soup was cold.)",
        "We liked the tea",
    ]


def test_what_is_written_with_joiners_can_be_quoted():
    for text in ("👨\u200d👩\u200d👧 loved the soup", "می\u200cخواهم دوباره بیایم"):
        assert quotable(f"{text}.") == (text,)
    assert not quotable("loved the \u200bsoup")


@given(st.text(max_size=300) | st.text("ab Zé다국汤क्था.!?…।。\"'”)]་། \u200c\u200d\ufe0f\n", max_size=300))
def test_every_quote_stands_in_its_review(text):
    quotes = quotable(text)
    assert all(find(text, quote) for quote in quotes)
    assert all(LENGTH[0] <= len(quote) <= LENGTH[1] and stems(quote) for quote in quotes)


def test_what_many_say_is_said_first_and_then_something_else():
    pieces = ["the soup is great", "we parked outside", "great soup, great soup", "kind waiters", "kind waiters there"]
    assert representative(pieces, 2) == ["the soup is great", "kind waiters"]
    assert representative(pieces, 9)[:2] == ["the soup is great", "kind waiters"]
    assert "kind waiters there" not in representative(pieces, 9)


def test_what_the_other_side_says_as_well_speaks_for_nobody():
    assert representative(["rice was soft", "rice was burnt"] * 2 + ["rice"] * 3, 1, ["the rice"] * 9) == [
        "rice was soft"
    ]


def test_pieces_without_a_word_are_never_chosen():
    assert representative(["!!", "good soup", "--"], 3) == ["good soup"]
    assert representative([], 3) == []


def test_singular_and_plural_and_korean_particles_are_one_word():
    assert stems("The noodles") == stems("a noodle")
    assert stems("만두는 만두도") == {"만두"}
    assert stems("I have been there, and it was so") == set()


def test_evidence_is_found_whatever_white_space_case_marks_and_composition():
    texts = {"a": "The  BROTH\nwas rich.", "b": "broth was rich, too", "c": "cafe\u0301"}

    def of(quote):
        return [name for name, text in texts.items() if find(text, quote)]

    assert of("“Broth was rich…”") == ["a", "b"]
    assert of("caf\u00e9") == ["c"]
    assert of("the broth was thin") == []
    assert of(" .” ") == []


@pytest.mark.parametrize("text", ["👨\u200d👩\u200d👧", "می\u200cخواهم", "क्\u200dष", "❤\ufe0f", "soup\u00ad\u2066bowl"])
def test_evidence_is_found_without_what_is_not_seen_and_shown_with_it(text):
    bare = re.sub("[\u00ad\u200c\u200d\u2066\ufe0f]", "", text)
    for quote in (text, bare):
        start, end = find(f"The {text} was hot", f"{quote} was")
        assert f"The {text} was hot"[start:end] == f"{text} was"
        assert find(f"The {bare} was hot", f"{quote} was") == (4, 8 + len(bare))
