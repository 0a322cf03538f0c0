"""A place: one replica of the engine as the dispatch sees it, with what is in it and what may still go there."""

from collections import deque
from collections.abc import Sequence

from pipelines.engine.interface import Limits, Replica
from pipelines.ledger.records import StoredRequest
from scheduling.prefix import PrefixCache
from scheduling.queue import Turn
from scheduling.speed import Work
from scheduling.window import Window

# In flight at once, in multiples of what the engine runs at once: enough that a slot never waits for us.
DEPTH = 2
Drawn = tuple[StoredRequest, Turn]  # a request and the turn of its job


class Place:
    """The window and the foreseen prefix cache of a replica, and the work that is `in_flight` in it.

    Fed continuously, the window is `DEPTH` times the engine's sequences and as many tokens as its KV cache has;
    `batched`, it is what the engine computes in one step, and nothing joins a batch that is under way. `held` are
    requests that wait for this replica, for it has computed the beginning of their prompts.
    """

    def __init__(self, replica: Replica, limits: Limits, *, batched: bool) -> None:
        self.replica = replica
        self._limits, self._batched = limits, batched
        # Fed continuously, the first step is one request's: its answer is there long before a full step could end.
        # Where time is short, so are the next until there is an answer, and with it a pace to go by.
        self.window = (
            Window(limits.max_num_seqs, limits.max_num_batched_tokens)
            if batched
            else Window(1, replica.kv_cache_tokens)
        )
        self.held: deque[Drawn] = deque()
        self.in_flight = 0.0  # as the size of `Work`
        self._done = 0.0
        self._began: float | None = None  # when the first was admitted
        self._landed = False
        self.forget()

    def forget(self) -> None:
        """Have an empty prefix cache, as an engine that was started anew has."""
        blocks = self.replica.kv_cache_tokens // max(self._limits.block_size, 1)
        self.cache = PrefixCache(self._limits.block_size, blocks)

    def widen(self, *, hurried: bool) -> None:
        """Open the window once there is an answer, or something is under way and nobody is `hurried`."""
        if not self._batched and (self._landed or (self._began is not None and not hurried)):
            self.window.max_requests = DEPTH * self._limits.max_num_seqs

    @property
    def is_open(self) -> bool:
        """Whether one more request may be in it."""
        return self.replica.up and len(self.window) < self.window.max_requests

    @property
    def holds_enough(self) -> bool:
        """Whether so many wait for it that the next may as well go elsewhere."""
        return len(self.held) >= self.window.max_requests

    def is_dry(self, tokens: int) -> bool:
        """Say whether a sequence is free that a request of so many tokens could have had."""
        return len(self.window) < self._limits.max_num_seqs and self.window.has_room(tokens)

    def takes(self, prompt: list[int], max_tokens: int) -> tuple[int, int]:
        """Return how many tokens of a prompt the replica should hold, and how much of the window a request takes.

        A batch is bounded by what it takes to compute, what is in flight by what it adds to the KV cache. Blocks that
        prompts share are there once, and counted with the first of them: a bound that is a little too wide costs a
        preemption, one that counts them every time would leave half of the engine idle.
        """
        cached = self.cache.cached(prompt)
        return cached, len(prompt) - cached + (0 if self._batched else max_tokens)

    def admit(self, request: int, prompt: list[int], *, tokens: int, work: Work, now: float) -> None:
        """Take note of a request that goes to the replica now."""
        self.window.admit(request, tokens)
        self.cache.add(prompt)
        self.in_flight += work.size
        self._began = now if self._began is None else self._began

    def land(self, request: int, work: Work) -> None:
        """Take note of one that is finished there."""
        self.window.release(request)
        self.in_flight -= work.size
        self._done += work.size
        self._landed = True

    def pace(self, now: float) -> float | None:
        """Return the work that it does in a second, None while nobody knows."""
        seconds = now - self._began if self._began is not None else 0.0
        return self._done / seconds if self._done and seconds else None


def soonest(places: Sequence[Place], work: Work, now: float) -> tuple[Place, float]:
    """Return which place, of one or more, would have done some more work first, and in how many seconds.

    A place whose pace nobody knows yet is as good as the others are on average. As long as none is known, the time is
    infinite: the place is right, but nobody can say when.
    """
    paces = {place: place.pace(now) for place in places}
    known = [pace for pace in paces.values() if pace]
    usual = sum(known) / len(known) if known else 1.0
    place = min(paces, key=lambda place: (place.in_flight + work.size) / (paces[place] or usual))
    pace = paces[place] or usual
    return place, (place.in_flight + work.size) / pace if known else float("inf")
