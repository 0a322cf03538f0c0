import contextlib
import gzip
import io
import json
import unicodedata
import uuid
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.corpus import reader
from pipelines.corpus.rating import Scale
from pipelines.corpus.reading import Reading, look_up
from pipelines.corpus.row import QUERIES, Reject
from pipelines.corpus.sources import Source
from pipelines.errors import CorpusError
from pipelines.events import Noted, Warned

GOOD = {"review_id": "a", "restaurant_id": "x", "text": "Fine."}


@pytest.fixture(params=["jsonl", "json", "parquet"])
def write(request, tmp_path):
    """Write objects in each of the formats that have nested ones."""

    def write(rows, name="in"):
        path = tmp_path / f"{name}.{request.param}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if request.param == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            path.write_text(
                json.dumps(rows, indent=1)
                if request.param == "json"
                else "".join(json.dumps(row) + "\n" for row in rows)
            )
        return Source(str(path))

    return write


def table(tmp_path, **columns):
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    return Source(str(tmp_path / "t.parquet"))


def csv(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text)
    return Source(str(tmp_path / name))


def read(*files, columns=MappingProxyType({}), told=None, **how):
    reading = Reading(columns=columns, **how)
    reader.check(files, reading)
    return [
        row for chunk in reader.read(files, reading, None, [].append if told is None else told.append) for row in chunk
    ]


def texts(rows):
    return [str(row.reason) if isinstance(row, Reject) else row.text for row in rows]


# Names


def test_a_name_with_dots_leads_into_objects(write):
    rows = [{**GOOD, "text": "outer", "review": {"text": text, "at": {"place": "y"}}} for text in ("in", None, "side")]
    found = read(write(rows), columns={"text": "review.text", "restaurant_id": "review.at.place"})
    assert texts(found) == ["in", "no-text", "side"]
    assert {row.unit for row in found if not isinstance(row, Reject)} == {"y"}


@pytest.mark.parametrize(
    "rows", [[{"review.text": "verbatim", "review": {"text": "nested"}}], [{"review.text": "verbatim"}]]
)
def test_a_column_that_is_called_so_wins(write, rows):
    assert texts(read(write([{**GOOD, **row} for row in rows]), columns={"text": "review.text"})) == ["verbatim"]


def test_a_name_may_lead_into_a_column_whose_name_looks_like_one(write):
    rows = [{**GOOD, "review": {"text": "nested"}, "review.texts": "other"}]
    assert texts(read(write(rows), columns={"text": "review.text"})) == ["nested"]


@pytest.mark.parametrize("review", ["text", ["text"], {"other": "text"}, 5, {"text": {"en": "text"}}])
def test_a_name_that_leads_nowhere_is_told_with_what_is_there(write, review):
    with pytest.raises(CorpusError, match=r"no column 'review.text.de'; it has: .*review.* --column text=THEIRS$"):
        read(write([{**GOOD, "review": review}]), columns={"text": "review.text.de"})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a", 1), ("b.c", 2), ("b.d.e", 3), ("b.x", None), ("a.x", None), ("x", None), ("x.y", None), ("l.0", None), ("n", None), ("n.x", None),
        ("v.w", 4), ("v.w.x", None), ("..o", 5), ("..p.q", 6), ("..x", None), (".", None), ("b.", None), ("..", None), ("", None),
    ],
)  # fmt: skip
def test_looking_a_name_up(name, found):
    values = {
        "a": 1,
        "b": {"c": 2, "d": {"e": 3}},
        "l": [1],
        "n": None,
        "v.w": 4,
        "v": {"w": 0},
        "..o": 5,
        "..p": {"q": 6},
    }
    assert look_up(values, name) == found


@pytest.mark.parametrize("name", ["rép\nonse", "\udce9", "a\x1bb", "a\u2028b"])
def test_columns_are_shown_in_one_line_of_text(tmp_path, name):
    (tmp_path / "t.jsonl").write_text(json.dumps({name: "t", "맛": 1}))
    with pytest.raises(CorpusError, match="no column 'text'; it has: [^\n]*, 맛. Name it") as refused:
        read(Source(str(tmp_path / "t.jsonl")), restaurant="x")
    assert len(str(refused.value).splitlines()) == 1
    str(refused.value).encode()


@pytest.mark.parametrize(
    "columns",
    [{"review": [{"text": 1}]}, {"review.text": [1], "review": [{"text": "nested"}]}, {"review": [{"text": [1]}]}],
)
def test_what_a_name_leads_to_in_parquet_must_be_text(tmp_path, columns):
    with pytest.raises(CorpusError, match=r"^column 'review.text' of .* holds .*int64>?, not text$"):
        read(table(tmp_path, restaurant_id=["x"], **columns), columns={"text": "review.text"})


@pytest.mark.parametrize(("number", "more"), [(19, ""), (20, ""), (21, " and so on"), (500, " and so on")])
def test_of_many_columns_the_first_are_shown(tmp_path, number, more):
    names = [f"c{n}" for n in range(number)]
    with pytest.raises(CorpusError, match=rf"it has: {', '.join(names[:20])}{more}\. Name it"):
        read(csv(tmp_path, ",".join(names) + "\n" + ",".join(names).upper() + "\n"), restaurant="x")


@pytest.mark.parametrize(
    ("value", "found"),
    [(5, "5"), ("a", "a"), (" a ", "a"), (b"a", "a"), (5.5, None), ([5], None), (True, None), ("", None)],
)
def test_a_note_that_nobody_has_named_may_be_anything(tmp_path, value, found):
    (row,) = read(table(tmp_path, restaurant_id=["x"], text=["t"], city=[value]))
    assert row.city == found


# Lists


PLACE = {
    "name": "p",
    "rating": 3,
    "city": "Seoul",
    "reviews": [{"text": "one", "rating": 5}, {"text": "two", "rating": None}, {"text": "three"}],
}
FROM_PLACE = {"restaurant_id": "name"}


def test_with_each_the_elements_of_a_list_are_rows(write):
    rows = read(write([PLACE, {**PLACE, "name": "q"}]), each="reviews", columns=FROM_PLACE)
    assert texts(rows) == ["one", "two", "three"] * 2
    assert [row.id for row in rows[:4]] == [
        f"{rows[0].source.rpartition('/')[2]}:{n}" for n in ("1.1", "1.2", "1.3", "2.1")
    ]
    assert [(row.unit, row.row, row.city) for row in rows] == [("p", 1, "Seoul")] * 3 + [("q", 2, "Seoul")] * 3


def test_a_column_is_looked_for_in_the_element_first_and_then_in_what_encloses_it(tmp_path):
    path = Source(str(tmp_path / "t.json"))
    (tmp_path / "t.json").write_text(json.dumps(PLACE))
    # The mean rating of a place, which nobody has named, is none of its diners'.
    assert [row.rating for row in read(path, each="reviews", columns=FROM_PLACE)] == [5, None, None]
    named = {**FROM_PLACE, "rating": "rating"}
    assert [row.rating for row in read(path, each="reviews", columns=named)] == [5, None, 3]
    assert [row.rating for row in read(path, each="reviews", columns={**FROM_PLACE, "rating": "..rating"})] == [3, 3, 3]


def test_two_dots_lead_to_what_encloses_the_list(write):
    rows = [
        {
            "name": "p",
            "text": "of p",
            "at": {"city": "Oslo"},
            "reviews": [{"name": "n", "text": "t", "at": {"city": "Rome"}}],
        }
    ]
    for unit, text, city, expected in (
        ("name", "text", "at.city", ("n", "t", "Rome")), ("..name", "..text", "..at.city", ("p", "of p", "Oslo")),
    ):  # fmt: skip
        (row,) = read(write(rows), each="reviews", columns={"restaurant_id": unit, "text": text, "city": city})
        assert (row.unit, row.text, row.city) == expected


def test_two_dots_lead_to_a_column_whose_name_has_one(write):
    rows = [{"at.name": "p", "reviews": [{"at": {"name": "n"}, "text": "t"}]}]
    (row,) = read(write(rows), each="reviews", columns={"restaurant_id": "..at.name"})
    assert row.unit == "p"


def test_the_list_may_be_deeper(write):
    rows = [{"data": {"reviews": [{"text": "a"}, {"text": "b"}], "name": "p"}}, {"data": {"reviews": [], "name": "q"}}]
    found = read(write(rows), each="data.reviews", columns={"restaurant_id": "data.name"})
    assert [(row.text, row.unit) for row in found] == [("a", "p"), ("b", "p")]


@pytest.mark.parametrize(
    ("each", "name"), [("reviews", "reviews"), ("data.reviews", "data.reviews"), ("data.reviews", "reviews")]
)
def test_elements_may_be_text(write, each, name):
    rows = [{"name": "p", "data": {"reviews": ["a", None, "", "b"]}, "reviews": ["a", None, "", "b"]}]
    assert texts(read(write(rows), each=each, columns={**FROM_PLACE, "text": name})) == ["a", "no-text", "no-text", "b"]


def test_a_place_without_reviews_has_none(write):
    rows = [{"name": "p", "reviews": None}, {"name": "q", "reviews": []}, PLACE]
    assert texts(read(write(rows), each="reviews", columns=FROM_PLACE)) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("value", "kind"), [("text", "str"), (5, "int"), ({"a": "b"}, "dict"), (True, "bool"), ("", "str")]
)
def test_what_is_no_list_is_a_reject(tmp_path, value, kind):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (PLACE, {"name": "q", "reviews": value}, PLACE)))
    (*_, bad, _, _, last) = read(Source(str(path)), each="reviews", columns=FROM_PLACE)
    assert (bad.reason, bad.row, bad.detail) == ("not-a-list", 2, f"reviews is {kind}, not a list")
    assert last.row == 3


def test_a_column_of_parquet_that_is_no_list_rejects_its_rows(tmp_path):
    rows = read(table(tmp_path, name=["p", "q"], reviews=["a", None]), each="reviews", columns=FROM_PLACE)
    assert texts(rows) == ["not-a-list"]


def test_a_broken_record_is_a_reject_with_each_too(tmp_path):
    (tmp_path / "t.jsonl").write_text('broken\n{"name": "p", "reviews": [{"text": "a"}]}\n')
    assert texts(read(Source(str(tmp_path / "t.jsonl")), each="reviews", columns=FROM_PLACE)) == ["malformed-json", "a"]


def test_what_the_elements_lack_is_named(write):
    with pytest.raises(CorpusError, match=r"no column 'body'; it has: .*name.*text") as refused:
        read(write([PLACE]), each="reviews", columns={**FROM_PLACE, "text": "body"})
    assert ".." not in str(refused.value).replace("...", "")


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.timestamp("ns"), pa.date32()])
def test_elements_may_have_moments(tmp_path, kind):
    moment = datetime(2026, 3, 1, 6)
    reviews = pa.array([[{"text": "a", "at": moment}]], pa.list_(pa.struct([("text", pa.string()), ("at", kind)])))
    (row,) = read(
        table(tmp_path, name=["p"], reviews=reviews), each="reviews", columns={**FROM_PLACE, "deadline": "at"}
    )
    assert row.deadline == (datetime(2026, 3, 1) if kind == pa.date32() else moment).timestamp()


def test_a_moment_may_be_finer_than_those_of_python(tmp_path):
    fine = pa.array([1_234_567_890_123_456_789], pa.timestamp("ns", "UTC"))
    (row,) = read(table(tmp_path, restaurant_id=["x"], text=["t"], deadline=fine))
    assert row.deadline == pytest.approx(1_234_567_890.123456, abs=1e-6)


def nested(texts):
    """Make places with a review each, which have bytes that Parquet takes for text."""
    of = pa.array(texts, pa.binary()).buffers()
    reviews = pa.StructArray.from_arrays([pa.StringArray.from_buffers(len(texts), of[1], of[2], of[0])], ["text"])
    return pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), reviews)


def test_one_bad_string_in_a_list_costs_its_element(tmp_path):
    file = table(tmp_path, name=["p"], reviews=nested([b"fine", b"\xff", b"good"]))
    assert texts(read(file, each="reviews", columns=FROM_PLACE)) == ["fine", "invalid-utf8", "good"]


@pytest.mark.parametrize(
    ("kind", "value"), [(pa.timestamp("ns"), 1_234_567_890_123_456_789), (pa.timestamp("us"), 2**62)]
)
def test_a_moment_in_a_list_that_python_has_none_for_costs_nothing(tmp_path, kind, value):
    reviews = pa.array([[{"text": "a", "at": value}]], pa.list_(pa.struct([("text", pa.string()), ("at", kind)])))
    assert texts(read(table(tmp_path, name=["p"], reviews=reviews), each="reviews", columns=FROM_PLACE)) == ["a"]


def test_two_fields_of_one_name_are_one_of_them_or_told(tmp_path):
    review = pa.StructArray.from_arrays([pa.array(["a"]), pa.array(["b"])], ["text", "text"])
    file = table(tmp_path, restaurant_id=["x"], review=review)
    with contextlib.suppress(CorpusError):
        assert texts(read(file, columns={"text": "review.text"})) in (["a"], ["b"])


def test_of_a_list_that_is_nowhere_it_is_said_what_is_there(write):
    file = write([PLACE])
    (row,) = read(file, each="review", columns=FROM_PLACE)
    assert row.detail.startswith("review is not there, but name, ")


# Ids


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        (["a", " b"], ["a", " b"]), ([12, 0], ["12", "0"]), ([12.0, 0.0], ["12", "0"]), ([2.0**60, -3.0], [str(2**60), "-3"]),
        ([Decimal("12.00"), Decimal("-1.00")], ["12", "-1"]), (pa.array([b"ab", b"\xff\0"], pa.binary(2)), ["ab", "ff00"]),
        (pa.array([uuid.UUID(int=1).bytes, uuid.UUID(int=2**120).bytes], pa.uuid()), [str(uuid.UUID(int=n)) for n in (1, 2**120)]),
        ([{"$oid": "5f"}, {"$oid": "60"}], ["5f", "60"]), ([{"$numberLong": 5}, {"$numberLong": 6}], ["5", "6"]), ([b"ab", b"c"], ["ab", "c"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
    ],
)  # fmt: skip
def test_whatever_is_an_id_is_one_as_text(tmp_path, column, ids):
    rows = read(table(tmp_path, review_id=column, restaurant_id=column, text=["t"] * 2))
    assert [(row.id, row.unit) for row in rows] == [(id_, id_) for id_ in ids]


@pytest.mark.parametrize("value", [1.5, Decimal("1.5"), float("inf"), float("nan")])
def test_a_number_that_is_not_whole_is_no_id(tmp_path, value):
    (row,) = read(table(tmp_path, review_id=[value], restaurant_id=["x"], text=["t"]))
    assert row.reason == "no-review-id"


@pytest.mark.parametrize(
    "value", ["{}", '{"$oid": ["a"]}', '{"a": "b", "c": "d"}', '{"$oid": null}', "[]", "true", '"\\ud83d"']
)
def test_an_object_of_another_kind_is_no_id(tmp_path, value):
    (tmp_path / "t.jsonl").write_text(f'{{"review_id": {value}, "restaurant_id": "x", "text": "t"}}')
    (row,) = read(Source(str(tmp_path / "t.jsonl")))
    assert row.reason in {"no-review-id", "invalid-utf8"}


@pytest.mark.parametrize("limit", [None, 1, 2, 99])
def test_rows_without_an_id_are_called_by_file_and_number_whatever_is_read(tmp_path, limit):
    (tmp_path / "t.jsonl").write_text('{"text": "a"}\n\nbroken\n{"text": "b"}\n')
    file = Source(str(tmp_path / "t.jsonl"), "deep/t.jsonl")
    told = []
    chunks = reader.read([file], Reading(restaurant="x"), limit, told.append)
    ids = ["deep/t.jsonl:1", None, "deep/t.jsonl:4"][:limit]
    assert [row.id for chunk in chunks for row in chunk] == ids
    assert told == [Noted(f"{file.path} has no review_id: its rows are called deep/t.jsonl:1 and so on")]


def test_a_column_without_any_id_is_none(tmp_path):
    told = []
    rows = read(csv(tmp_path, "review_id,text\n,a\n,b\n"), restaurant="x", told=told)
    assert [row.id for row in rows] == ["t.csv:1", "t.csv:2"]
    assert [event.text for event in told] == [
        f"{tmp_path}/t.csv has no review_id: its rows are called t.csv:1 and so on"
    ]


def test_where_some_rows_have_an_id_all_must(tmp_path):
    told = []
    rows = read(csv(tmp_path, "review_id,text\na,t\n,t\n"), restaurant="x", told=told)
    assert [row.id for row in rows] == ["a", None]
    assert rows[1].reason == "no-review-id"
    assert told == []


def test_a_column_of_ids_that_was_named_must_be_there_and_have_some(tmp_path):
    with pytest.raises(CorpusError, match="no column 'id'; it has: text"):
        read(csv(tmp_path, "text\na\n"), restaurant="x", columns={"review_id": "id"})
    (row,) = read(csv(tmp_path, "id,text\n,a\n"), restaurant="x", columns={"review_id": "id"})
    assert row.reason == "no-review-id"


def test_ids_of_several_files_differ(tmp_path):
    files = [csv(tmp_path, "text\na\nb\n", name) for name in ("a.csv", "b.csv")]
    ids = [row.id for row in read(*files, restaurant="x")]
    assert ids == [row.id for row in read(*files, restaurant="x")] == ["a.csv:1", "a.csv:2", "b.csv:1", "b.csv:2"]


@pytest.mark.parametrize("how", [{"restaurant": "x"}, {"restaurant_from": "file"}])
def test_queries_are_of_no_restaurant(tmp_path, how):
    rows = read(csv(tmp_path, "query_id,query\na,noodles\nb,soup\n"), layout=QUERIES, **how)
    assert [(row.id, row.unit) for row in rows] == [("a", "a"), ("b", "b")]


def test_letters_that_are_written_in_pieces_are_put_together(tmp_path):
    pieces = unicodedata.normalize("NFD", "text,rating\n국물이 진해요,별점 4점\n")
    (row,) = read(csv(tmp_path, pieces), restaurant="x")
    assert (row.text, row.rating) == ("국물이 진해요", 4.0)


def test_a_query_without_an_id_is_called_by_file_and_number(tmp_path):
    (row,) = read(csv(tmp_path, "query\nnoodles\n"), layout=QUERIES)
    assert (row.id, row.unit, row.text) == ("t.csv:1", "t.csv:1", "noodles")


@pytest.mark.parametrize(
    "line",
    [
        '{"review_id": 0, "text": "t"}',
        '{"review_id": "", "text": "t"}',
        "broken",
    ],
)
def test_made_ids_are_told_only_where_there_are_some(tmp_path, line):
    told = []
    (tmp_path / "t.jsonl").write_text(line)
    read(Source(str(tmp_path / "t.jsonl")), restaurant="x", told=told)
    assert told == []


# Restaurants


def test_all_rows_are_of_the_restaurant_that_is_given(write):
    rows = [{**GOOD, "restaurant_id": None}, GOOD, {"review_id": "b", "text": "t"}]
    assert {row.unit for row in read(write(rows), restaurant="Joe's")} == {"Joe's"}


@pytest.mark.parametrize(
    ("called", "restaurant"), [("Joe's No. 5.csv", "Joe's No. 5"), ("deep/a.csv.gz", "deep/a"), ("a", "a"), ("", "t")]
)
def test_a_restaurant_may_be_called_what_its_file_is(tmp_path, called, restaurant):
    file = csv(tmp_path, "text,restaurant_id\na,y\n")
    (row,) = read(Source(file.path, called), restaurant_from="file")
    assert row.unit == restaurant


def test_without_a_restaurant_it_is_said_what_can_be_done(tmp_path):
    with pytest.raises(
        CorpusError, match=r"restaurant_id=THEIRS, or say --restaurant NAME, or --restaurant-from file$"
    ):
        read(csv(tmp_path, "text\na\n"))


def test_the_columns_of_folders_are_those_of_rows_that_have_none_of_their_own(write):
    file = write([{"text": "a"}, {"text": "b"}], "restaurant_id=x")
    placed = Source(file.path, "", {"restaurant_id": "x", "city": "Seoul", "other": None})
    assert [(row.unit, row.city) for row in read(placed)] == [("x", "Seoul")] * 2
    file = write([{"text": "a", "city": "Busan"}], "other")
    (row,) = read(Source(file.path, "", {"restaurant_id": None, "city": "Seoul"}))
    assert (row.reason, row.detail) == ("no-restaurant-id", "restaurant_id is null")
    (row,) = read(Source(file.path, "", {"restaurant_id": "x", "city": "Seoul"}))
    assert row.city == "Busan"


def test_the_columns_of_folders_may_be_named_and_belong_to_every_element(write):
    file = write([PLACE], "shop=x")
    (row, *_) = read(
        Source(file.path, "", {"shop": "x"}), each="reviews", columns={"restaurant_id": "..shop", "category": "shop"}
    )
    assert (row.unit, row.category) == ("x", "x")


# Texts and ratings


@pytest.mark.parametrize(
    "text",
    ["nan", "NaN", " NAN ", "None", "null", "NULL", "N/A", "n/a", "#N/A", "<NA>", "&nbsp;nan", " ", "\u200b", "<br>"],
)
def test_a_text_that_says_nothing_is_none(write, text):
    good, bad = read(write([GOOD, {**GOOD, "text": text}]))
    assert good.text == "Fine."
    assert bad.reason == "no-text"


@pytest.mark.parametrize("text", ["nan bread", "None of it.", "null and void", "na", "-", "nah", "N/A!", "0", "."])
def test_a_text_that_only_begins_like_none_is_one(write, text):
    (row,) = read(write([{**GOOD, "text": text}]))
    assert row.text == text


def test_ratings_outside_the_scale_that_is_stated_are_none(tmp_path):
    given = "1,5,0,6,8/10,★★,,good,80%,11/10"
    file = csv(tmp_path, "text,rating\n" + "".join(f"t,{rating}\n" for rating in given.split(",")))
    ratings = [row.rating for row in read(file, restaurant="x", scale=Scale(1, 5))]
    assert ratings == [1, 5, None, None, 4, 2, None, None, 4, None]
    assert [row.rating for row in read(file, restaurant="x")] == [1, 5, 0, 6, 4, 2, None, None, 4, 5.5]


@pytest.mark.parametrize(
    ("rating", "found"),
    [
        ("4 stars", 4), (4, 4), (4.5, 4.5), (Decimal("4.5"), 4.5), (None, None), (-1, None), (float("nan"), None),
        (b"4", None), (True, None), ([4], None), ({"of": 4}, None), (datetime(2026, 1, 1), None),
    ],
)  # fmt: skip
def test_a_rating_of_parquet_that_nobody_has_named_may_be_anything(tmp_path, rating, found):
    (row,) = read(table(tmp_path, restaurant_id=["x"], text=["t"], rating=[rating]))
    assert row.rating == found


@pytest.mark.parametrize("rating", [[True], [[4]], [{"of": 4}]])
def test_a_rating_that_somebody_has_named_must_be_one(tmp_path, rating):
    with pytest.raises(CorpusError, match=r"column 'stars' of .* holds .*, not numbers$"):
        read(table(tmp_path, restaurant_id=["x"], text=["t"], stars=rating), columns={"rating": "stars"})


# What is told


@pytest.mark.parametrize(("filled", "warns"), [(0, True), (1, True), (2, False), (4, False)])
def test_a_column_that_was_named_and_gives_nothing_in_most_rows_is_told(write, filled, warns):
    stars = ["5"] * filled + ["unknown"] * (4 - filled)
    told = []
    read(write([{**GOOD, "stars": one} for one in stars]), columns={"rating": "stars"}, told=told)
    expected = [Warned(f"--column rating=stars gives nothing in {4 - filled} of 4 rows")]
    assert told == (expected if warns else [])


def test_only_rows_that_are_of_use_count_and_only_columns_that_were_named(write):
    told = []
    rows = [
        {**GOOD, "town": "Oslo", "rating": "?"},
        {**GOOD, "town": None, "text": None},
        {**GOOD, "town": None, "text": None},
    ]
    read(write(rows), columns={"city": "town"}, told=told)
    assert told == []


def test_it_is_told_once_of_all_files(tmp_path):
    files = [csv(tmp_path, f"review_id,text,town\n{name},t,\n", f"{name}.csv") for name in "ab"]
    told = []
    read(*files, restaurant="x", columns={"city": "town"}, told=told)
    assert told == [Warned("--column city=town gives nothing in 2 of 2 rows")]


@pytest.mark.parametrize(
    ("empty", "content"),
    [
        ("a.csv", b""),
        ("a.json", b""),
        ("a.jsonl.gz", gzip.compress(b"")),
        ("a.tsv.zst", pa.compress(b"", "zstd", asbytes=True)),
    ],
)
def test_an_empty_file_among_good_ones_is_none(tmp_path, empty, content):
    (tmp_path / empty).write_bytes(content)
    assert texts(read(Source(str(tmp_path / empty)), csv(tmp_path, "text\nt\n"), restaurant="x")) == ["t"]


@pytest.mark.parametrize("empty", ["a.parquet", "a.jsonl.gz", "a.tsv.zst", "a.csv.bz2"])
def test_a_file_without_a_byte_that_its_kind_must_have_is_not_whole(tmp_path, empty):
    (tmp_path / empty).touch()
    with pytest.raises(CorpusError, match=f"^cannot read .*{empty}: it has no bytes, so it is not whole"):
        read(csv(tmp_path, "text\nt\n"), Source(str(tmp_path / empty)), restaurant="x")


def test_a_file_of_parquet_that_has_not_the_rows_that_it_says_is_not_whole(tmp_path):
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "a.parquet", store_schema=False)
    whole = (tmp_path / "a.parquet").read_bytes()
    head, number, tail = whole.partition(b"\x16\x04\x19\x1c")  # in its footer: 2, and then the list of row groups
    assert number
    (tmp_path / "a.parquet").write_bytes(head + b"\x16\x06\x19\x1c" + tail)
    with pytest.raises(CorpusError, match=r"a.parquet: it has 2 rows, and says 3: it is not whole$"):
        read(Source(str(tmp_path / "a.parquet")), restaurant="x")


@pytest.mark.parametrize(
    "part", [pa.table({}), pa.table({"text": pa.array([], pa.int8())}), pa.table({"other": pa.array([], pa.string())})]
)
def test_a_part_of_parquet_without_rows_is_none_whatever_its_columns(tmp_path, part):
    pq.write_table(part, tmp_path / "a.parquet")
    assert texts(read(Source(str(tmp_path / "a.parquet")), csv(tmp_path, "text\nt\n"), restaurant="x")) == ["t"]


def test_parquet_is_not_read_from_a_pipe(monkeypatch, tmp_path):
    pq.write_table(pa.table({"text": ["t"]}), tmp_path / "t.parquet")

    class Stdin:
        buffer = io.BytesIO((tmp_path / "t.parquet").read_bytes())

    monkeypatch.setattr("sys.stdin", Stdin)
    with pytest.raises(
        CorpusError, match="cannot read -: Parquet is read from its end, which a pipe has not: write a file"
    ):
        read(Source("-"), restaurant="x")


def test_a_record_without_the_list_is_a_reject_and_a_place_without_reviews_is_none(tmp_path):
    places = [PLACE, {"name": "p", "reviews": None}, {"name": "q", "reviews": []}, {"text": "t"}]
    (tmp_path / "t.json").write_text(json.dumps(places))
    rows = read(Source(str(tmp_path / "t.json")), each="reviews", columns=FROM_PLACE)
    assert [(row.row, row.detail) for row in rows if isinstance(row, Reject)] == [(4, "reviews is not there, but text")]
