"""Summary: what diners say of a restaurant, out of all its reviews."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.tasks.aggregation import COUNTS, Aggregation, asking
from pipelines.tasks.answer_schema import TEXTS, AnswerSchema, Field, distinct
from pipelines.tasks.evidence import Sources
from pipelines.tasks.quotes import Quoting
from pipelines.tasks.restaurant import RestaurantState
from pipelines.tasks.task import IDS, Column, Example

ANSWER = AnswerSchema((
    Field("summary", TEXTS, quoting=Quoting(2, 3, choice=10, words=(5, 20), length=120)),
    Field("praised", TEXTS, "what is praised", ["broth that actually tastes of something"], quoting=Quoting(1, 3), tone=1),
    Field("criticised", TEXTS, "what is criticised", ["The queue was out of the door"], quoting=Quoting(0, 2), tone=-1),
))  # fmt: skip
COLUMNS = (
    *IDS["restaurant"],
    Column("summary", pa.string(), "what diners say, in sentences of the reviews",
           "The beef noodle soup is worth the wait. They were quick at lunch."),
    *(field.column for field in ANSWER.fields[1:]),
    *COUNTS,
)  # fmt: skip
EXAMPLES = (
    Example(
        "Lovely grilled trout. We sat in the garden.\n"
        "The garden is pretty, but we waited 40 minutes for drinks!\n"
        "Trout was fresh. Quite expensive.",
        '{"summary":["Lovely grilled trout","The garden is pretty, but we waited 40 minutes for drinks"],'
        '"praised":["Lovely grilled trout"],"criticised":["Quite expensive"]}',
    ),
    Example(
        "송어구이가 훌륭했어요. 정원에 앉았어요.\n정원은 예쁜데 음료를 40분 기다렸어요!\n송어가 신선했어요. 꽤 비싸요.",
        '{"summary":["송어구이가 훌륭했어요","정원은 예쁜데 음료를 40분 기다렸어요"],'
        '"praised":["송어구이가 훌륭했어요"],"criticised":["꽤 비싸요"]}',
        "ko",
    ),
)
QUESTION = "Reviews of the restaurant above, once more in short:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Aggregation):
    """The task."""

    def line(self, answer: Mapping[str, Any]) -> str:
        """Return a chunk's answer as what could have been a review."""
        return f"- {'. '.join(quote for quotes in answer.values() for quote in quotes)}.\n"

    def fields(self, restaurant: RestaurantState) -> dict[str, Any]:
        """Return the summary as one text, and what is praised and criticised; what stands in no review is left out."""
        (answer,), sources = restaurant.answers[-1], Sources(restaurant.reviews)
        grounded = {name: distinct(list(filter(sources.of, quotes))) for name, quotes in answer.items()}
        praised, criticised = grounded["praised"], distinct(grounded["criticised"], grounded["praised"])
        summary = "".join(f"{sentence[0].upper()}{sentence[1:]}. " for sentence in grounded["summary"]).strip()
        return {"summary": summary, "praised": praised, "criticised": criticised}


SUMMARY = Summary(
    name="summary",
    about="what do diners say of a restaurant?",
    unit="restaurant",
    forms=asking(("chunk", "merge"), QUESTION, "Summary", ANSWER, max_tokens=260, examples=EXAMPLES, penalty=0.5),
    columns=COLUMNS,
    schemas={"chunk": ANSWER, "merge": ANSWER},
    rank=3,
)
