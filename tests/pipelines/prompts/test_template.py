"""How long an answer is expected to be while nothing has been measured."""

from dataclasses import replace

import pytest

from pipelines.prompts.template import Chat, PromptTemplate, tokenize
from pipelines.prompts.tokenizer import Tokenizer

ASKED, ANSWERED = "Review: The soup was cold and the bill was high.", '["soup","bill"]'
FOUND = PromptTemplate(
    f"{ASKED}\nFound: {ANSWERED}\n\nReview:", "\nFound:", max_tokens=101, schema="{}",
    chat=Chat("Find.", ((ASKED, ANSWERED),), "Review:"),
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return Tokenizer(tiny.folder)


def test_an_answer_is_expected_to_be_as_long_as_the_examples_are(tokenizer):
    template = tokenize(FOUND, tokenizer)
    asked, answered = len(tokenizer.encode(ASKED)), len(tokenizer.encode(ANSWERED))
    assert template.expected_output_tokens(asked) == pytest.approx(answered)
    assert template.expected_output_tokens(2 * asked) == pytest.approx(2 * answered)


def test_no_answer_is_expected_to_be_longer_than_it_may_be(tokenizer):
    assert tokenize(FOUND, tokenizer).expected_output_tokens(100_000) == 100


def test_without_examples_a_quarter_of_what_it_may_be_is_expected(tokenizer):
    assert tokenize(replace(FOUND, chat=None), tokenizer).expected_output_tokens(100_000) == 25


def test_what_is_scored_has_nothing_after_its_one_token(tokenizer):
    scored = replace(FOUND, max_tokens=1, schema=None, words=(("good",), ("bad",)))
    assert tokenize(scored, tokenizer).expected_output_tokens(100) == 0
