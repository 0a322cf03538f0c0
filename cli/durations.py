"""Durations: how long something takes, as people read it."""

from collections.abc import Mapping

SHORT = 10  # seconds of which the tenths are worth saying


def lasted(seconds: float | None) -> str:
    """Return a duration in the units that a person would say it in."""
    if seconds is None:
        return "never"
    if seconds < SHORT:
        return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clock(seconds: float | None) -> str:
    """Return a duration as h:mm:ss or m:ss."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def band(figures: Mapping[str, float]) -> str:
    """Return a predicted makespan with the band that nine in ten of earlier runs kept to."""
    expected, low, high = (clock(figures[name]) for name in ("makespan_s", "low_s", "high_s"))
    return f"{expected} ({low} to {high})"
