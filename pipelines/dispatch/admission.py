"""Admission: what goes into the engine now, and what is in it."""

import math
from dataclasses import replace

from pipelines.dispatch.eta import Eta
from pipelines.dispatch.request_queue import RequestQueue
from pipelines.engine.interface import Completion, Engine, Failure, Request
from pipelines.ledger.records import Flight
from pipelines.prompts.prompts import Prompts
from scheduling.prefix import PrefixCache
from scheduling.speed import Work
from scheduling.window import Window

# In flight at once, in multiples of what the engine runs at once: enough that a slot never waits for us.
DEPTH = 2


class Admission:
    """Admits what the request queue has next as long as the window has room for it and the deadline allows it.

    Fed continuously, the window is `DEPTH` times the engine's sequences and as many tokens as its KV cache has;
    `batched`, it is what the engine computes in one step, and nothing joins a batch that is under way. Times
    are in seconds since the engine was up, as is the `deadline`: what cannot be expected to be answered by then,
    at the pace of late, is not admitted. It begins `now`.
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
        self._limits = engine.limits
        self._batched = batched
        # Fed continuously, the first step is one request's: its answer is there long before a full step could end.
        # Where time is short, so are the next until there is an answer, and with it a pace to go by.
        self._window = (
            Window(self._limits.max_num_seqs, self._limits.max_num_batched_tokens)
            if batched
            else Window(1, engine.kv_cache_tokens)
        )
        self._blocks = engine.kv_cache_tokens // max(self._limits.block_size, 1)
        self._cache = PrefixCache(self._limits.block_size, self._blocks)
        self._eta = eta
        self._deadline = deadline
        self._flights: dict[int, Flight] = {}
        self._last = now
        self._begun = self._landed = False
        self.in_flight = 0.0  # the size of the work that is in the engine
        self.dry = False  # whether the last admission left a sequence free that a waiting request could have had

    def __len__(self) -> int:
        return len(self._flights)

    def admit(self, now: float) -> list[Request]:
        """Return what goes to the engine now, best first."""
        step, self._last = now - self._last, now
        self.dry = False
        if not self._batched and (self._landed or (self._begun and self._deadline == math.inf)):
            self._window.max_requests = DEPTH * self._limits.max_num_seqs
        group: list[Request] = []
        while following := self._queue.peek(now):
            request, turn = following
            prompt, sampling = self._prompts.prompt(request), self._prompts.sampling(request)
            cached = self._cache.cached(prompt)
            # A batch is bounded by what it takes to compute, what is in flight by what it adds to the KV cache. Blocks
            # that prompts share are there once, and counted with the first of them: a bound that is a little too wide
            # costs a preemption, one that counts them every time would leave half of the engine idle.
            tokens = request.prompt_tokens - cached + (0 if self._batched else sampling.max_tokens)
            flight = Flight(request, turn, now, cached)
            work = self.work(flight)
            if now + step + self._eta.expected(work, self.in_flight, now) > self._deadline:
                break
            if not self._window.can_admit(tokens):
                self.dry = len(self) < self._limits.max_num_seqs and self._window.has_room(tokens)
                break
            self._queue.take()
            self._window.admit(request.id, tokens)
            self._flights[request.id] = flight
            self.in_flight += work.size
            self._cache.add(prompt)
            group.append(Request(request.id, prompt, sampling, turn.priority))
            self._begun = True
        return group

    def land(self, done: Completion | Failure) -> Flight:
        """Take note of what the engine has finished, and return what it was."""
        self._landed = True
        flight = self._flights.pop(done.id)
        self._window.release(done.id)
        self.in_flight -= self.work(flight).size
        return flight

    def readmit(self, flight: Flight) -> None:
        """Have a request asked a second time, before all others."""
        self._queue.repeat(flight.request.once_more(), flight.turn)

    def engine_restarted(self) -> None:
        """Take note that the engine was started anew: its cache is empty, and what is in flight goes again."""
        self._cache = PrefixCache(self._limits.block_size, self._blocks)
        for id_, flight in self._flights.items():
            prompt = self._prompts.prompt(flight.request)
            self._flights[id_] = replace(flight, expected_cached=self._cache.cached(prompt))
            self._cache.add(prompt)

    def work(self, flight: Flight) -> Work:
        """Return the work that a request is for the engine."""
        after_sibling = flight.turn.job.prefix_sibling is not None
        return flight.request.work(self._limits.block_size, after_sibling=after_sibling)
