"""Reasons: what to do about each way in which a row gets no answer."""

from typing import Any

from pipelines.corpus.reject import ENCODINGS, Reason

# A reason, what it means, and what to do about it.
ADVICE: dict[str, tuple[str, str]] = {
    Reason.MALFORMED_JSON: ("no JSON object", "Look at the line: it is often cut off, or two in one. Export it again."),
    Reason.MALFORMED_CSV: ("broken CSV", "Put texts that have commas or line ends into double quotation marks."),
    Reason.NOT_A_LIST: ("no list of reviews", "Check the name given to --each, or mend the record."),
    Reason.INVALID_UTF8: ("bytes that are no text", f"The file is not in UTF-8: {ENCODINGS}."),
    Reason.NO_TEXT: ("without a text", "Nothing, if people only gave stars; else name the column: --column text=..."),
    Reason.TEXT_NOT_A_STRING: ("a text that is no text", "Name the column that has the words: --column text=..."),
    Reason.NO_QUERY: ("without a query", "Nothing, if it is empty; else name the column: --column query=..."),
    Reason.QUERY_NOT_A_STRING: ("a query that is no text", "Name the column that has the words: --column query=..."),
    Reason.NO_REVIEW_ID: ("without an id", "Fill it in, or leave the whole column away: rows are numbered then."),
    Reason.NO_RESTAURANT_ID: ("without a restaurant", "Name the column: --column restaurant_id=..., or --restaurant."),
    Reason.NO_QUERY_ID: ("without an id", "Fill it in, or leave the whole column away: rows are numbered then."),
    Reason.DUPLICATE_ID: ("an id seen before", "Nothing, if it is the same review twice; else give each its own id."),
    Reason.BAD_DEADLINE: ("a deadline that is no time", "Write it as 2026-01-31T06:00:00+00:00, or leave it out."),
    Reason.TOO_LONG: ("too long for the model", "Choose a model with a longer context, or shorten the text."),
    Reason.ENGINE_REFUSED: ("refused by the engine", "Read the detail, and engine.log; run again with --again."),
    Reason.NO_SCORES: ("no usable probabilities", "Run again; if it stays, --engine dtype=float32 often helps."),
    Reason.TRUNCATED: ("an answer that was cut off", "Raise max_tokens of your task, or take a larger model."),
    Reason.MALFORMED: ("an answer that was none", "A larger model follows instructions better; see the README."),
    Reason.POISON: ("the engine died of it, twice", "Look at the text for what is odd; the others are not affected."),
}


def meaning(reason: str) -> str:
    """Return what a reason means, itself where nobody knows it."""
    return ADVICE.get(reason, (reason, ""))[0]


def told(counts: dict[str, int], examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the reasons there were, the most frequent first, each with its meaning, advice and examples."""
    return [
        {
            "reason": reason,
            "rows": rows,
            "meaning": meaning(reason),
            "advice": ADVICE.get(reason, ("", ""))[1],
            "examples": [example for example in examples if example["reason"] == reason],
        }
        for reason, rows in counts.items()
    ]
