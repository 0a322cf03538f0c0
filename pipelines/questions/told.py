"""What a person is told of the rows as they are read, kept so that it is said again where they stand."""

from collections.abc import Iterable, Mapping

from pipelines.events import Emit, Event, Noted, Warned

KINDS: Mapping[str, type[Noted | Warned]] = {kind.__name__: kind for kind in (Noted, Warned)}
Line = tuple[str, str]  # one of the kinds, and a text


class Told:
    """The `lines` that were told."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def beside(self, emit: Emit) -> Emit:
        """Return what tells of an event and keeps it."""

        def emitting(event: Event) -> None:
            if isinstance(event, Noted | Warned):
                self.lines.append((type(event).__name__, event.text))
            emit(event)

        return emitting


def again(lines: Iterable[Line], emit: Emit) -> None:
    """Tell them once more."""
    for kind, text in lines:
        emit(KINDS[kind](text))
