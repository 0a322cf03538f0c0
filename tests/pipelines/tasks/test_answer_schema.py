import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tasks.answer_schema import AnswerSchema, Field, arrow, distinct
from pipelines.tasks.task import MalformedError

ANSWER = AnswerSchema((
    Field("dish", {"type": "string", "maxLength": 20}),
    Field("stars", {"type": "integer"}),
    Field("why", {"type": "array", "items": {"type": "string"}}),
))  # fmt: skip
GOOD = {"dish": "soup", "stars": 4, "why": ["hot"]}


def test_an_answer_is_its_fields_with_text_on_one_line():
    said = json.dumps({**GOOD, "dish": " so\n up\t"})
    assert ANSWER.read(said) == {"dish": "so up", "stars": 4, "why": ["hot"]}


def test_control_characters_do_not_matter():
    assert ANSWER.read('{"dish":"so\x0bup","stars":4,"why":[]}')["dish"] == "so up"


@pytest.mark.parametrize("said", ["1e17", "12345678901234567", "1e300", "-0.0", "3"])
def test_a_number_is_one_whatever_it_is_written_like(said):
    answer = AnswerSchema(
        (Field("price", {"type": "number"}), Field("all", {"type": "array", "items": {"type": "number"}}))
    )
    found = answer.read(f'{{"price": {said}, "all": [{said}]}}')
    assert found == {"price": float(said), "all": [float(said)]}
    for field in answer.fields:
        pa.array([found[field.name]], field.column.type)


def test_a_number_that_no_column_holds_is_malformed():
    with pytest.raises(MalformedError, match="larger than a column can hold"):
        AnswerSchema((Field("price", {"type": "number"}),)).read('{"price": 1' + "0" * 400 + "}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ('{"dish": "sou', "no JSON: Unterminated string"),
        ("[" * 100_000, "no JSON"),
        ('"soup"', "answer: 'soup' is not of type 'object'"),
        (json.dumps({"dish": "soup"}), "'stars' is a required property"),
        (json.dumps({**GOOD, "more": 1}), "Additional properties"),
        (json.dumps({**GOOD, "dish": "x" * 21}), "dish: "),
        (json.dumps({**GOOD, "stars": 4.5}), "stars: 4.5 is not of type 'integer'"),
        (json.dumps({**GOOD, "why": [1]}), "why.0: 1 is not of type 'string'"),
        ('{"dish":"a","stars":NaN,"why":[]}', "no JSON: NaN is no number in JSON"),
        ('{"dish":"a","stars":9223372036854775808,"why":[]}', "larger than a column can hold"),
        ('{"dish":"\\ud83d","stars":1,"why":[]}', "no Unicode text"),
        ('{"dish":"a","stars":' + "9" * 5000 + ',"why":[]}', "no JSON"),
    ],
)
def test_what_is_no_such_answer_says_why(text, message):
    with pytest.raises(MalformedError) as error:
        ANSWER.read(text)
    assert message in str(error.value)


def test_an_answer_of_any_depth_is_malformed():
    for depth in range(800, 1100):  # somewhere it can be read, and be told of no more
        with pytest.raises(MalformedError):
            ANSWER.read(json.dumps({**GOOD, "dish": 0}).replace("0", "[" * depth + "]" * depth))


@given(st.text() | st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)).map(json.dumps))  # fmt: skip
def test_whatever_a_model_says_is_read_or_malformed_and_what_is_read_fits_its_columns(text):
    try:
        found = ANSWER.read(text)
    except MalformedError:
        return
    pa.table({field.name: pa.array([found[field.name]], field.column.type) for field in ANSWER.fields})


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, pa.string()),
        ({"enum": ["a", "b"]}, pa.string()),
        ({"type": "array", "items": {"type": "integer"}}, pa.list_(pa.int64())),
        ({"type": ["string", "null"]}, pa.string()),
        ({"type": ["null", "array"], "items": {"type": ["integer", "null"]}}, pa.list_(pa.int64())),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}}, pa.struct([("a", pa.bool_())])),
    ],
)
def test_a_schema_is_a_column(schema, kind):
    assert arrow(schema) == kind


@pytest.mark.parametrize(
    "schema", [{}, {"type": "null"}, {"type": ["string", "integer"]}, {"type": ["null", "null"]}, {"type": "array"}]
)
def test_a_schema_that_is_no_column_says_what_would_be(schema):
    with pytest.raises(ValueError, match="one of string, integer, number, boolean, array, object expected"):
        arrow(schema)


NULLABLE = AnswerSchema((
    Field("wine", {"type": ["string", "null"], "enum": ["red", "white"]}),
    Field("stars", {"type": ["integer", "null"], "maximum": 5}),
    Field("dishes", {"type": "array", "items": {"type": ["string", "null"]}}),
    Field("price", {"type": "object", "properties": {"from": {"type": ["number", "null"]}}}),
))  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        {"wine": None, "stars": None, "dishes": [None, "soup"], "price": {"from": None}},
        {"wine": "red", "stars": 5, "dishes": [], "price": {"from": 1.5}},
    ],
)
def test_null_is_an_answer_where_it_may_be(answer):
    found = NULLABLE.read(json.dumps(answer))
    assert found == answer
    pa.table({field.name: pa.array([found[field.name]], field.column.type) for field in NULLABLE.fields})


@pytest.mark.parametrize("wrong", [{"wine": "pink"}, {"stars": 6}, {"dishes": None}, {"price": None}])
def test_null_is_no_answer_where_it_may_not_be_and_excuses_no_other(wrong):
    good = {"wine": None, "stars": None, "dishes": [], "price": {}}
    with pytest.raises(MalformedError):
        NULLABLE.read(json.dumps(good | wrong))


def test_distinct_ignores_case_and_what_is_known():
    assert distinct(["Soup", "soup", "", "TEA", "bread"], ["tea"]) == ["Soup", "bread"]
