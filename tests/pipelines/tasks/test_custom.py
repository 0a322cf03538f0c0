import json
from pathlib import Path

import polars as pl
import pytest

from pipelines import run
from pipelines.config import Config
from pipelines.corpus.sources import Source
from pipelines.errors import ConfigError
from pipelines.ledger.ledger import Ledger
from pipelines.measurements import Measurements
from pipelines.tasks import custom

LABELS = """
name = "waiting"
unit = "review"
instruction = "Was the wait good?"
labels = ["good", "bad", "neutral"]

[[examples]]
text = "We stood in line for an hour."
answer = "good"

[[examples]]
text = "한 시간이나 줄을 섰어요."
answer = "good"
lang = "ko"
"""
FIELDS = """
name = "dishes"
unit = "{unit}"
instruction = "Which dishes are named?"
max_tokens = 64

[output.dishes]
type = "array"
items = {{ type = "string", maxLength = 12 }}
maxItems = 3

[output.stars]
type = "integer"
minimum = 1
maximum = 5

[[examples]]
text = "The soup was great.\\nThe tart was not."
answer = {{ dishes = ["soup", "tart"], stars = 4 }}
"""


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return custom.load(path)

    return load


@pytest.fixture
def go(tmp_path, tiny, lent, write_jsonl):
    def go(task, rows):
        order = Config(
            tasks=[task], sources=[Source(str(write_jsonl(rows)))], limit=None, model=tiny, arguments={},
        )  # fmt: skip
        ledger = Ledger(tmp_path / "out")
        try:
            report = run.run(
                ledger, order, [lambda **_: lent()], Measurements(tmp_path / "m"), facts={}, emit=lambda _: None
            )
        finally:
            ledger.close()
        return report, pl.read_parquet(tmp_path / "out" / "results" / f"{task.name}.parquet")

    return go


REVIEWS = [
    {"review_id": f"r{n}", "restaurant_id": "ab"[n % 2], "text": f"The soup of day {n} was good, {n} people waited."}
    for n in range(10)
]


def test_labels_on_a_real_engine(load, go, tmp_path):
    report, table = go(load(LABELS), [*REVIEWS, {"review_id": "k", "restaurant_id": "a", "text": "기다렸어요"}])
    assert report["rows"]["answered"] == 11
    assert table.columns == [
        "review_id",
        "restaurant_id",
        "label",
        "confidence",
        "p_good",
        "p_bad",
        "p_neutral",
        "suspicious",
    ]
    assert set(table["label"]) <= {"good", "bad", "neutral"}
    sums = table.select(pl.sum_horizontal("p_good", "p_bad", "p_neutral")).to_series()
    assert sums.is_between(1 - 1e-9, 1 + 1e-9).all()
    rolled = pl.read_parquet(tmp_path / "out" / "results" / "waiting_by_restaurant.parquet")
    assert rolled.columns == ["restaurant_id", "reviews", "good", "bad", "neutral"]


def test_labels_of_ones_own_are_calibrated_on_reviews_of_which_nobody_knows_them(load, go, tmp_path):
    """Each language on its own; in one that there are none in probabilities are raw."""
    french = LABELS.replace('lang = "ko"', 'lang = "fr"')
    rows = [*REVIEWS, {"review_id": "k", "restaurant_id": "a", "text": "On a attendu.", "lang": "fr"}]
    report, table = go(load(french), rows)
    figures = report["tasks"]["waiting"]
    assert (figures["calibration"], figures["requests"]) == ("anchors", len(rows) + 48)
    assert table["confidence"].is_between(1 / 3, 1).all()


@pytest.mark.parametrize("unit", ["review", "restaurant", "query"])
def test_fields_on_a_real_engine(load, go, unit):
    rows = [{"query_id": n, "query": row["text"]} for n, row in enumerate(REVIEWS)] if unit == "query" else REVIEWS
    report, table = go(load(FIELDS.format(unit=unit)), rows)
    assert report["rows"]["answered"] == 10, report["rows"]
    assert table.schema["dishes"] == pl.List(pl.String)
    assert table["stars"].is_between(1, 5).all()
    assert table.height == (2 if unit == "restaurant" else 10)


NULLABLE = FIELDS.replace('type = "integer"', 'type = ["integer", "null"]').replace(", stars = 4", "")


def test_fields_that_may_be_null_on_a_real_engine(load, go):
    """A model of random weights says now one and now the other."""
    task = load(NULLABLE.format(unit="review"))
    assert '"dishes":["soup","tart"],"stars":null' in task.forms["ask.en"].shared_prefix
    report, table = go(task, REVIEWS)
    assert report["rows"]["answered"] == 10, report["rows"]
    assert table.schema["stars"] == pl.Int64
    assert table["stars"].drop_nulls().is_between(1, 5).all()


def test_the_prompt_is_the_instruction_and_the_examples_of_the_language(load):
    task = load(LABELS)
    assert task.forms["ask.en"].shared_prefix == (
        "Was the wait good?\n\nReview: We stood in line for an hour.\nAnswer: good\n\nReview:"
    )
    assert "한 시간이나" in task.forms["ask.ko"].shared_prefix
    answer = json.loads(
        load(FIELDS.format(unit="review")).forms["ask.en"].shared_prefix.split("Answer: ")[1].split("\n")[0]
    )
    assert answer == {"dishes": ["soup", "tart"], "stars": 4}


def test_for_a_restaurant_the_question_comes_after_the_reviews(load):
    form = load(FIELDS.format(unit="restaurant")).forms["chunk.en"]
    assert form.shared_prefix == "Reviews of a restaurant:\n"
    assert "- The soup was great.\n- The tart was not.\nAnswer:\n" in form.suffix
    assert form.suffix.endswith("Which dishes are named?\nAnswer:\n")
    another = '[[examples]]\ntext = "The rice was fine."\nanswer = { dishes = ["rice"], stars = 3 }\n'
    two = load(FIELDS.format(unit="restaurant") + another)
    assert two.forms["chunk.en"] == form, "the first of a language is shown"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "cannot be read: Invalid value"),
        ("", "mine.toml: name: Field required"),
        (LABELS.replace("waiting", "Wait ing"), "mine.toml: name: lower-case letters, digits and hyphens expected, found 'Wait ing'"),
        (LABELS + "temperature = 1\n", "mine.toml: examples.1.temperature: no such key"),
        (LABELS.replace('unit = "review"', 'unit = "table"'), "mine.toml: unit: Input should be 'review', 'restaurant' or 'query'"),
        (LABELS.replace('unit = "review"', 'unit = "restaurant"'), 'mine.toml: labels are for units "review" and "query"'),
        (LABELS.replace('["good", "bad", "neutral"]', '["good"]'), "mine.toml: labels: List should have at least 2 items"),
        (LABELS.replace('"neutral"', '"good"'), "mine.toml: labels: labels that differ expected"),
        (LABELS.replace('"neutral"', '" good"'), "mine.toml: labels: labels that differ expected"),
        (LABELS.replace('"neutral"', '"so so "'), "mine.toml: labels: a word or a few expected, without spaces around them, found 'so so '"),
        (LABELS.replace('"neutral"', '"x\\u0000"'), "mine.toml: labels"),
        (LABELS.replace("Was the wait", "Was\\u0000 it"), "mine.toml: instruction: "),
        (LABELS.replace('answer = "good"', 'answer = "maybe"', 1), "mine.toml: examples.0.answer: one of good, bad, neutral expected, found 'maybe'"),
        (LABELS.replace("labels", "tags"), "mine.toml: tags: no such key"),
        (LABELS.replace("labels", "lables"), "mine.toml: lables: no such key, did you mean labels?"),
        (LABELS.replace("instruction", "max_tokens = 0\ninstruction"), "mine.toml: max_tokens: Input should be greater than or equal to 1"),
        ('name = "x"\ninstruction = "y"', "mine.toml: either labels or output expected"),
        (FIELDS.format(unit="review").replace("integer", "int"), "mine.toml: output: stars: type is 'int': one of string, integer"),
        (FIELDS.format(unit="review").replace("maximum", "multipleOf"), "mine.toml: output: stars.multipleOf: not supported; known are"),
        (FIELDS.format(unit="review").replace("[output.stars]", "[output.review_id]"), "mine.toml: output: review_id: there is a column of that name"),
        (FIELDS.format(unit="review").replace('type = "integer"', "enum = [1, 2]"), "mine.toml: output: stars.enum: texts expected"),
        (FIELDS.format(unit="review").replace("maximum = 5", 'enum = ["a"]'), 'mine.toml: output: stars.enum: of type "string" only'),
        (FIELDS.format(unit="review").replace('type = "integer"', "enum = []"), "mine.toml: output: stars.enum: texts expected"),
        (FIELDS.format(unit="review").replace("maximum = 5", "maximum = nan"), "mine.toml: output: stars.maximum: a finite number expected"),
        (FIELDS.format(unit="review").replace("maximum = 5", 'required = ["x"]'), "mine.toml: output: stars.required: x is none of its properties"),
        (LABELS.replace('name = "', f'name = "{"x" * 100}'), "mine.toml: name: at most 100 characters expected, for files have that name, found 1"),
        ("a = " + "9" * 5000, "mine.toml cannot be read: a number has thousands of digits"),
        ("a = " + "[" * 5000, "mine.toml cannot be read: nested too deeply"),
        (FIELDS.format(unit="review").replace('"integer"', '"object"'), "mine.toml: output: stars.properties: at least one expected"),
        (FIELDS.format(unit="review").replace("maximum = 5", 'maximum = "5"'), "mine.toml: output: stars.maximum: '5' is not of type 'number'"),
        (FIELDS.format(unit="review").replace("maximum = 5", "maximum = 0"), "mine.toml: output: stars.minimum: not more than maximum expected"),
        (FIELDS.format(unit="review").replace('{ type = "string", maxLength = 12 }', "[1]"), "mine.toml: output: dishes: "),
        (FIELDS.format(unit="review").replace("stars = 4", "stars = 2020-01-01"), "mine.toml: examples.0.answer: "),
        (LABELS.replace('"neutral"', '"mean_score"'), "mine.toml: labels: mean_score: there is a column of that name already"),
        (LABELS.replace('"neutral"', '"restaurant_id"'), "mine.toml: labels: restaurant_id: there is a column of that name already"),
        (FIELDS.format(unit="review").replace("stars = 4", "price = 4"), "mine.toml: examples.0.answer: a table with the keys dishes, stars expected"),
        (FIELDS.format(unit="review").replace("stars = 4", "stars = 9"), "mine.toml: examples.0.answer: stars: 9 is greater than the maximum of 5"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_key_and_what_was_expected(load, text, message):
    with pytest.raises(ConfigError) as error:
        load(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_answer_that_would_fill_the_context(load, go):
    with pytest.raises(
        ConfigError, match=r"task dishes: its own part of a prompt and an answer of up to 9,999 tokens leave"
    ):
        go(load(FIELDS.format(unit="review").replace("64", "9999")), REVIEWS)


def test_a_file_that_does_not_end_is_refused():
    with pytest.raises(ConfigError, match="^--task-file /dev/zero has more than 1,000,000 characters"):
        custom.load(Path("/dev/zero"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"--task-file .*none.toml cannot be read: .*No such file"):
        custom.load(tmp_path / "none.toml")
