"""What is said: numbers, times and texts as people read them."""

import math
import re

MINUTE = 60.0
SHORT = 10.0  # below it a decimal tells something


def seconds(value: float | None) -> str:
    """Return a time as people say it: 0.4 s, 37 s, 12 min, 3 h 05 min."""
    if value is None or not math.isfinite(value):
        return "none"
    if 0 < value < 0.05:  # noqa: PLR2004  that would be 0.0
        return "below 0.1 s"
    if value < SHORT:
        return f"{value:.1f} s"
    if round(value) < 2 * MINUTE:
        return f"{value:.0f} s"
    if round(value / MINUTE) < MINUTE:
        return f"{value / MINUTE:.0f} min"
    minutes = round(value / MINUTE)
    return f"{minutes // 60} h {minutes % 60:02} min"


def number(value: float | None) -> str:
    """Return a number with three telling digits, or all of them where it counts something."""
    if value is None:
        return "none"
    return f"{value:,.3g}" if isinstance(value, float) and value < 100 else f"{value:,.0f}"  # noqa: PLR2004


def share(part: float, whole: float) -> str:
    """Return a part of a whole in percent; a few of many are not none, and nearly all are not all."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "below 1 %"
    return "above 99 %" if 99 < percent < 100 else f"{percent:.0f} %"  # noqa: PLR2004


def many(count: int, one: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {one if count == 1 else several(one)}"


def several(one: str) -> str:
    """Return the plural of a noun."""
    return f"{one[:-1]}ies" if one.endswith("y") else f"{one}{'es' if one.endswith('ch') else 's'}"


def cut(text: str, length: int) -> str:
    """Return the first sentences of a text, as many as fit; of a long one its first words."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    ends = [end.end() for end in re.finditer(r"[.!?。]+(?=\s)", text[: length + 1])]
    return f"{text[: ends[-1]]} …" if ends else f"{text[:length].rpartition(' ')[0] or text[:length]} …"
