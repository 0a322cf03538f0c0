"""The gate: what goes into the engine now, and what is in it."""

import math
from dataclasses import replace

from pipelines.dispatch.eta import Eta
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.engine.interface import Completion, Failure, Limits, Request
from pipelines.events import Progress
from pipelines.ledger.records import Flight, StoredRequest
from pipelines.questions.stages import Desk
from scheduling.prefix import PrefixCache
from scheduling.queue import Turn
from scheduling.speed import Work
from scheduling.window import Window

# In flight at once, in multiples of what the engine runs at once: enough that a slot never waits for us.
DEPTH = 2


class Admission:
    """Admits what `feed` has next as long as the window has room for it and the deadline allows it.

    Fed continuously, the window is `DEPTH` times the engine's slots and as many tokens as its KV cache has;
    `batched`, it is what the engine computes in one step, and nothing joins a batch that is under way. Times
    are in seconds since the run's start, as is the `deadline`: what cannot be expected to be answered by then,
    at the pace of late, is not admitted.
    """

    def __init__(
        self,
        feed: RequestQueue,
        desk: Desk,
        limits: Limits,
        kv_cache_tokens: int,
        tally: Eta,
        deadline: float,
        *,
        batched: bool,
    ) -> None:
        self._feed = feed
        self._desk = desk
        self._limits = limits
        self._batched = batched
        # Fed continuously, the first step is one request's: its answer is there long before a full step could end.
        # Where time is short, so are the next until there is an answer, and with it a pace to go by.
        self._window = (
            Window(limits.max_num_seqs, limits.max_num_batched_tokens) if batched else Window(1, kv_cache_tokens)
        )
        self._blocks = kv_cache_tokens // max(limits.block_size, 1)
        self._cache = PrefixCache(limits.block_size, self._blocks)
        self._tally = tally
        self._deadline = deadline
        self._flights: dict[int, Flight] = {}
        self._last = 0.0
        self._begun = self._landed = False
        self.dry = False  # whether the last admission left a slot free that a waiting request could have had

    def __len__(self) -> int:
        return len(self._flights)

    def admit(self, now: float) -> list[Request]:
        """Return what goes to the engine now, best first."""
        step, self._last = now - self._last, now
        self.dry = False
        if not self._batched and (self._landed or (self._begun and self._deadline == math.inf)):
            self._window.max_requests = DEPTH * self._limits.max_num_seqs
        group: list[Request] = []
        while following := self._feed.peek(now):
            request, turn = following
            prompt, sampling = self._desk.prompt(request), self._desk.sampling(request)
            cached = self._cache.cached(prompt)
            # A batch is bounded by what it takes to compute, what is in flight by what it holds in the KV cache.
            tokens = request.prompt_tokens + (-cached if self._batched else sampling.max_tokens)
            load = self._load(request, turn)
            if now + step + self._tally.expected(load, now) > self._deadline:
                break
            if not self._window.can_admit(tokens):
                self.dry = len(self) < self._limits.max_num_seqs and self._window.has_room(tokens)
                break
            self._feed.take()
            self._window.admit(request.id, tokens)
            self._tally.admit(load)
            self._flights[request.id] = Flight(request, turn, now, cached)
            self._cache.add(prompt)
            group.append(Request(request.id, prompt, sampling, turn.priority))
            self._begun = True
        return group

    def land(self, done: Completion | Failure) -> Flight:
        """Take note of what the engine has finished, and return what it was."""
        self._landed = True
        flight = self._flights.pop(done.id)
        self._window.release(done.id)
        self._tally.count(self._load(flight.request, flight.turn), done)
        return flight

    def readmit(self, flight: Flight) -> None:
        """Have a request asked a second time, before all others."""
        load = self._load(flight.request, flight.turn)
        self._tally.correct(Work(), load)
        self._feed.repeat(flight.request.once_more(), flight.turn)

    def engine_restarted(self) -> None:
        """Take note that the engine was started anew: its cache is empty, and what is in flight goes again."""
        self._cache = PrefixCache(self._limits.block_size, self._blocks)
        for id_, flight in self._flights.items():
            prompt = self._desk.prompt(flight.request)
            self._flights[id_] = replace(flight, expected_cached=self._cache.cached(prompt))
            self._cache.add(prompt)

    def progress(self, now: float) -> Progress:
        """Return how far the work has come."""
        return self._tally.progress(now, len(self))

    def _load(self, request: StoredRequest, turn: Turn) -> Work:
        return request.work(self._limits.block_size, after_sibling=turn.job.prefix_sibling is not None)
