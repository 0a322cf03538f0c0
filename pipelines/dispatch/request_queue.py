"""The request queue: the requests of the queue's jobs, in the order in which they go."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain

from pipelines.ledger.records import StoredRequest
from scheduling.queue import JobQueue, Turn


class RequestQueue:
    """Draws requests from the queue's jobs one at a time, so that a better job overtakes even one that is under way.

    `requests` yields the waiting requests of a job by its id.
    """

    def __init__(self, queue: JobQueue, requests: Callable[[int], Iterator[StoredRequest]]) -> None:
        self._queue = queue
        self._requests = requests
        self._begun: dict[int, Iterator[StoredRequest]] = {}
        self._held: dict[int, StoredRequest] = {}  # the next ones of jobs that were overtaken
        self._turn: Turn | None = None
        self._next: StoredRequest | None = None
        # Requests that several jobs ask are sent by the first of them.
        self._sent: set[int] = set()
        self._repeated: deque[tuple[StoredRequest, Turn]] = deque()

    def repeat(self, request: StoredRequest, turn: Turn) -> None:
        """Have a request that was sent go again, before all others."""
        self._repeated.append((request, turn))

    def peek(self, now: float) -> tuple[StoredRequest, Turn] | None:
        """Return the request that goes next at the moment `now`, and the turn of its job; None when nothing waits."""
        if self._repeated:
            return self._repeated[0]
        while self._turn or self._queue:
            if self._turn and not self._next:
                # It is done here, and comes back as another when its next stage has arrived.
                del self._begun[self._turn.job.id]
                self._turn = None
            elif self._turn and self._next and not self._queue.overtakes(self._turn, now):
                return self._next, self._turn
            else:
                self._change(now)
        return None

    def take(self) -> None:
        """Count what `peek` returned as sent."""
        if self._repeated:
            self._repeated.popleft()
        elif self._turn and self._next:
            if self._next.shared:
                self._sent.add(self._next.id)
            self._next = self._following(self._turn.job.id)

    def coming(self, most: int) -> list[Turn]:
        """Return up to `most` turns of the jobs that go next, that of the one under way among them; nothing changes."""
        turns = self._queue.coming(most)
        return sorted([self._turn, *turns])[:most] if self._turn and self._next else turns

    def _change(self, now: float) -> None:
        if self._turn and self._next:
            job = self._turn.job.id
            self._held[job] = self._next
            self._queue.put_back(self._turn)
        self._turn = self._queue.pop(now)
        job = self._turn.job.id
        if job not in self._begun:
            self._begun[job] = self._requests(job)
        self._next = self._following(job)

    def _following(self, job: int) -> StoredRequest | None:
        held = self._held.pop(job, None)
        following = chain([held] if held else [], self._begun[job])
        return next((request for request in following if request.id not in self._sent), None)
