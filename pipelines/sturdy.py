"""An engine that outlives its own death: it is started again, and poison is found by asking one at a time."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from pipelines.engine import Completion, Counted, Engine, Limits, Refusal, Request
from pipelines.errors import EngineDied, EngineError

PATIENCE = 10
PAUSES = (1.0, 4.0, 15.0)  # seconds between tries to start an engine again


class SturdyEngine:
    """Wraps the engines that `start` makes; to its user it is one engine that never dies.

    After a death everything that was in flight is sent again, one request at a time; a request that
    was in flight at two deaths is refused as poison. `PATIENCE` deaths with no answer between them
    are not the requests' fault: then EngineError is raised.
    """

    def __init__(self, start: Callable[[], Engine], on_death: Callable[[str], None]) -> None:
        self._start = start
        self._on_death = on_death
        self._engine = start()
        self._in_flight: dict[int, Request] = {}
        self._suspects: deque[Request] = deque()
        self._held: list[Request] = []
        self._deaths: Counter[int] = Counter()
        self._deaths_in_a_row = 0
        self.restarts = 0

    @property
    def limits(self) -> Limits:
        """See `Engine`."""
        return self._engine.limits

    @property
    def kv_tokens(self) -> int:
        """See `Engine`."""
        return self._engine.kv_tokens

    @property
    def counted(self) -> Counted:
        """See `Engine`; what was done before a death is not in it."""
        return self._engine.counted

    def submit(self, requests: Sequence[Request]) -> None:
        """Hand over requests; they are held back while suspects are asked one at a time."""
        self._held += requests

    def step(self) -> list[Completion | Refusal]:
        """Let the engine work once; return what finished, or what is poison."""
        try:
            self._feed()
            done = self._engine.step()
        except EngineDied as death:
            return self._revive(death)
        for finished in done:
            del self._in_flight[finished.id]
            self._deaths.pop(finished.id, None)  # it may be asked a second time, and is no suspect then
        if done:
            self._deaths_in_a_row = 0
        return done

    def close(self) -> None:
        """Close the engine of the moment."""
        self._engine.close()

    def _feed(self) -> None:
        if self._suspects:
            group = [] if self._in_flight else [self._suspects.popleft()]
        elif self._in_flight.keys() & self._deaths.keys():
            group = []  # the last suspect is still alone in the engine
        else:
            group, self._held = self._held, []
        # Counted before they are handed over: the engine may die in between.
        self._in_flight |= {request.id: request for request in group}
        if group:
            self._engine.submit(group)

    def _revive(self, death: EngineDied) -> list[Completion | Refusal]:
        self._on_death(str(death))
        self._deaths_in_a_row += 1
        if self._deaths_in_a_row >= PATIENCE:
            raise EngineError(f"the engine died {PATIENCE} times in a row; last: {death}") from death
        self._deaths.update(self._in_flight.keys())
        poison = [id_ for id_ in self._in_flight if self._deaths[id_] > 1]
        self._suspects.extend(r for r in self._in_flight.values() if self._deaths[r.id] == 1)
        self._in_flight.clear()
        self._engine.close()
        self._engine = self._again()
        self.restarts += 1
        return [Refusal(id_, "poison", str(death)) for id_ in poison]

    def _again(self) -> Engine:
        """Start an engine; the memory of the last one may take a while to be free."""
        for pause in PAUSES:
            try:
                return self._start()
            except EngineError as error:
                self._on_death(str(error))
                time.sleep(pause)
        return self._start()
