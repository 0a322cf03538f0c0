import pytest

from pipelines.corpus import language


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("The soup was great", "en"),
        ("국물이 진해요", "ko"),
        ("김치찌개 best in town!!", "en"),
        ("여기 bibimbap 진짜 맛있어요 ㅎㅎ", "ko"),
        ("ㅋㅋㅋㅋ", "ko"),
        ("ﾡﾢ 한글 맛집", "ko"),
        ("한국".encode().decode(), "ko"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8 음식", "ko"),  # decomposed
        ("Ｇｒｅａｔ ｆｏｏｄ", "en"),  # full-width
        ("👍👍 5/5", "en"),
        ("", "en"),
        ("Très bon café", "en"),
    ],
)
def test_a_text_is_in_the_language_of_its_letters(text, lang):
    assert language.of(text) == lang


@pytest.mark.parametrize("said", ["ko", "KO", "ko-KR", " ko_KR "])
def test_a_code_may_be_written_as_people_do(said):
    assert language.code(said) == "ko"


@pytest.mark.parametrize("said", ["Korean", "한국어", "kor", "__label__ko", "und", "", None, "ko-Hang"])
def test_a_language_that_nobody_knows_by_its_name_is_that_of_the_script(said):
    assert language.spoken(said, "국물이 진해요") == "ko"


def test_a_language_that_somebody_says_wins_over_the_script():
    assert language.spoken("English", "국물이 진해요") == "en"
    assert language.spoken("fr", "국물이 진해요") == "fr"
