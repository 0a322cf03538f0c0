"""Strengths: what a restaurant is better at than comparable ones, with words from its reviews as evidence.

Asked in two stages: what a comparison shows (`comparison_summary`), then what follows from it
(`target_restaurant_strength`). Evidence is looked up in the reviews; what cannot be found there is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.prompts.template import PromptTemplate
from pipelines.tasks.aggregation import ANY, COUNTS, Aggregation, asking
from pipelines.tasks.answer_schema import TEXTS, AnswerSchema, Field, distinct
from pipelines.tasks.evidence import Sources
from pipelines.tasks.quotes import Quoting, points
from pipelines.tasks.restaurant import RestaurantState, Stage
from pipelines.tasks.task import IDS, Answers, Column, Example

COMPARING, CONCLUDING, AT_ONCE = "comparison_summary", "target_restaurant_strength", "single_stage"


def _strength(evidence: Mapping[str, Any], strength: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON Schema of a strength; the evidence comes first, for what is said to fit it."""
    return {
        "type": "object",
        "properties": {"evidence": evidence, "strength": strength},
        "required": ["evidence", "strength"],
        "additionalProperties": False,
    }


def _one_of(quotes: Sequence[str]) -> Mapping[str, Any]:
    """Return the schema of a strength that one of the quotes is evidence of, in words of that quote."""
    return {
        "anyOf": [
            _strength({"type": "string", "enum": [quote]}, {"type": "string", "enum": points(quote)})
            for quote in quotes
        ]
    }


COMPARISON = AnswerSchema((
    Field("better", TEXTS, "what the comparison showed it to be better at, in words of its reviews",
          ["broth that actually tastes of something"], quoting=Quoting(2, 5, choice=20), tone=1),
    Field("worse", TEXTS, "and what to be worse at", ["The queue was out of the door"], quoting=Quoting(0, 2, choice=20), tone=-1),
))  # fmt: skip
CONCLUSION = AnswerSchema((
    Field(
        "strengths",
        {"type": "array", "items": _strength({"type": "string"}, {"type": "string"})},
        quoting=Quoting(3, 5, choice=20, item=_one_of),
        tone=1,
    ),
))  # fmt: skip
COLUMNS = (
    *IDS["restaurant"],
    Column(
        "strengths",
        pa.list_(pa.struct([("strength", pa.string()), ("evidence", pa.string()), ("review_id", pa.string()),
                            ("support", pa.int64())])),
        "what it is better at, best supported first: a few words, the quote that is the evidence, a review that it "
        "stands in, and how many reviews say so: in which these words or that quote stand",
        [{"strength": "actually tastes of something", "evidence": "broth that actually tastes of something",
          "review_id": "r0002", "support": 1}],
    ),
    *(field.column for field in COMPARISON.fields),
    Column("compared_with", pa.list_(pa.string()), "the restaurants compared with", ["tallow-and-flint"]),
    Column("ungrounded", pa.int64(), "strengths left out because no review has their evidence", 0),
    *COUNTS,
)  # fmt: skip
REVIEWS = (
    "Lovely grilled trout. We sat in the garden.\n"
    "The garden is pretty, but we waited 40 minutes for drinks!\n"
    "Trout was fresh. Such kind staff."
)
BETTER, WORSE = '"Lovely grilled trout","Such kind staff"', '"we waited 40 minutes for drinks"'
STRENGTHS = (
    '{"strengths":[{"evidence":"Lovely grilled trout","strength":"grilled trout"},'
    '{"evidence":"Such kind staff","strength":"kind staff"},'
    '{"evidence":"The garden is pretty","strength":"The garden is pretty"}]}'
)
REVIEWS_KO = (
    "송어구이가 훌륭했어요. 정원에 앉았어요.\n"
    "정원은 예쁜데 음료를 40분 기다렸어요!\n"
    "송어가 신선했어요. 직원들이 참 친절해요."
)
BETTER_KO, WORSE_KO = '"송어구이가 훌륭했어요","직원들이 참 친절해요"', '"음료를 40분 기다렸어요"'
STRENGTHS_KO = (
    '{"strengths":[{"evidence":"송어구이가 훌륭했어요","strength":"송어구이가 훌륭했어요"},'
    '{"evidence":"직원들이 참 친절해요","strength":"참 친절해요"},'
    '{"evidence":"정원은 예쁜데","strength":"정원은 예쁜데"}]}'
)
EXAMPLES: Mapping[str, Sequence[Example]] = {
    AT_ONCE: (Example(REVIEWS, STRENGTHS), Example(REVIEWS_KO, STRENGTHS_KO, "ko")),
    COMPARING: (
        Example(REVIEWS, f'{{"better":[{BETTER}],"worse":[{WORSE}]}}'),
        Example(REVIEWS_KO, f'{{"better":[{BETTER_KO}],"worse":[{WORSE_KO}]}}', "ko"),
    ),
    CONCLUDING: (
        Example("Lovely grilled trout. Such kind staff.\nThe garden is pretty.", STRENGTHS),
        Example("송어구이가 훌륭했어요. 직원들이 참 친절해요.\n정원은 예쁜데.", STRENGTHS_KO, "ko"),
    ),
}
COMPARE = "What the restaurant at the top does better than the others, and what worse:"
CONCLUDE = "The strengths of the restaurant at the top:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths(Aggregation):
    """The task; `single` asks for strengths at once."""

    single: bool = False

    def stage(self, restaurant: RestaurantState) -> Stage | None:
        """Return what is to be asked next, None when all has been answered."""
        if not restaurant.answers:
            return self.about_reviews(AT_ONCE if self.single else COMPARING, restaurant)
        if len(restaurant.answers) == 1 and not self.single:
            better = [quotes for answer in restaurant.answers[0] if (quotes := answer["better"])]
            lines = [f"- {'. '.join(quotes)}.\n" for quotes in better]
            return Stage(form=CONCLUDING, lines=lines, quotes=[{ANY: quotes} for quotes in better]) if better else None
        return None

    def later(self, chunks: int) -> str | None:
        """See `Task`."""
        del chunks
        return None if self.single else CONCLUDING

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return what the report says of the results: how many strengths have evidence, and how many had none."""
        grounded = pl.col("strengths").list.len().sum()
        more = results.select(grounded=grounded, ungrounded=pl.col("ungrounded").sum()).collect().row(0, named=True)
        return {**Aggregation.figures(self, results, answers), **more}

    def fields(self, restaurant: RestaurantState) -> dict[str, Any]:
        """Return the strengths whose evidence stands in a review, the best supported first."""
        sources = Sources(restaurant.reviews)
        by_words: dict[str, dict[str, Any]] = {}
        supporting: dict[str, set[str]] = {}
        ungrounded = 0
        for strength in (strength for answer in restaurant.answers[-1] for strength in answer.get("strengths", ())):
            if not (saying := sources.of(strength["evidence"])):
                ungrounded += 1
                continue
            key = strength["strength"].casefold()
            by_words.setdefault(key, {**strength, "review_id": saying[0]})
            supporting.setdefault(key, set()).update(saying, sources.of(key))
        strengths = [{**strength, "support": len(supporting[key])} for key, strength in by_words.items()]
        compared = [] if self.single else restaurant.answers[0]
        return {
            "strengths": sorted(strengths, key=lambda strength: -strength["support"]),
            **{
                name: distinct([quote for answer in compared for quote in answer[name] if sources.of(quote)])
                for name in ("better", "worse")
            },
            "compared_with": list(restaurant.others.quotes),
            "ungrounded": ungrounded,
        }


def strengths(*, single: bool) -> Strengths:
    """Make the task."""
    return Strengths(
        name="strengths",
        about="what is a restaurant better at than comparable ones, and which words of a review say so?",
        unit="restaurant",
        forms=_concluding(AT_ONCE)
        if single
        else {
            **asking(
                [COMPARING],
                COMPARE,
                "Comparison",
                COMPARISON,
                max_tokens=200,
                examples=EXAMPLES[COMPARING],
                penalty=0.5,
            ),
            **_concluding(CONCLUDING),
        },
        columns=COLUMNS,
        schemas={COMPARING: COMPARISON, CONCLUDING: CONCLUSION, AT_ONCE: CONCLUSION},
        rank=4,
        compares=True,
        single=single,
    )


def _concluding(name: str) -> Mapping[str, PromptTemplate]:
    return asking([name], CONCLUDE, "Strengths", CONCLUSION, max_tokens=300, examples=EXAMPLES[name], penalty=0.3)
