"""Query expansion: other ways to say what somebody searches for.

A small model asked for a list repeats itself. Asked to fill in named ways of putting it, one each, it does much less.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.ledger.records import AnsweredRow
from pipelines.prompts.template import one_line
from pipelines.tasks.answer_schema import AnswerSchema, Field, distinct
from pipelines.tasks.extraction import Extraction
from pipelines.tasks.task import IDS, Column, Example, worked

WAYS = ("short", "place", "menu", "best", "similar", "nearby", "reviewed", "booked", "tonight", "group")
INSTRUCTION = "Other ways to search for the same restaurant."
# Queries, each put in the first five ways; the others follow from the short one.
ENGLISH = {
    "sushi bar with parking near the river": (
        "sushi with parking", "sushi restaurant with parking near the river", "menu of a sushi bar",
        "best sushi with parking", "japanese food by the water",
    ),
    "can you find me a cafe that is open before 7": (
        "early cafe", "cafe open before 7", "menu for an early coffee", "best early cafe", "coffee shop for the morning",
    ),
    "vegan tacos": (
        "tacos without meat", "restaurant with vegan tacos", "menu with vegan tacos", "best vegan tacos",
        "plant based mexican food",
    ),
    "i am looking for somewhere that serves steak with a view and is not too loud for my parents": (
        "quiet steak with a view", "steakhouse with a view", "menu with steak", "best quiet steak with a view",
        "grilled beef on a terrace",
    ),
    "i want to take my kids out for dinner": (
        "dinner with kids", "restaurant for kids", "menu for kids", "best dinner with kids",
        "family friendly evening meal",
    ),
    "what is the phone number of the blue door bakery": (
        "blue door bakery", "blue door bakery phone number", "menu of the blue door bakery",
        "best of the blue door bakery", "bakery with bread and cakes",
    ),
    "is there an indian place that delivers after 10 pm": (
        "late indian delivery", "indian restaurant that delivers after 10 pm", "menu with indian delivery",
        "best late indian delivery", "curry brought home at night",
    ),
}  # fmt: skip
KOREAN = {
    "강변 파스타 맛집": ("강변 파스타", "강변 파스타 식당", "파스타 메뉴", "강변 최고의 파스타", "이탈리아 음식점"),
    "아이랑 갈 만한 주차되는 고깃집": (
        "주차되는 고깃집", "아이랑 가기 좋은 고깃집", "고깃집 어린이 메뉴", "주차되는 최고의 고깃집", "가족 외식 갈비",
    ),
    "밤늦게 배달되는 치킨": ("심야 치킨 배달", "늦게까지 하는 치킨집", "치킨 배달 메뉴", "최고의 심야 치킨", "야식 튀김닭"),
}  # fmt: skip
FOLLOWING = {
    "en": ("{} nearby", "{} with good reviews", "book {}", "{} tonight", "{} for a group"),
    "ko": ("근처 {}", "후기 좋은 {}", "{} 예약", "오늘 저녁 {}", "단체 {}"),
}
LENGTH, TOKENS = 60, 24  # of one expansion, in characters and tokens
EDGES = " .,;:?!\"'\u201c\u201d\u2018\u2019"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion(Extraction):
    """The task."""

    def fields(self, row: AnsweredRow) -> dict[str, Any]:
        """Return the expansions, each once and none that is the query itself."""
        expansions = [text.strip(EDGES) for text in row.value.values()]
        return {"query": row.text, "expansions": distinct(expansions, [one_line(row.text).strip(EDGES)])}


def expansion(most: int) -> Expansion:
    """Make the task, for at most so many expansions of a query, of which there are as many as `WAYS`."""
    answer = AnswerSchema(
        tuple(Field(way, {"type": "string", "minLength": 2, "maxLength": LENGTH}) for way in WAYS[:most])
    )
    examples = [*_examples(ENGLISH, "en", most), *_examples(KOREAN, "ko", most)]
    return Expansion(
        name="query-expansion",
        about="how else could a search query be put?",
        unit="query",
        rank=1,
        forms=worked(
            "Query", "Searches", examples, INSTRUCTION, max_tokens=TOKENS * most, schema=answer.schema, penalty=0.3
        ),
        columns=(
            *IDS["query"],
            Column("query", pa.string(), "as in the input", "vegan tacos"),
            Column(
                "expansions",
                pa.list_(pa.string()),
                "other ways to say it, at most `--max-expansions`",
                ["tacos without meat", "restaurant with vegan tacos"],
            ),
        ),
        answer=answer,
    )


def _examples(queries: Mapping[str, Sequence[str]], lang: str, most: int) -> list[Example]:
    answers = {
        query: dict(zip(WAYS[:most], [*put, *(form.format(put[0]) for form in FOLLOWING[lang])], strict=False))
        for query, put in queries.items()
    }
    return [
        Example(query, json.dumps(answer, ensure_ascii=False, separators=(",", ":")), lang)
        for query, answer in answers.items()
    ]
