from hypothesis import given
from hypothesis import strategies as st

from pipelines.tasks.aggregation import Review
from pipelines.tasks.evidence import Sources
from pipelines.tasks.quotes import LENGTH, WORDS, central, points, quotable


def test_sentences_are_quotable_as_they_stand():
    text = "The soup was hot!  We  waited\nan hour. Ok. 국물이 정말 진해요. 직원분도 친절했어요!"
    assert list(quotable(text)) == [
        "The soup was hot", "We waited an hour", "국물이 정말 진해요", "직원분도 친절했어요",
    ]  # fmt: skip


def test_a_review_of_one_long_sentence_is_quoted_by_its_clauses():
    text = "the soup was hot, " + "and then we waited for a very long time " * 4 + ", the staff was kind"
    assert list(quotable(text)) == ["the soup was hot", "the staff was kind"]


def test_what_json_would_have_to_escape_is_not_quoted():
    assert list(quotable('He said "hello there". A back\\slash is here. All is well here.')) == ["All is well here"]


def test_brackets_are_whole():
    text = "The soup was hot (and cheap). Do try it (a must! We liked it all. We sat [outside). 국물이 （정말） 진해요."
    assert list(quotable(text)) == ["The soup was hot (and cheap)", "We liked it all", "국물이 （정말） 진해요"]
    assert points("a soup (hot and cheap)") == ["(hot and cheap)", "soup (hot and cheap)"]


@given(st.text(max_size=300))
def test_every_quote_stands_in_its_review(text):
    quotes = quotable(text)
    sources = Sources([Review(0, "r", text)])
    assert all(sources.of(quote) == ["r"] for quote in quotes)
    assert all(WORDS[0] <= len(quote.split()) <= WORDS[1] for quote in quotes)
    assert all(LENGTH[0] <= len(quote) <= LENGTH[1] for quote in quotes)


def test_what_many_say_is_central_and_what_others_say_too_is_not():
    quotes = ["the soup is great", "great soup again", "we parked outside", "soup was great", "my cousin came along"]
    assert central(quotes, 3) == ["the soup is great", "great soup again", "soup was great"]
    assert central(["great soup", "kind staff"] * 3 + ["kind staff there", "great soup here"], 2, ["kind staff"] * 9) == [
        "great soup", "great soup here",
    ]  # fmt: skip


def test_quotes_without_a_word_are_as_central_as_any():
    assert central(["!!", "??", "--"], 2) == ["!!", "??"]
    assert central(["!!", "good soup", "--"], 1, ["??"]) == ["good soup"]


def test_each_quote_is_there_once_whatever_its_case():
    assert central(["Great soup", "great soup", "kind staff"], 9) == ["Great soup", "kind staff"]


def test_the_point_of_a_quote_is_words_of_it():
    found = points("the beef noodle soup was worth it")
    assert "beef noodle soup" in found
    assert not [point for point in found if point.split()[0] in {"the", "was"} or point.split()[-1] in {"was", "it"}]
    assert points("we were there") == ["we were there"]
    assert points("국물이 정말 진해요") == ["국물이 정말", "정말 진해요", "국물이 정말 진해요"]


def test_evidence_is_found_whatever_white_space_case_marks_and_composition():
    sources = Sources([
        Review(0, "a", "The  BROTH\nwas rich."), Review(1, "b", "broth was rich, too"), Review(2, "c", "cafe\u0301"),
    ])  # fmt: skip
    assert sources.of("“Broth was rich…”") == ["a", "b"]
    assert sources.of("caf\u00e9") == ["c"]
    assert sources.of("the broth was thin") == []
    assert sources.of(" .” ") == []
