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
    text = "the soup was hot, " + "and then we waited for a very long time " * 4 + ", the staff was kind"
    assert list(quotable(text)) == ["the soup was hot", "the staff was kind"]


def test_what_json_would_have_to_escape_is_not_quoted():
    assert list(quotable('He said "hello there". A back\\slash is here. The soup is well made.')) == [
        "The soup is well made"
    ]


def test_brackets_are_whole():
    text = (
        "The soup was hot (and cheap). Do try it (a must! We liked the tea. We sat [outside). 국물이 （정말） 진해요."
    )
    assert list(quotable(text)) == ["The soup was hot (and cheap)", "We liked the tea", "국물이 （정말） 진해요"]


def test_a_script_without_spaces_can_be_quoted():
    assert quotable("スープがとても美味しかったです。店員さんも親切でした。") == (
        "スープがとても美味しかったです", "店員さんも親切でした",
    )  # fmt: skip


@given(st.text(max_size=300))
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
