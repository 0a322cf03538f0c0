"""Durations and moments as people write them: 45m, 1h30m, 06:00."""

import re
from datetime import datetime, timedelta

DURATION = re.compile(r"(?=\d)(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
LONGEST = 366 * 24 * 3600.0  # seconds
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def duration(text: str) -> float:
    """Return the seconds of a duration. Raises ValueError that says what was expected."""
    match = DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"a duration such as 90s, 10m or 1h30m expected, found {text!r}")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    length = hours * 3600 + minutes * 60 + seconds
    if length > LONGEST:
        raise ValueError(f"a duration of at most a year expected, found {text!r}")
    return length


def moment(text: str, now: datetime) -> float:
    """Return a moment in seconds since the epoch: a time of day is the next after `now`, a duration counts from it.

    `now` is in local time and has no zone, so that the clock may change in between. Raises ValueError that says
    what was expected.
    """
    if match := TIME.fullmatch(text.strip()):
        then = now.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        return (then if then > now else then + timedelta(days=1)).timestamp()
    try:
        return now.timestamp() + duration(text)
    except ValueError as error:
        raise ValueError(f"a time of day such as 06:00, or {error}") from error
