"""The queue: a heap of the jobs that wait, best rank first."""

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scheduling.job import Job
from scheduling.policy import Policy, never

OVERDUE, URGENT, OUTSIDE = -2, -1, 99  # groups before and after those of the policies


class Turn(NamedTuple):
    """A job in the queue, and where it stands.

    Of equal ones that goes first which `entered` first; the ticket, which nobody else has, ends every comparison.
    """

    group: int
    key: float
    position: int
    entered: int
    ticket: int
    job: Job

    @property
    def priority(self) -> int:
        """Its place as a 64-bit integer, which is how vLLM takes it.

        What differs by less than a thousandth in `key` goes in the order in which it is handed over.
        """
        return (self.group << 48) + round(max(-(2.0**46), min(self.key * 1000, 2.0**46)))


class JobQueue:
    """A priority queue of jobs under one policy; push and pop in O(log n), also while it is drained.

    Ageing: a second of waiting makes up for `ageing` units of a policy's cost (prompt tokens; under `cost`
    predicted seconds). The effective cost at a time t is cost - ageing (t - arrival); all jobs age alike, so
    cost + ageing x arrival is the same order and the heap needs no re-sorting.

    Maximum wait: a job that has waited `max_wait` seconds goes before every job that has not, the one that
    has waited longest first. Jobs that their policy calls urgent come after those and before all others, the
    nearest deadline first. A job with a place of its own is never either.
    """

    def __init__(
        self, policy: Policy, jobs: Iterable[Job] = (), *, ageing: float = 0.0, max_wait: float = math.inf
    ) -> None:
        self._policy = policy
        self._ageing = ageing
        self._max_wait = max_wait
        self._tickets = itertools.count()
        # A sorted list is a heap too, and one that is drained twice as fast: memory is touched in order.
        self._waiting = sorted(map(self._turn, jobs))
        self._promoted: list[Turn] = []
        self._promotions: list[tuple[float, Turn]] = []
        self._left: set[int] = set()
        self._size = len(self._waiting)
        self.sent_by_max_wait = 0  # jobs that the maximum wait has sent in place of another
        if max_wait < math.inf or policy.urgent_at is not never:
            self._promotions = sorted(p for turn in self._waiting for p in self._promotions_of(turn))

    def push(self, job: Job) -> None:
        """Add a job that has just arrived."""
        self._enter(self._turn(job))

    def put_back(self, turn: Turn) -> None:
        """Have a job that was begun go on when its turn comes again."""
        self._enter(self._turn(turn.job)._replace(entered=turn.entered))

    def peek(self, now: float) -> Turn:
        """Return whose turn it is at the moment `now`; IndexError when no job waits."""
        while self._promotions and self._promotions[0][0] <= now:
            turn = heapq.heappop(self._promotions)[1]
            if turn.ticket not in self._left:
                heapq.heappush(self._promoted, turn)
        for heap in (self._promoted, self._waiting):
            while heap and heap[0].ticket in self._left:
                heapq.heappop(heap)
        # A job before all others goes before promoted ones too.
        return min(*self._promoted[:1], *self._waiting[:1]) if self._promoted else self._waiting[0]

    def overtakes(self, turn: Turn, now: float) -> bool:
        """Say whether somebody goes before the job of `turn`, which is under way, at the moment `now`.

        Nobody does for having waited too long if that job would have, too: it is nearer to being done.
        """
        if not self._size:
            return False
        best = self.peek(now)
        return best < turn and (best.group != OVERDUE or best.key < turn.job.arrival + self._max_wait)

    def pop(self, now: float) -> Turn:
        """Remove and return whose turn it is at the moment `now`; IndexError when no job waits."""
        turn = self.peek(now)
        self._size -= 1
        if self._promoted and self._promoted[0] is turn:
            self.sent_by_max_wait += turn.group == OVERDUE and turn.ticket != self._waiting[0].ticket
            self._left.add(turn.ticket)
            heapq.heappop(self._promoted)
        else:
            heapq.heappop(self._waiting)
            if self._promotions or self._promoted:
                self._left.add(turn.ticket)
        return turn

    def coming(self, most: int) -> list[Turn]:
        """Return up to `most` of those whose turns come next, the best first, by what is known now; all stay.

        Where some of the heap's first have left by another way, it may be fewer.
        """
        near = 2**most - 1  # the best few of a heap are among so many first ones
        first = sorted(turn for heap in (self._promoted, self._waiting) for turn in heap[:near])
        turns: dict[int, Turn] = {}  # who is promoted stands in both
        for turn in first:
            if turn.ticket not in self._left:
                turns.setdefault(turn.ticket, turn)
        return list(turns.values())[:most]

    def __len__(self) -> int:
        return self._size

    def _turn(self, job: Job) -> Turn:
        group, key, position = self._policy.rank(job.prefix_sibling or job)
        key += self._ageing * job.arrival
        ticket = next(self._tickets)
        return Turn(job.pinned * OUTSIDE or group, key, position, ticket, ticket, job)

    def _enter(self, turn: Turn) -> None:
        heapq.heappush(self._waiting, turn)
        self._size += 1
        for promotion in self._promotions_of(turn):
            heapq.heappush(self._promotions, promotion)

    def _promotions_of(self, turn: Turn) -> Iterator[tuple[float, Turn]]:
        """Yield the moments at which the job stops waiting for its turn, with the better one it takes then."""
        job = turn.job
        overdue, urgent = job.arrival + self._max_wait, self._policy.urgent_at(job.prefix_sibling or job)
        if overdue < math.inf and not job.pinned:
            yield overdue, turn._replace(group=OVERDUE, key=overdue)
        if urgent < math.inf and not job.pinned:
            yield urgent, turn._replace(group=URGENT, key=job.deadline)
