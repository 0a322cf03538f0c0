"""Admission: what goes into the engine now, to which of its replicas, and what is in it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pipelines.dispatch.eta import Eta
from pipelines.dispatch.place import Drawn, Place, soonest
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.engine.interface import Completion, Engine, Failure, Request
from pipelines.ledger.records import Flight, StoredRequest
from pipelines.prompts.prompts import Prompts
from scheduling.job import Job
from scheduling.queue import Turn
from scheduling.speed import Work


@dataclass(frozen=True, slots=True)
class _Next:
    """What goes next, to which place unless all are full, and how it is taken from where it waits."""

    request: StoredRequest
    turn: Turn
    place: Place | None
    take: Callable[[], object]


class Admission:
    """Admits what the request queue has next as long as a replica has room for it and the deadline allows it.

    The best goes first, wherever it would be done soonest. What shares more than the header of its task with what a
    replica has computed goes there, and waits for its turn there while others go elsewhere. Times are in seconds since
    the engine was up, as is the `deadline`: what cannot be expected to be answered by then, at the pace of late, is
    not admitted. It begins `now`.
    """

    def __init__(
        self,
        queue: RequestQueue,
        prompts: Prompts,
        engine: Engine,
        eta: Eta,
        *,
        deadline: float,
        batched: bool,
        now: float,
    ) -> None:
        self._queue = queue
        self._prompts = prompts
        self._engine = engine
        self._batched = batched
        self._eta = eta
        self._deadline = deadline
        self._places: dict[int, Place] = {}
        self._flights: dict[int, Flight] = {}
        self._last = now
        self.in_flight = 0.0  # the size of the work that is in the engine
        self.dry = False  # whether the last admission left a sequence free that a waiting request could have had

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def jobs(self) -> Iterator[Job]:
        """The jobs of what is in the engine, a job for each request, what has been there longest first."""
        return (flight.turn.job for flight in self._flights.values())

    def admit(self, now: float) -> list[Request]:
        """Return what goes to the engine now, best first."""
        step, self._last = now - self._last, now
        self.dry = False
        self._meet()
        for known in self._places.values():
            known.widen(hurried=self._deadline < math.inf or len(self._places) > 1)
        free = [place for place in self._places.values() if place.is_open]
        group: list[Request] = []
        while following := self._next(free, now):
            request, turn = following.request, following.turn
            prompt, sampling = self._prompts.prompt(request), self._prompts.sampling(request)
            if (place := following.place) is None:
                full = (place for place in self._places.values() if place.replica.up)
                self.dry = any(place.is_dry(place.takes(prompt, sampling.max_tokens)[1]) for place in full)
                break
            cached, tokens = place.takes(prompt, sampling.max_tokens)
            work = self._work(request, turn)
            if now + step + self._eta.expected(work, self.in_flight, now) > self._deadline:
                break
            if not place.window.can_admit(tokens):
                self.dry |= place.is_dry(tokens)
                free.remove(place)
                continue
            following.take()
            place.admit(request.id, prompt, tokens=tokens, work=work, now=now)
            if not place.is_open:
                free.remove(place)
            self._flights[request.id] = Flight(request, turn, now, cached, replica=place.replica.number, work=work)
            self.in_flight += work.size
            group.append(Request(request.id, prompt, sampling, priority=turn.priority, replica=place.replica.number))
        return group

    def speeds(self, now: float) -> list[float]:
        """Return how fast each replica has worked, in multiples of their mean; none where it is not known of each."""
        paces = [pace for place in self._places.values() if (pace := place.pace(now))]
        known = bool(paces) and len(paces) == len(self._places)
        return [pace * len(paces) / sum(paces) for pace in paces] if known else []

    def land(self, done: Completion | Failure) -> Flight:
        """Take note of what the engine has finished, and return what it was."""
        flight = self._flights.pop(done.id)
        self._places[flight.replica].land(done.id, flight.work)
        self.in_flight -= flight.work.size
        return flight

    def readmit(self, flight: Flight) -> None:
        """Have a request asked a second time, before all others."""
        self._queue.repeat(flight.request.once_more(), flight.turn)

    def _next(self, free: list[Place], now: float) -> _Next | None:
        """Return what goes next, and to which of the places that are `free`; None when nothing waits."""
        for place in free:
            if place.held:
                return _Next(*place.held[0], place, place.held.popleft)
        while following := self._queue.peek(now):
            home = self._home(following[0]) if len(self._places) > 1 else None
            if home is None or home in free or home.holds_enough:
                to = home if home in free else self._soonest(free, following, now)
                return _Next(*following, to, self._queue.take)
            self._queue.take()
            home.held.append(following)
        # Nothing else is left to do: what waits for one replica may as well be done by another.
        longest = max(self._places.values(), key=lambda place: len(place.held), default=None)
        if longest is None or not longest.held:
            return None
        to = self._soonest(free, longest.held[0], now)
        return _Next(*longest.held[0], to, longest.held.popleft)

    def _home(self, request: StoredRequest) -> Place | None:
        """Return the place whose replica has computed the reviews that a prompt begins with, if there is one."""
        if request.reviews_prefix <= request.shared_prefix:
            return None
        places = [*self._places.values()]
        key = places[0].cache.key(self._prompts.prompt(request), request.reviews_prefix)
        return next((place for place in places if key in place.cache), None)

    def _soonest(self, free: list[Place], drawn: Drawn, now: float) -> Place | None:
        """Return which of the `free` places would have a request done first; None where it should wait for another.

        At the end, that is: when a slow replica would still be at it after all the others have done the rest.
        """
        if not free or len(self._places) == 1:
            return free[0] if free else None
        work = self._work(*drawn)
        place, seconds = soonest(free, work, now)
        left = self._eta.left(self.in_flight, now)
        if left is None or not left < seconds < math.inf:
            return place
        best, sooner = soonest([other for other in self._places.values() if other.replica.up], work, now)
        return None if best is not place and sooner < seconds else place

    def _work(self, request: StoredRequest, turn: Turn) -> Work:
        after_sibling = turn.job.prefix_sibling is not None
        return request.work(self._engine.limits.block_size, after_sibling=after_sibling)

    def _meet(self) -> None:
        """Take note of replicas that have come, were started again, or are gone."""
        now = {replica.number: replica for replica in self._engine.replicas}
        for number in self._places.keys() - now.keys():
            self._lose(number)
        for number, replica in now.items():
            place = self._places.get(number)
            if place is None:
                self._places[number] = Place(replica, self._engine.limits, batched=self._batched)
            elif place.replica != replica:
                again, place.replica = replica.restarts > place.replica.restarts, replica
                if again:
                    self._begin_anew(place)

    def _begin_anew(self, place: Place) -> None:
        """Have the cache of a place empty; what is in flight there goes again."""
        place.forget()
        for id_, flight in self._flights.items():
            if flight.replica == place.replica.number:
                prompt = self._prompts.prompt(flight.request)
                self._flights[id_] = replace(flight, expected_cached=place.cache.cached(prompt))
                place.cache.add(prompt)

    def _lose(self, number: int) -> None:
        """Have what a place had go elsewhere, before all others."""
        place = self._places.pop(number)
        for flight in [flight for flight in self._flights.values() if flight.replica == number]:
            del self._flights[flight.request.id]
            self.in_flight -= flight.work.size
            self._queue.repeat(flight.request, flight.turn)
        for request, turn in place.held:
            self._queue.repeat(request, turn)
