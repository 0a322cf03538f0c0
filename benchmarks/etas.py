"""ETAs: what a run said was left, held against what was."""

from pipelines.events import Event, Progress


class Etas:
    """Notes the ETAs that come by, of the run's events."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float]] = []

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Progress) and event.eta is not None:
            self._seen.append((event.seconds, event.eta))

    def errors(self, makespan: float) -> dict[str, float | None]:
        """Return how far they were off, as a share of what was left: after a tenth of the time, and at most until nine."""
        off = [abs(at + eta - makespan) / (makespan - at) for at, eta in self._seen if 0.1 <= at / makespan <= 0.9]
        return {"eta_error_at_a_tenth": off[0] if off else None, "eta_worst_error": max(off, default=None)}
