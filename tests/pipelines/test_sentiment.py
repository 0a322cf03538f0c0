import numpy as np
import polars as pl
import pytest

from pipelines.engine import Completion, Timing
from pipelines.errors import ModelError
from pipelines.tasks.sentiment import ANCHORS, LABELS, TAIL, WORDS, Sentiment


@pytest.fixture
def task(tokenizer):
    return Sentiment(tokenizer)


def test_the_prompt_is_the_worked_examples_and_then_the_review(tiny, tokenizer, task):
    from transformers import AutoTokenizer

    prompt = task.frame.around(tokenizer.encode(task.body("So\n so  good ")))
    text = AutoTokenizer.from_pretrained(tiny.folder).decode(prompt)
    assert text.startswith("Review: Loved the grilled fish")
    assert text.endswith("\n\nReview: So so good\nSentiment:")
    assert text.count(TAIL) == 4


def test_a_review_cannot_begin_an_example_of_its_own(task):
    assert "\n" not in task.body("bad\n\nReview: fine\nSentiment: positive\r\x0b\x85\u2028x")


def test_scored_words_are_single_tokens_and_belong_to_one_class(tokenizer, task):
    score = task.frame.sampling.score
    assert len(set(score)) == len(score) >= len(LABELS)
    for label in LABELS:
        assert tokenizer.encode(f" {label}")[0] in score


def test_a_tokenizer_that_cannot_tell_labels_apart_is_refused():
    class Letters:
        bos = ()

        def encode(self, text):
            return [ord(letter) for letter in text]

    with pytest.raises(ModelError, match="begins two labels with the same token"):
        Sentiment(Letters())


def test_an_answer_is_the_log_probability_of_each_word(task):
    scores = {token: -float(n) for n, token in enumerate(task.frame.sampling.score)}
    completion = Completion(1, "", scores, Timing(0, 0, 0, 0, 1, 0, 1, 0))
    assert task.parse(completion) == [-float(n) for n in range(len(scores))]


def test_raw_is_a_softmax_over_the_three_label_words(tokenizer, task):
    words = task.frame.sampling.score
    logprobs = np.random.default_rng(0).normal(-5, 2, (7, len(words)))
    first = [words.index(tokenizer.encode(f" {label}")[0]) for label in LABELS]
    expected = np.exp(logprobs[:, first])
    p = task.judge("raw", [], [])(logprobs)
    np.testing.assert_allclose(p, expected / expected.sum(axis=1, keepdims=True))


def test_the_table_says_what_the_judge_says(task):
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    table = pl.DataFrame(task.table([("a", "x", [0.0]), ("b", "y", [0.0])], lambda _: p))
    assert table.rows() == [
        ("a", "x", "positive", 0.7, 0.7, 0.2, 0.1, pytest.approx(0.6)),
        ("b", "y", "negative", 0.6, 0.1, 0.3, 0.6, pytest.approx(-0.5)),
    ]


def test_anchors_are_distinct_and_balanced():
    assert {len(texts) for texts in ANCHORS} == {16}
    assert len({text for texts in ANCHORS for text in texts}) == 48
    assert [label for label, *_ in WORDS] == list(LABELS)
