"""What an answer is known by, which may not change with the code around it."""

from dataclasses import replace

import pytest

from pipelines.prompts.cache_key import identity
from pipelines.prompts.template import PromptTemplate

LABEL = PromptTemplate("Review:", "\nMood:", words=(("good", "great"), ("bad",)))
LINE = PromptTemplate("리뷰:", "\n한줄:", 64, schema='{"type":"object"}', penalty=0.5)


@pytest.fixture
def model(tiny):
    return replace(tiny, fingerprint="f00d")


def test_ledgers_of_earlier_versions_keep_their_answers(model):
    label = identity("mood", LABEL, model, {"seed": 1, "max_num_seqs": 8})
    assert label.hex() == "70cdc723cda5aba2df981632e20f4dd2c556a857dcf48a876e944f82822fb6e7"
    line = identity("mood", LINE, model, {})
    assert line.hex() == "f3ae07f127f4c54ccba48a547072c203927e93c8d0c30a91f5677ba9436d7e64"


def test_all_that_may_change_an_answer_changes_it(model):
    same = identity("mood", LINE, model, {})
    assert identity("mood", LINE, model, {"max_num_seqs": 8}) == same
    for name, value in {
        "shared_prefix": "", "suffix": "", "max_tokens": 1, "words": (("a",),), "schema": None, "penalty": 0.0,
    }.items():  # fmt: skip
        assert identity("mood", replace(LINE, **{name: value}), model, {}) != same
    assert identity("other", LINE, model, {}) != same
    assert identity("mood", LINE, replace(model, fingerprint="beef"), {}) != same
    assert identity("mood", LINE, model, {"seed": 1}) != same
