"""Summaries and strengths, made of points or of labels, with answers made up."""

import json
from dataclasses import replace

import pytest

from pipelines.corpus.reading import Reading
from pipelines.corpus.row import Review
from pipelines.tasks import TASKS, built_in
from pipelines.tasks.difference import compare
from pipelines.tasks.digest import quoted
from pipelines.tasks.opinion import SIDES, Opinion, from_points
from pipelines.tasks.restaurant import Heard, RestaurantState
from pipelines.tasks.soundness import sound
from pipelines.tasks.summary import _ended
from pipelines.tasks.topics import Topic
from pipelines.tasks.writing import LONGEST, bullet, check, key, true
from pipelines.tasks.writing_examples import SUMMARIES


def rows(restaurant, *texts, **more):
    return [
        {"review_id": f"{restaurant}{n}", "restaurant_id": restaurant, "text": text, **more}
        for n, text in enumerate(texts)
    ]


@pytest.fixture
def town():
    """Make a restaurant whose dumplings six of eight praise, among others whose bread somebody praises."""
    dumplings = [f"Dumplings number {n} were good." for n in range(6)] + ["Tea was bad.", "Tea was bad again."]
    return rows("dump", *dumplings) + [
        row for name in "abcd" for row in rows(name, *(f"Bread {n} at {name} was good." for n in range(6)))
    ]


def test_a_summary_says_what_was_counted_and_who_said_it(go, write_jsonl, reading, results, town):
    go(write_jsonl(town), reading, "summary")
    first = results("summary").rows(named=True)[0]
    text = 'food: 6 of 8 praise it, e.g. "Dumplings number 0 were good"; 2 criticise it, e.g. "Tea was bad"'
    assert first["summary"] == text
    assert first["style"] == "written"
    (sentence,) = first["sentences"]
    assert sentence["review_ids"] == [f"dump{n}" for n in range(8)]
    assert (sentence["text"], sentence["support"], len(sentence["points"])) == (text, 8, 8)
    assert first["praised"] == [{"aspect": "food", "words": ["Dumplings number 0 were good"], "count": 6}]
    assert [(row["aspect"], row["count"]) for row in first["criticised"]] == [("food", 2)]
    assert (first["reviews_used"], first["reviews_total"]) == (8, 8)


def of_aspects(said):
    """Make a restaurant of ten reviews, out of how many praise and criticise each aspect."""
    points = [
        [
            {"what": f"{aspect} {side}", "aspect": aspect, "side": side, "confidence": None}
            for aspect, counts in said.items()
            for side, count in zip(SIDES, counts, strict=True)
            if n < count
        ]
        for n in range(10)
    ]
    text = ", ".join(f"{aspect} {side}" for aspect in said for side in SIDES)
    heard = [Heard(Review(n, f"r{n}", text), of_one) for n, of_one in enumerate(points)]
    return RestaurantState(unit="a", reviews=[], heard=heard, answers=[[]], used=10)


@pytest.mark.parametrize(("praised", "differ"), [(3, False), (4, True), (6, True), (9, True), (10, False)])
def test_opinions_differ_where_neither_side_has_half_as_many_again(praised, differ):
    (line,) = TASKS["summary"].stage(of_aspects({"food": (praised, 6)})).lines
    assert line.startswith("- food: opinions differ: ") == differ


@pytest.mark.parametrize(
    ("more", "fourth"),
    [
        ({"portions": (3, 0), "location": (2, 0)}, "portions"),
        ({"portions": (3, 0), "location": (0, 1)}, "portions"),
        ({"portions": (3, 0), "location": (0, 2)}, "location"),
        ({"portions": (0, 3), "location": (0, 2)}, "portions"),
        ({"portions": (0, 3), "hygiene": (0, 1)}, "hygiene"),
        ({"hygiene": (1, 0)}, None),
    ],
)
def test_the_worst_complaint_is_not_left_out(more, fourth):
    most = {"food": (9, 0), "service": (8, 0), "price": (7, 0)}
    lines = TASKS["summary"].stage(of_aspects({**most, **more})).lines
    assert [key(line.strip()) for line in lines] == [*most, fourth][: 3 + bool(fourth)]


def words_of(side, *texts):
    opinions = [Opinion(Review(n, f"r{n}", text), side, "food", text) for n, text in enumerate(texts)]
    return Topic("food", opinions).words(2)


def test_words_that_are_shown_are_in_the_third_person_and_say_something():
    assert words_of("praised", "My soup was good", "I liked the soup", "Food", "sad we left") == ["liked the soup"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("GREAT FOOD", '"GREAT FOOD"'),
        ("Great food", '"great food"'),
        ("It's great", '"it\'s great"'),
        ("KFC bun", '"KFC bun"'),
    ],
)
def test_only_the_capital_that_began_a_sentence_is_taken_away(said, shown):
    assert quoted([said]) == shown


@pytest.mark.parametrize(("unit", "strengths"), [("Dumpling House", 0), ("Dump-ling", 0), ("Mudumplings", 1), ("A", 1)])
def test_what_a_restaurant_is_called_is_no_strength_of_it(go, write_jsonl, reading, results, town, unit, strengths):
    town = [{**row, "restaurant_id": unit if row["restaurant_id"] == "dump" else row["restaurant_id"]} for row in town]
    go(write_jsonl(town), reading, "strengths")
    assert [s["topic"] for s in results("strengths")["strengths"][0]] == ["dumpling"] * strengths


def test_a_korean_name_of_one_letter_is_one():
    line = '양: 4명 중 2명 칭찬, 예 "푸짐해요"'
    assert sound([line], [{"양": "4명 중 2명이 양이 많다고 칭찬합니다."}], SUMMARIES)
    assert not sound([line], [{"양": "4명 중 2명이 맛을 칭찬합니다."}], SUMMARIES)


def test_an_aspect_and_a_word_of_one_name_are_one_strength(go, write_jsonl, reading, results):
    class Locates(reading):
        def says(self, request):
            return super().says(request).replace('"food","', '"location","').replace('"food", "', '"location", "')

    near = [f"Great location {'here' * n}." for n in range(8)] + [f"At {chr(97 + n) * 3}, good." for n in range(12)]
    town = rows("near", *near) + [row for name in "abcd" for row in rows(name, *["Bread was bad."] * 8)]
    go(write_jsonl(town), Locates, "strengths")
    better = results("strengths").rows(named=True)[0]["better"]
    assert [(topic["topic"], topic["here"]) for topic in better if topic["topic"] == "location"] == [("location", 20)]


def test_a_word_that_is_what_an_aspect_is_called_is_no_strength_beside_it():
    def praise(numbers, *texts):
        said = {n: texts[n % len(texts)] for n in numbers}
        of = {"aspect": "delivery", "side": "praised", "confidence": None}
        return [Heard(Review(n, f"r{n}", text, 5), [{"what": text, **of}], "ko") for n, text in said.items()]

    heard = praise(range(22), "포장이 꼼꼼하고 빨라요", "도착이 아주 빨랐어요", "기사님이 정말 친절해요")
    heard += praise(range(100, 109), "배달 정말 빨라요")
    others = {"other": [Heard(Review(n, f"o{n}", "그냥 그래요", 3), [], "ko") for n in range(200, 264)]}
    known = {"unit": "집", "lang": "ko", "middle": 3, "answers": [[1]], "used": len(heard)}
    restaurant = RestaurantState(reviews=[one.review for one in heard], heard=heard, others=others, **known)
    found = {difference.topic.name for difference in compare(restaurant, lambda heard, _: from_points(heard)).better}
    assert "delivery" in found
    assert "배달" not in found


def test_two_aspects_that_are_called_the_same_are_one_line():
    town = replace(of_aspects({"location": (3, 0), "위치": (4, 0), "food": (2, 0)}), lang="ko")
    assert [key(line.strip()) for line in TASKS["summary"].stage(town).lines] == ["위치", "음식"]


def test_what_is_the_same_is_asked_about_once():
    lines, found = ["food: 2 of 3 praise it"] * 2, [(0, "The food is praised."), (1, "The food is praised.")]
    assert len(check(lines, found).lines) == 1
    assert true(lines, found, [0.9]) == found
    assert true(lines, found, [0.1]) == []


def test_a_line_without_words_is_known_by_its_key():
    assert key(bullet("service: ")) == key("service: ") == "service"


def test_what_may_make_people_ill_is_said_first():
    complaints = ["soup was bad", "soup was awful", "soup was terrible", "cockroach in the bread"]
    assert words_of("criticised", *complaints)[0] == "cockroach in the bread"
    long = f"the bread, which {'we ordered and ' * 4} got at last, had cockroaches in it".replace("we ", "")
    assert words_of("criticised", *complaints[:-1], long)[0] == long
    assert words_of("praised", *complaints)[0] != "cockroach in the bread"


@pytest.mark.parametrize(
    "written", ["7 of 8 like the Dumplings.", "6 of 8 like Dumplings at Mario.", "The trout was good."]
)
def test_numbers_names_and_words_of_an_example_that_the_facts_do_not_have_are_no_summary(
    go, write_jsonl, reading, results, query, town, written
):
    class Invents(reading):
        def says(self, request):
            said = super().says(request)
            return json.dumps({"food": written}) if " praise it" in said else said

    report, _ = go(write_jsonl(town), Invents, "summary")
    found = results("summary").rows(named=True)
    assert {row["style"] for row in found} == {"quotes"}
    assert found[0]["summary"] == "Dumplings number 0 were good. Tea was bad."
    assert report["tasks"]["summary"]["labels"] == {"written": 0, "quotes": 5}
    assert query("SELECT count(*) FROM request WHERE form = 'check.en'") == [(0,)]


def test_a_sentence_that_the_model_finds_untrue_is_left_out(go, write_jsonl, reading, results, query, town):
    class Doubts(reading):
        def step(self, patience=0.0):
            done = super().step()
            for one in done:
                if len(one.scores) == 2:
                    one.scores.update(zip(one.scores, (-3.0, -0.1), strict=True))
            return done

    go(write_jsonl(town), Doubts, "summary")
    assert query("SELECT count(*), max(answer) FROM request WHERE form = 'check.en'") == [(5, "0.0522")]
    assert results("summary")["style"].unique().to_list() == ["quotes"]


@pytest.mark.parametrize(
    ("name", "lang", "said"),
    [
        ("food", "en", '3 of 10 diners praise the food, for example: "food praised". 1 criticises it, for example: "food criticised".'),
        ("overall", "en", '3 of 10 diners praise the place overall, for example: "overall praised". 1 criticises it, for example: "overall criticised".'),
        ("food", "ko", '음식: 10명 중 3명 칭찬("food praised"), 1명 비판("food criticised").'),
    ],
)  # fmt: skip
def test_a_line_of_which_nothing_true_was_written_is_said_plainly_if_another_is_written(name, lang, said):
    town = replace(of_aspects({name: (3, 1), "service": (2, 0)}), lang=lang)
    text = "The service is praised by 2 of 10." if lang == "en" else "10명 중 2명이 서비스를 칭찬합니다."
    written = {"service" if lang == "en" else "서비스": text}
    answered = replace(town, answers=[[], [written], [0.9]])
    row = TASKS["summary"].said(answered, lambda heard, _: from_points(heard))
    assert [sentence["text"] for sentence in row["sentences"]] == [said, text]
    untrue = replace(town, answers=[[], [written], [0.1]])
    assert TASKS["summary"].said(untrue, lambda heard, _: from_points(heard))["style"] == "quotes"


@pytest.mark.parametrize(
    ("lang", "text", "added"),
    [
        ("en", "The food is good according to 3 of 10.", ' 1 criticises it, for example: "food criticised".'),
        ("en", "The food is good according to 3 of 10. 1 criticises it.", ""),
        ("ko", "10명 중 3명이 음식이 좋다고 합니다.", ' 1명 비판("food criticised").'),
        ("ko", "10명 중 3명이 음식이 좋다고 합니다. 1명은 비판합니다.", ""),
        ("en", "1 criticises the food.", ' 3 praise it, for example: "food praised".'),
    ],
)
def test_the_side_that_the_model_left_out_or_broke_off_in_is_said_plainly(lang, text, added):
    town = replace(of_aspects({"food": (3, 1)}), lang=lang)
    answered = replace(town, answers=[[], [{"food" if lang == "en" else "음식": text}], [0.9]])
    assert TASKS["summary"].said(answered, lambda heard, _: from_points(heard))["summary"] == text + added


def test_where_opinions_differ_it_has_to_be_said_and_only_there():
    differ = 'food: opinions differ: 2 of 4 praise it, e.g. "best haleem"; 2 criticise it, e.g. "other haleem was cold"'
    agree = 'food: 2 of 4 praise it, e.g. "best haleem", "many different haleems"'
    one_sided, both = "The food is praised by 2 of 4.", "Opinions on the food differ. 2 of 4 praise it."
    for line, text, sound_ in (
        (differ, one_sided, 0), (differ, both, 1), (agree, one_sided, 1), (agree, both, 0),
    ):  # fmt: skip
        assert len(sound([line], [{"food": text}], SUMMARIES)) == sound_
    plain = replace(
        of_aspects({"food": (2, 2), "price": (1, 0)}),
        answers=[[], [{"price": "The price is praised by 1 of 10."}], [0.9]],
    )
    said = TASKS["summary"].said(plain, lambda heard, _: from_points(heard))["summary"]
    assert said.startswith(
        'Opinions on the food differ. 2 of 10 diners praise it, for example: "food praised". 2 criticise it, '
    )


def test_what_is_sound_says_nothing_that_its_line_does_not_have():
    line = 'food: 9 of 12 praise it, e.g. "Biryani was tasty", "best haleem"'
    texts = ["9 of 12 praise the food, above all the tasty biryani.", "nine of twelve like the food", "9 like the trout",
             "10 of 12 praise it", "9 of 12 like the haleem at Paradise", ""]  # fmt: skip
    assert [n for n, text in enumerate(texts) if sound([line], [{key(line): text}], SUMMARIES)] == [0, 1]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("The food is good according to 9 of 12: the haleem is best. 3 criticise it: the bill is steep.",
         "The food is good according to 9 of 12: the haleem is best."),
        ("The food is good according to 2 of 12.", None),
        ("The food is criticised by 9 of 12. 2 criticise it: rice was cold.", None),
        ("The food is good. I like it.", "The food is good."),
        ("The food is good. 2 criticise it, for example: the haleem.", "The food is good."),
        ("The food is good. 2 criticise it, for example: the cold rice.",
         "The food is good. 2 criticise it, for example: the cold rice."),
        ("The food is good, say 2 of 12 diners.", None),
        ("The food is criticized by 2 of 12.", "The food is criticized by 2 of 12."),
        ("The food is criticized by 9 of 12.", None),
        ("The haleem is criticised by 2 of 12.", None),
        ("More diners than elsewhere praise the food", "More diners than elsewhere praise the food."),
        ("The food is good, say 9 of 12. " + "The haleem is best and best again, and best. " * 8,
         "The food is good, say 9 of 12. " + "The haleem is best and best again, and best. " * 4),
        ("员工 praise the haleem.", None),
        ("The food is good according to 9 of 12. 9 praise it: the haleem is best. 2 criticise it: rice was cold.",
         "The food is good according to 9 of 12. 2 criticise it: rice was cold."),
    ],
)  # fmt: skip
def test_of_a_text_the_sentences_are_kept_that_are_sound(written, kept):
    line = 'food: 9 of 12 praise it, e.g. "Biryani was tasty", "best haleem"; 2 criticise it, e.g. "rice was cold"'
    written = written[:LONGEST]
    assert [text for _, text in sound([line], [{key(line): written}], SUMMARIES)] == ([kept.strip()] if kept else [])


def test_a_strength_is_what_more_of_its_diners_praise_and_has_evidence(go, write_jsonl, reading, results, town):
    report, _ = go(write_jsonl(town), reading, "strengths")
    dump, *others = results("strengths").rows(named=True)
    (strength,) = dump["strengths"]
    assert strength["topic"] == "dumpling"
    assert (strength["here"], strength["reviews"], strength["elsewhere"], strength["reviews_elsewhere"]) == (
        6,
        8,
        0,
        24,
    )
    assert strength["sure"] > 0.999
    assert [quote["review_id"] for quote in strength["evidence"]] == ["dump0", "dump1", "dump2"]
    assert dump["comparison_summary"] == 'more praise of dumpling: "Dumplings number 0 were good"'
    assert dump["better"][0]["topic"] == "dumpling"
    assert sorted(dump["compared_with"]) == ["a", "b", "c", "d"]
    assert dump["why_none"] is None
    assert all(len(row["compared_with"]) == 4 for row in others)
    assert report["tasks"]["strengths"]["strengths"] == sum(len(row["strengths"]) for row in [dump, *others])


def test_a_name_is_made_of_words_that_somebody_said_and_otherwise_a_quote(go, write_jsonl, reading, results, town):
    class Names(reading):
        name = "good dumplings"

        def says(self, request):
            said = super().says(request)
            return json.dumps({"dumpling": self.name}) if said.startswith('{"dumpling":') else said

    class Lies(Names):
        name = "world-famous cakes"

    class Repeats(Names):
        name = "dumplings"

    go(write_jsonl(town), Names, "strengths")
    assert [s["strength"] for s in results("strengths")["strengths"][0]] == ["good dumplings"]
    go(write_jsonl(town), Lies, "strengths", again=True)
    assert [s["strength"] for s in results("strengths")["strengths"][0]] == ["Dumplings number 0 were good"]
    go(write_jsonl(town), Repeats, "strengths", again=True)
    assert [s["strength"] for s in results("strengths")["strengths"][0]] == ["Dumplings number 0 were good"]


def test_the_name_of_an_aspect_tells_nothing_that_one_alone_has_said(go, write_jsonl, reading, results):
    kind = [
        "Service was kind.",
        "Kind Ravi.",
        "The service is so kind.",
        "Kind host here.",
        "Kind host and tea.",
        "Kind!",
    ]
    town = rows("kind", *kind) + [row for name in "abcd" for row in rows(name, *[f"Bread at {name} was good."] * 8)]

    class Names(reading):
        name = "kind Ravi"

        def says(self, request):
            said = super().says(request)
            said = said.replace('"food"', '"service"') if "ind" in said else said
            return json.dumps({"service": self.name}) if said.startswith('{"service": "service:') else said

    class Shares(Names):
        name = "kind host"

    names = []
    for engine in (Names, Shares):
        go(write_jsonl(town), engine, "strengths", again=True)
        (strength,) = results("strengths").rows(named=True)[0]["strengths"]
        names.append((strength["topic"], strength["strength"]))
    assert names == [("service", "Kind host here"), ("service", "kind host")]


@pytest.mark.parametrize(("said", "name"), [("coffee", "well-liked coffee"), ("커피", "호평받는 커피")])
def test_where_nothing_that_was_said_is_a_name_the_topic_is_one(go, write_jsonl, reading, results, said, name):
    texts = [f"{said} as it is in good places far away from here, {n}." for n in range(6)]
    if said == "커피":
        texts = [f"{said}는 {n} 1{n} 2{n} 3{n} 4{n} 5{n} 6{n}." for n in range(6)]
    town = rows("x", *texts) + [row for other in "abcd" for row in rows(other, *["Bread was good."] * 8)]
    go(write_jsonl(town), reading, "strengths")
    (strength,) = results("strengths").rows(named=True)[0]["strengths"]
    assert strength["strength"] == name


def test_in_a_single_stage_there_are_names_and_no_comparison(go, write_jsonl, reading, results, query, town):
    go(write_jsonl(town), reading, "strengths", single_stage=True)
    assert query("SELECT DISTINCT form FROM request WHERE task = 'strengths'") == [("target_restaurant_strength.en",)]
    dump = results("strengths").rows(named=True)[0]
    assert (len(dump["strengths"]), dump["comparison_summary"]) == (1, "")


def test_complaints_are_no_evidence(go, write_jsonl, reading, results, town):
    bad = [{**row, "rating": 1} if row["restaurant_id"] == "dump" else {**row, "rating": 5} for row in town]
    go(write_jsonl(bad), reading, "strengths")
    dump = results("strengths").rows(named=True)[0]
    assert (dump["strengths"], dump["why_none"]) == (
        [],
        "nothing is surely praised by more of its diners than elsewhere",
    )


def test_few_reviews_have_no_strengths_and_it_says_why(go, write_jsonl, reading, results, town):
    few = [row for row in town if row["restaurant_id"] != "dump" or row["review_id"] in {"dump0", "dump1"}]
    go(write_jsonl(few), reading, "strengths")
    assert results("strengths")["why_none"][0] == "2 reviews are too few to tell"
    go(write_jsonl(town[:8]), reading, "strengths")
    assert results("strengths")["why_none"].to_list() == ["there is no restaurant to compare with"]


def test_where_there_is_nobody_to_compare_with_nothing_is_sure_however_many_say_it():
    heard = [Heard(Review(n, f"r{n}", "Good soup."), None) for n in range(20_000)]
    alone = RestaurantState(unit="a", reviews=[], heard=heard)
    assert (
        compare(alone, lambda heard, _: [Opinion(h.review, "praised", "food", "Good soup") for h in heard]).better == []
    )


def test_the_second_night_reads_new_reviews_and_writes_what_they_changed(go, write_jsonl, reading, town):
    go(write_jsonl(town), reading, "summary", "strengths")
    engine = reading()
    new = rows("b", "Bread new at b was good.")[0] | {"review_id": "new"}
    go(write_jsonl([*town, new]), lambda: engine, "summary", "strengths")
    forms = [len(json.loads(request.sampling.schema or "{}").get("required", ())) for request in engine.submitted]
    assert sorted(forms) == [0, 0, 1], "the review's points, a summary, and whether that is true"


def test_a_neighbour_that_changed_writes_nothing_anew_unless_the_strengths_change(go, write_jsonl, reading, town):
    go(write_jsonl(town), reading, "strengths")
    engine = reading()
    new = rows("a", "Tea new was bad.")[0] | {"review_id": "new"}
    go(write_jsonl([*town, new]), lambda: engine, "strengths")
    assert len(engine.submitted) == 1


def test_a_job_waits_for_its_own_reviews_and_a_sample_of_each_neighbour(go, write_jsonl, reading, query):
    town = [row for name, size in {"small": 2, "large": 40}.items()
            for row in rows(name, *(f"Bread {n} at {name} was good." for n in range(size)))]  # fmt: skip
    go(write_jsonl(town), reading, "strengths")
    small, large = query(
        "SELECT sum(seq >= 0), sum(seq < 0) FROM ask JOIN job ON job.id = ask.job JOIN request ON request.id = request "
        "WHERE ask.task = 'strengths' AND stage = 0 GROUP BY job.id ORDER BY job.id"
    )
    assert (small, large) == ((2, 16), (40, 2))


def test_quotes_are_made_of_labels_and_ask_for_nothing_else(go, write_jsonl, fake_engine, results, query):
    reviews = rows(
        "a", "The soup was lovely. We sat down.", "Lovely soup again.", "The soup was cold.", "The tea is okay."
    )
    for row, rating in zip(reviews, (5, 4, 1, 3), strict=True):
        row["rating"] = rating

    class Labels(fake_engine):
        def step(self, patience=0.0):
            done = super().step()
            for one in done:
                low = one.id == 3
                scores = dict.fromkeys(one.scores, -5.0)
                words = list(scores)
                scores[words[-1 if low else 0]] = -0.1
                one.scores.update(scores)
            return done

    report, _ = go(write_jsonl(reviews), Labels, "summary", "strengths", style="quotes", calibration="raw")
    assert query("SELECT DISTINCT task, stage FROM request") == [("sentiment", 0)]
    (found,) = results("summary").rows(named=True)
    assert found["style"] == "quotes"
    assert "The soup was lovely" in found["summary"]
    assert {quote for row in found["praised"] for quote in row["words"]} <= {"The soup was lovely", "Lovely soup again"}
    assert report["tasks"]["summary"]["labels"] == {"written": 0, "quotes": 1}
    assert results("strengths")["why_none"].to_list() == ["there is no restaurant to compare with"]


def test_the_language_may_be_said_by_a_column_or_for_all(go, write_jsonl, fake_engine, query):
    reviews = [
        {"review_id": "a", "restaurant_id": "x", "text": "masisseoyo", "lang": "ko-KR"},
        {"review_id": "b", "restaurant_id": "x", "text": "맛있어요", "lang": "xx"},
        {"review_id": "c", "restaurant_id": "x", "text": "맛있어요!", "lang": None},
    ]
    go(write_jsonl(reviews), fake_engine, "sentiment", calibration="raw")
    assert query("SELECT form FROM request ORDER BY id") == [("ask.ko",), ("ask.en",), ("ask.ko",)]
    go(write_jsonl(reviews), fake_engine, "sentiment", calibration="raw", reading=Reading(lang="en"))
    assert query("SELECT DISTINCT form FROM ask JOIN request ON request.id = request") == [("ask.en",)]


@pytest.mark.parametrize("single_stage", [False, True])
def test_every_task_has_forms_in_english_and_korean(single_stage):
    for task in (*TASKS.values(), *built_in(single_stage=single_stage).values()):
        names = {key.partition(".")[0] for key in task.forms}
        assert task.forms.keys() == {f"{name}.{lang}" for name in names for lang in ("en", "ko")}


def test_a_restaurant_that_offers_nothing_to_quote_is_counted(go, write_jsonl, reviews, fake_engine, results):
    long = {"review_id": "a", "restaurant_id": "x", "text": "aaaa" * 200}
    report, _ = go(write_jsonl([*reviews(9), long]), fake_engine, "summary", style="quotes")
    empty = results("summary").filter(summary="")["restaurant_id"].to_list()
    assert "x" in empty
    assert report["tasks"]["summary"]["nothing_to_quote"] == len(empty)


@pytest.mark.parametrize(
    ("text", "ended"),
    [("Good soup", "Good soup."), ('He said "good."', 'He said "good."'), ('He said "good"', 'He said "good".')],
)
def test_a_quoted_sentence_ends_with_one_full_stop(text, ended):
    assert _ended(text) == ended
